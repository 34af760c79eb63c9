import type {
  Conv2DAttrs,
  DepthwiseConv2dNativeAttrs,
  FusedConv2DAttrs,
  FusedDepthwiseConv2DAttrs,
} from '@tensorflow/tfjs-core';
import type { GraphBuilder, Ref } from '../graph.ts';
import { defineKernel, inputOf, type Kernel, type LoweredCall } from '../kernel.ts';
import { type Images, image, toChannelsFirst, toChannelsLast } from '../layout.ts';
import { type Call, callOf, type Shape, sameShape, type Value } from '../value.ts';
import { activate, activationOf, leakyreluAlphaOf, recordedActivation } from './activation.ts';
import { blockedConvolution, blockedFilter, filterBlocksOf } from './blocked.ts';
import {
  convolution,
  crop,
  floatsOnly,
  type Geometry,
  geometryOf,
  isPerChannel,
  isPlain,
  onnxFilter,
} from './geometry.ts';

/** The lowering of every forward convolution; `bias` has one value for each channel of the result. */
export function lowerConvolution(
  graph: GraphBuilder,
  call: Pick<Call, 'inputs' | 'attributes'>,
  outShape: Shape,
  bias?: Value,
): Ref {
  const [x, filter] = [inputOf(call, 0), inputOf(call, 1)];
  const geometry = geometryOf(call.attributes);
  const activation = activationOf(call.attributes);
  const activated = (convolved: Ref) =>
    activation === 'prelu'
      ? convolved
      : activate(graph, convolved, activation, { leakyreluAlpha: leakyreluAlphaOf(call.attributes) });
  const blocked = convolvedInBlocks(graph, { ref: graph.ref(x), shape: x.shape }, filter, bias, geometry);
  if (blocked !== undefined) return activated(blocked);

  const { strides, dilations, pads, groups, channelsFirst } = geometry;
  const images = channelsFirst ? graph.ref(x) : toChannelsFirst(graph, graph.ref(x), x.shape);
  const inputs = [images, onnxFilter(graph, filter, groups)];
  if (bias !== undefined) inputs.push(graph.ref(bias));
  const convolved = graph.op('Conv', inputs, { strides, dilations, pads, group: groups });
  // Before the change of layout, so that the two layout changes around it can cancel.
  const result = activated(convolved);
  return channelsFirst ? result : toChannelsLast(graph, result, outShape);
}

/** Undefined where the processor has no blocks, or none of that many channels. */
function convolvedInBlocks(
  graph: GraphBuilder,
  x: Images,
  filter: Value,
  bias: Value | undefined,
  { strides, dilations, pads, groups, channelsFirst }: Geometry,
): Ref | undefined {
  const [filterHeight, filterWidth, inside, out] = image(filter.shape);
  const blocks = groups === 1 && !channelsFirst ? filterBlocksOf(graph, inside, out) : undefined;
  if (blocks === undefined) return undefined;
  return blockedConvolution(graph, x, {
    filter: blockedFilter(graph, graph.ref(filter), filter.shape, blocks),
    window: [filterHeight, filterWidth],
    outChannels: out,
    bias: bias && graph.ref(bias),
    strides,
    dilations,
    pads,
  });
}

/** What a fused convolution does with its bias: only one value for each channel can go into the convolution. */
type BiasUse = 'none' | 'inside' | 'added';

function lowerFusedConvolution(graph: GraphBuilder, call: LoweredCall): Ref {
  const { inputs, attributes, shape } = call;
  const activation = activationOf(attributes);
  const bias = attributes.bias === 'none' ? undefined : inputOf(call, 2);
  const parameters = {
    leakyreluAlpha: leakyreluAlphaOf(attributes),
    preluWeights: activation === 'prelu' ? preluWeightsOf(graph, call) : undefined,
  };
  if (bias !== undefined && attributes.bias === 'added') {
    const linear = { inputs, attributes: { ...attributes, activation: 'linear' } };
    const sum = graph.op('Add', [lowerConvolution(graph, linear, shape), graph.ref(bias)]);
    return activate(graph, sum, activation, parameters);
  }
  const convolved = lowerConvolution(graph, call, shape, bias);
  return activation === 'prelu' ? activate(graph, convolved, activation, parameters) : convolved;
}

function preluWeightsOf(graph: GraphBuilder, call: LoweredCall): Ref {
  const weights = inputOf(call, call.inputs.length - 1);
  const [channels = 1] = weights.shape;
  const turned = weights.shape.length === 1 && geometryOf(call.attributes).channelsFirst;
  return turned ? graph.reshape(graph.ref(weights), [channels, 1, 1]) : graph.ref(weights);
}

type ConvolutionAttributes = Conv2DAttrs | DepthwiseConv2dNativeAttrs;

export function convolutionKernel(name: string, { depthwise }: { depthwise: boolean }): Kernel {
  return defineKernel<'x' | 'filter', ConvolutionAttributes>(
    name,
    ({ x, filter }, attributes) => {
      floatsOnly(name, [x, filter]);
      const { outShape, geometry } = convolution(name, x.shape, filter.shape, attributes, depthwise);
      return { inputs: [x, filter], shape: outShape, dtype: 'float32', attributes: { ...geometry } };
    },
    (graph, call) => lowerConvolution(graph, call, call.shape),
  );
}

export function fusedConvolutionKernel(name: string, { depthwise }: { depthwise: boolean }): Kernel {
  return defineKernel<
    'x' | 'filter',
    FusedConv2DAttrs | FusedDepthwiseConv2DAttrs,
    'bias' | 'preluActivationWeights'
  >(
    name,
    ({ x, filter, bias, preluActivationWeights }, attributes) => {
      floatsOnly(name, [x, filter]);
      const { outShape, outChannels, geometry } = convolution(
        name,
        x.shape,
        filter.shape,
        attributes,
        depthwise,
      );
      const activation = recordedActivation(name, attributes, preluActivationWeights !== undefined);
      return {
        inputs: [x, filter, bias, preluActivationWeights].filter((input) => input !== undefined),
        shape: outShape,
        dtype: 'float32',
        attributes: { ...geometry, ...activation, bias: biasUse(bias, outChannels) },
      };
    },
    lowerFusedConvolution,
  );
}

function biasUse(bias: Value | undefined, channels: number): BiasUse {
  if (bias === undefined) return 'none';
  return sameShape(bias.shape, [channels]) ? 'inside' : 'added';
}

/** A bias added to a convolution that nothing else uses goes into the convolution. Undefined where it is none. */
export function lowerBiasAdd(graph: GraphBuilder, sum: Value, bias: Value): Ref | undefined {
  const call = callOf(sum, 'Conv2D') ?? callOf(sum, 'DepthwiseConv2dNative');
  if (call === undefined || !isPerChannel(bias, sum) || graph.uses(sum) > 1) return undefined;
  if (geometryOf(call.attributes).channelsFirst) return undefined;
  return lowerConvolution(graph, call, sum.shape, bias);
}

/**
 * Such a sum computed for its first `height` rows and `width` columns only, which is all that a pool reads of it.
 * Undefined where it is something else, or its pixels depend on more than a crop of the image.
 */
export function croppedBiasAdd(
  graph: GraphBuilder,
  value: Value,
  height: number,
  width: number,
): Ref | undefined {
  const sum = callOf(value, 'Add');
  const convolution = sum && callOf(inputOf(sum, 0), 'Conv2D');
  if (sum === undefined || convolution === undefined || graph.uses(inputOf(sum, 0)) > 1) return undefined;
  const [x, filter, bias] = [inputOf(convolution, 0), inputOf(convolution, 1), inputOf(sum, 1)];
  const geometry = geometryOf(convolution.attributes);
  if (!isPlain(geometry) || !isPerChannel(bias, value)) return undefined;
  const [batch, , , channels] = image(value.shape);
  const [filterHeight, filterWidth] = image(filter.shape);
  const cropped = crop(graph, x, height + filterHeight - 1, width + filterWidth - 1);
  const blocked = convolvedInBlocks(graph, cropped, filter, bias, geometry);
  if (blocked !== undefined) return blocked;
  const inputs = [
    toChannelsFirst(graph, cropped.ref, cropped.shape),
    onnxFilter(graph, filter, 1),
    graph.ref(bias),
  ];
  return toChannelsLast(graph, graph.op('Conv', inputs), [batch, height, width, channels]);
}

export const convolutions: readonly Kernel[] = [
  convolutionKernel('Conv2D', { depthwise: false }),
  fusedConvolutionKernel('FusedConv2D', { depthwise: false }),
];
