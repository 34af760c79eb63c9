import type {
  Conv2DAttrs,
  DepthwiseConv2dNativeAttrs,
  FusedConv2DAttrs,
  FusedDepthwiseConv2DAttrs,
} from '@tensorflow/tfjs-core';
import { type GraphBuilder, type Ref, UnsupportedKernel } from '../graph.ts';
import { defineKernel, inputOf, type Kernel, type LoweredCall } from '../kernel.ts';
import { image, toChannelsFirst, toChannelsLast } from '../layout.ts';
import { type Call, callOf, type Shape, type Value } from '../value.ts';
import { activate, activationOf, leakyreluAlphaOf, recordedActivation } from './activation.ts';
import { convolution, crop, floatsOnly, geometryOf, isPerChannel, isPlain, onnxFilter } from './geometry.ts';

/** The lowering of every forward convolution; `bias` has one value for each channel of the result. */
export function lowerConvolution(
  graph: GraphBuilder,
  call: Pick<Call, 'inputs' | 'attributes'>,
  outShape: Shape,
  bias?: Value,
): Ref {
  const [x, filter] = [inputOf(call, 0), inputOf(call, 1)];
  const { strides, dilations, pads, groups } = geometryOf(call.attributes);
  const inputs = [toChannelsFirst(graph, graph.ref(x), x.shape), onnxFilter(graph, filter, groups)];
  if (bias !== undefined) inputs.push(graph.ref(bias));
  const convolved = graph.op('Conv', inputs, { strides, dilations, pads, group: groups });
  const activation = activationOf(call.attributes);
  // Before the change of layout, so that the two layout changes around it can cancel.
  const activated =
    activation === 'prelu'
      ? convolved
      : activate(graph, convolved, activation, { leakyreluAlpha: leakyreluAlphaOf(call.attributes) });
  return toChannelsLast(graph, activated, outShape);
}

function lowerFusedConvolution(graph: GraphBuilder, call: LoweredCall): Ref {
  const { biased, activation } = call.attributes;
  const bias = biased === true ? inputOf(call, 2) : undefined;
  const convolved = lowerConvolution(graph, call, call.shape, bias);
  if (activation !== 'prelu') return convolved;
  const preluWeights = graph.ref(inputOf(call, call.inputs.length - 1));
  return activate(graph, convolved, activation, { preluWeights });
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
      const { outShape, geometry } = convolution(name, x.shape, filter.shape, attributes, depthwise);
      if (bias !== undefined && !(bias.shape.length === 1 && bias.shape[0] === outShape[3])) {
        throw new UnsupportedKernel(
          name,
          `its bias is one value for each of the ${outShape[3]} channels, got a bias [${bias.shape}]; ` +
            'add another one to the result',
        );
      }
      const activation = recordedActivation(name, attributes, preluActivationWeights !== undefined);
      return {
        inputs: [x, filter, bias, preluActivationWeights].filter((input) => input !== undefined),
        shape: outShape,
        dtype: 'float32',
        attributes: { ...geometry, ...activation, biased: bias !== undefined },
      };
    },
    lowerFusedConvolution,
  );
}

/** A bias added to a convolution that nothing else uses goes into the convolution. Undefined where it is none. */
export function lowerBiasAdd(graph: GraphBuilder, sum: Value, bias: Value): Ref | undefined {
  const call = callOf(sum, 'Conv2D') ?? callOf(sum, 'DepthwiseConv2dNative');
  if (call === undefined || !isPerChannel(bias, sum) || graph.uses(sum) > 1) return undefined;
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
