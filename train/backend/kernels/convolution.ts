import type { Conv2DAttrs, FusedConv2DAttrs } from '@tensorflow/tfjs-core';
import { type GraphBuilder, type Ref, UnsupportedKernel } from '../graph.ts';
import { defineKernel, inputOf, type Kernel } from '../kernel.ts';
import { image, toChannelsFirst, toChannelsLast } from '../layout.ts';
import { type Call, callOf, type Shape, type Value } from '../value.ts';
import { activate, activationOf } from './activation.ts';
import { convolution, crop, geometryOf, isPerChannel, isPlain, onnxFilter } from './geometry.ts';

function lowerConvolution(
  graph: GraphBuilder,
  call: Pick<Call, 'inputs' | 'attributes'>,
  outShape: Shape,
  bias: Value | undefined,
): Ref {
  const [x, filter] = [inputOf(call, 0), inputOf(call, 1)];
  const inputs = [toChannelsFirst(graph, graph.ref(x), x.shape), onnxFilter(graph, filter)];
  if (bias !== undefined) inputs.push(graph.ref(bias));
  const { activation } = call.attributes;
  const { strides, dilations, pads } = geometryOf(call.attributes);
  const convolved = graph.op('Conv', inputs, { strides, dilations, pads });
  // Before the change of layout, so that the two layout changes around it can cancel.
  const activated =
    activation === undefined ? convolved : activate(graph, convolved, activationOf(call.attributes));
  return toChannelsLast(graph, activated, outShape);
}

const conv2d = defineKernel<'x' | 'filter', Conv2DAttrs>(
  'Conv2D',
  ({ x, filter }, attributes) => {
    const { outShape, geometry } = convolution('Conv2D', x.shape, filter.shape, attributes);
    return { inputs: [x, filter], shape: outShape, dtype: 'float32', attributes: { ...geometry } };
  },
  (graph, call) => lowerConvolution(graph, call, call.shape, undefined),
);

const fusedConv2d = defineKernel<'x' | 'filter', FusedConv2DAttrs, 'bias' | 'preluActivationWeights'>(
  'FusedConv2D',
  ({ x, filter, bias, preluActivationWeights }, attributes) => {
    if (preluActivationWeights !== undefined)
      throw new UnsupportedKernel('FusedConv2D', 'it has no prelu activation');
    const { outShape, geometry } = convolution('FusedConv2D', x.shape, filter.shape, attributes);
    return {
      inputs: bias === undefined ? [x, filter] : [x, filter, bias],
      shape: outShape,
      dtype: 'float32',
      attributes: { ...geometry, activation: attributes.activation ?? 'linear' },
    };
  },
  (graph, call) => lowerConvolution(graph, call, call.shape, call.inputs[2]),
);

/** A bias added to a convolution that nothing else uses goes into the convolution. Undefined where it is none. */
export function lowerBiasAdd(graph: GraphBuilder, sum: Value, bias: Value): Ref | undefined {
  const call = callOf(sum, 'Conv2D');
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
    onnxFilter(graph, filter),
    graph.ref(bias),
  ];
  return toChannelsLast(graph, graph.op('Conv', inputs), [batch, height, width, channels]);
}

export const convolutions: readonly Kernel[] = [conv2d, fusedConv2d];
