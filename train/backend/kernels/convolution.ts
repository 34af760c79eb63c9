import {
  backend_util,
  type Conv2DAttrs,
  type Conv2DBackpropFilterAttrs,
  type Conv2DBackpropInputAttrs,
  type FusedConv2DAttrs,
} from '@tensorflow/tfjs-core';
import { type GraphBuilder, type Ref, UnsupportedKernel } from '../graph.ts';
import { defineKernel, inputOf, type Kernel, type LoweredCall, numbersOf } from '../kernel.ts';
import { image, toChannelsFirst, toChannelsLast } from '../layout.ts';
import type { Attributes } from '../onnx.ts';
import { type Call, callOf, type KernelAttributes, type Shape, type Value } from '../value.ts';
import { activate, activationOf } from './activation.ts';
import { lowerPhasedFilterGradient } from './pool.ts';

/** Strides, dilations as [height, width]; pads as ONNX has them: [top, left, bottom, right]. */
interface Geometry {
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  readonly pads: readonly number[];
}

type ConvolutionAttributes = Pick<
  Conv2DAttrs,
  'strides' | 'pad' | 'dataFormat' | 'dilations' | 'dimRoundingMode'
>;

function convolution(kernel: string, x: Shape, filter: Shape, attributes: ConvolutionAttributes) {
  const { strides, pad, dilations, dataFormat, dimRoundingMode } = attributes;
  if (dataFormat !== 'NHWC') throw new UnsupportedKernel(kernel, `it has no data format ${dataFormat}`);
  const info = backend_util.computeConv2DInfo(
    [...x] as [number, number, number, number],
    [...filter] as [number, number, number, number],
    strides,
    dilations ?? 1,
    pad,
    dimRoundingMode,
  );
  if (info.inChannels !== filter[2]) throw new UnsupportedKernel(kernel, 'it has no grouped convolution');
  const { top, left, bottom, right } = info.padInfo;
  return {
    outShape: info.outShape,
    geometry: {
      strides: [info.strideHeight, info.strideWidth],
      dilations: [info.dilationHeight, info.dilationWidth],
      pads: [top, left, bottom, right],
    },
  };
}

function geometryOf(attributes: KernelAttributes): Geometry {
  return {
    strides: numbersOf(attributes, 'strides'),
    dilations: numbersOf(attributes, 'dilations'),
    pads: numbersOf(attributes, 'pads'),
  };
}

function onnxAttributes({ strides, dilations, pads }: Geometry): Attributes {
  return { strides, dilations, pads };
}

/** A filter [height, width, in, out] as ONNX wants it: [out, in, height, width]. */
function onnxFilter(graph: GraphBuilder, filter: Value): Ref {
  return graph.op('Transpose', [graph.ref(filter)], { perm: [3, 2, 0, 1] });
}

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
  const convolved = graph.op('Conv', inputs, onnxAttributes(geometryOf(call.attributes)));
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
  const perChannel = bias.shape.length === 1 && bias.shape[0] === sum.shape[3];
  if (call === undefined || !perChannel || graph.uses(sum) > 1) return undefined;
  return lowerConvolution(graph, call, sum.shape, bias);
}

const backpropInput = defineKernel<'dy' | 'filter', Conv2DBackpropInputAttrs>(
  'Conv2DBackpropInput',
  ({ dy, filter }, attributes) => {
    const { geometry } = convolution('Conv2DBackpropInput', attributes.inputShape, filter.shape, {
      ...attributes,
      dilations: 1,
    });
    return {
      inputs: [dy, filter],
      shape: attributes.inputShape,
      dtype: 'float32',
      attributes: { ...geometry },
    };
  },
  (graph, call) => {
    const [dy, filter] = [inputOf(call, 0), inputOf(call, 1)];
    const { strides, dilations, pads } = geometryOf(call.attributes);
    const [, height, width] = image(call.shape);
    const [, outHeight, outWidth] = image(dy.shape);
    const [top = 0, left = 0, bottom = 0, right = 0] = pads;
    const [strideY = 1, strideX = 1] = strides;
    const [filterHeight = 1, filterWidth = 1] = filter.shape;
    // Rows and columns at the end that no window reached.
    const rest = [
      height + top + bottom - ((outHeight - 1) * strideY + filterHeight),
      width + left + right - ((outWidth - 1) * strideX + filterWidth),
    ];
    const dx = graph.op(
      'ConvTranspose',
      [toChannelsFirst(graph, graph.ref(dy), dy.shape), onnxFilter(graph, filter)],
      { strides, dilations, pads, output_padding: rest },
    );
    return toChannelsLast(graph, dx, call.shape);
  },
);

/**
 * The filter's gradient as one convolution: x seen as one image of [height, width*in] with the batch as its
 * channels, dy as the weights [out, batch, outHeight, outWidth]. A step of one pixel is `in` columns wide, and
 * the stride of the forward pass becomes the dilation of this one. Measured at a third of the time of the usual
 * form (channels as batch).
 */
const backpropFilter = defineKernel<'x' | 'dy', Conv2DBackpropFilterAttrs>(
  'Conv2DBackpropFilter',
  ({ x, dy }, attributes) => {
    const { geometry } = convolution('Conv2DBackpropFilter', x.shape, attributes.filterShape, {
      ...attributes,
      dilations: 1,
    });
    return { inputs: [x, dy], shape: attributes.filterShape, dtype: 'float32', attributes: { ...geometry } };
  },
  (graph, call) =>
    lowerPhasedFilterGradient(graph, inputOf(call, 0), inputOf(call, 1)) ?? lowerFilterGradient(graph, call),
);

function lowerFilterGradient(graph: GraphBuilder, call: LoweredCall): Ref {
  const [x, dy] = [inputOf(call, 0), inputOf(call, 1)];
  const { strides, pads } = geometryOf(call.attributes);
  const [batch, height, width, channels] = image(x.shape);
  const [, outHeight, outWidth, outChannels] = image(dy.shape);
  const [filterHeight, filterWidth] = image(call.shape);
  const [strideY = 1, strideX = 1] = strides;
  const [top = 0, left = 0, bottom = 0, right = 0] = pads;

  const images = graph.reshape(graph.ref(x), [1, batch, height, width * channels]);
  const channelsFirst = toChannelsFirst(graph, graph.ref(dy), dy.shape);
  const weights = graph.op('Transpose', [channelsFirst], { perm: [1, 0, 2, 3] });
  const gradient = graph.op('Conv', [images, weights], {
    dilations: [strideY, strideX * channels],
    pads: [top, left * channels, bottom, right * channels],
  });

  // With a stride there may be rows and columns beyond the filter, from pixels that no window reached.
  const rows = height + top + bottom - (outHeight - 1) * strideY;
  const columns = (width + left + right - (outWidth - 1) * strideX) * channels;
  const exact =
    rows === filterHeight && columns === filterWidth * channels
      ? gradient
      : graph.slice(gradient, {
          axes: [2, 3],
          start: [0, 0],
          end: [filterHeight, filterWidth * channels],
          step: [1, 1],
        });

  const taps = filterHeight * filterWidth * channels;
  const turned = graph.op('Transpose', [graph.reshape(exact, [outChannels, taps])], { perm: [1, 0] });
  return graph.reshape(turned, call.shape);
}

export const convolutions: readonly Kernel[] = [conv2d, fusedConv2d, backpropInput, backpropFilter];
