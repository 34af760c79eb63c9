import {
  backend_util,
  type Conv3DAttrs,
  type Conv3DBackpropFilterV2Attrs,
  type Conv3DBackpropInputV2Attrs,
} from '@tensorflow/tfjs-core';
import { type GraphBuilder, type Ref, UnsupportedKernel } from '../graph.ts';
import { defineKernel, inputOf, type Kernel, type LoweredCall, numbersOf } from '../kernel.ts';
import type { KernelAttributes, Shape, Value } from '../value.ts';
import { floatsOnly, MISFIT } from './geometry.ts';

/** Kernels on volumes [batch, depth, height, width, channels]: convolutions and their gradients. */

export type Shape5 = [number, number, number, number, number];

/** Sizes as [depth, height, width]; pads as ONNX has them: [front, top, left, back, bottom, right]. */
export function geometryOf(attributes: KernelAttributes) {
  return {
    window: numbersOf(attributes, 'window'),
    strides: numbersOf(attributes, 'strides'),
    dilations: numbersOf(attributes, 'dilations'),
    pads: numbersOf(attributes, 'pads'),
  };
}

/** What a kernel records of its geometry; the padding after the volume is just what the last window needs. */
export function recordedGeometry(
  info: backend_util.Conv3DInfo,
  refuse: (why: string) => never,
): KernelAttributes {
  const window = [info.filterDepth, info.filterHeight, info.filterWidth];
  const reach = [info.effectiveFilterDepth, info.effectiveFilterHeight, info.effectiveFilterWidth];
  const strides = [info.strideDepth, info.strideHeight, info.strideWidth];
  const size = [info.inDepth, info.inHeight, info.inWidth];
  const out = [info.outDepth, info.outHeight, info.outWidth];
  const before = [info.padInfo.front, info.padInfo.top, info.padInfo.left];
  const after = strides.map(
    (stride, axis) =>
      ((out[axis] ?? 0) - 1) * stride + (reach[axis] ?? 0) - (before[axis] ?? 0) - (size[axis] ?? 0),
  );
  const fits =
    out.every((count) => count > 0) &&
    before.every((pad) => pad >= 0) &&
    after.every((beyond, axis) => beyond > -(strides[axis] ?? 0));
  if (!fits) refuse(MISFIT);
  return {
    window,
    strides,
    dilations: [info.dilationDepth, info.dilationHeight, info.dilationWidth],
    pads: [...before, ...after.map((beyond) => Math.max(0, beyond))],
  };
}

type ConvolutionAttributes = Pick<Conv3DAttrs, 'strides' | 'pad'> &
  Partial<Pick<Conv3DAttrs, 'dataFormat' | 'dilations'>>;

/** The result's shape and the geometry of a convolution with a filter [depth, height, width, in, out]. */
function convolution(
  kernel: string,
  x: Shape,
  filter: Shape,
  { strides, pad, dilations = 1, dataFormat = 'NDHWC' }: ConvolutionAttributes,
) {
  const refuse = (why: string): never => {
    const asked = JSON.stringify({ strides, pad, dilations, dataFormat });
    throw new UnsupportedKernel(kernel, `${why}; x [${x}], filter [${filter}], ${asked}`);
  };
  if (dataFormat !== 'NDHWC') refuse(`it has no data format ${dataFormat}, only NDHWC`);
  if (x[4] !== filter[3]) refuse('it has no grouped convolution');
  const info = backend_util.computeConv3DInfo(
    [...x] as Shape5,
    [...filter] as Shape5,
    strides,
    dilations,
    pad,
  );
  return { outShape: info.outShape, attributes: recordedGeometry(info, refuse) };
}

export function toChannelsFirst(graph: GraphBuilder, x: Ref): Ref {
  return graph.op('Transpose', [x], { perm: [0, 4, 1, 2, 3] });
}

export function toChannelsLast(graph: GraphBuilder, x: Ref): Ref {
  return graph.op('Transpose', [x], { perm: [0, 2, 3, 4, 1] });
}

/** A filter [depth, height, width, in, out] as [out, in, depth, height, width]. */
function onnxFilter(graph: GraphBuilder, filter: Value): Ref {
  return graph.op('Transpose', [graph.ref(filter)], { perm: [4, 3, 0, 1, 2] });
}

const conv3d = defineKernel<'x' | 'filter', Conv3DAttrs>(
  'Conv3D',
  ({ x, filter }, given) => {
    floatsOnly('Conv3D', [x, filter]);
    const { outShape, attributes } = convolution('Conv3D', x.shape, filter.shape, given);
    return { inputs: [x, filter], shape: outShape, dtype: 'float32', attributes };
  },
  (graph, call) => {
    const { strides, dilations, pads } = geometryOf(call.attributes);
    const inputs = [toChannelsFirst(graph, graph.ref(inputOf(call, 0))), onnxFilter(graph, inputOf(call, 1))];
    return toChannelsLast(graph, graph.op('Conv', inputs, { strides, dilations, pads }));
  },
);

/** The gradient of a convolution's volume, which is also what a transposed convolution computes. */
const backpropInput = defineKernel<'dy' | 'filter', Conv3DBackpropInputV2Attrs>(
  'Conv3DBackpropInputV2',
  ({ dy, filter }, given) => {
    floatsOnly('Conv3DBackpropInputV2', [dy, filter]);
    const { attributes } = convolution('Conv3DBackpropInputV2', given.inputShape, filter.shape, given);
    return { inputs: [dy, filter], shape: given.inputShape, dtype: 'float32', attributes };
  },
  (graph, call) => spread(graph, call, onnxFilter(graph, inputOf(call, 1)), 1),
);

/** Each element of the call's first input, spread over its window by `weights` [out, in / groups, ...window]. */
export function spread(graph: GraphBuilder, call: LoweredCall, weights: Ref, groups: number): Ref {
  const dy = inputOf(call, 0);
  const { window, strides, pads } = geometryOf(call.attributes);
  const sizes = call.shape.slice(1, 4);
  // The windows reach from the padding before the volume to here: what is beyond it is cut off, what they left out
  // is 0.
  const ends = sizes.map(
    (_, axis) =>
      ((dy.shape[axis + 1] ?? 0) - 1) * (strides[axis] ?? 1) + (window[axis] ?? 0) - (pads[axis] ?? 0),
  );
  const dx = graph.op('ConvTranspose', [toChannelsFirst(graph, graph.ref(dy)), weights], {
    strides,
    pads: [...pads.slice(0, 3), ...ends.map((end, axis) => Math.max(0, end - (sizes[axis] ?? 0)))],
    group: groups,
  });
  return filledUp(graph, toChannelsLast(graph, dx), ends, sizes);
}

/** A volume that reaches to `ends`, with zeros up to `sizes` [depth, height, width]. */
export function filledUp(
  graph: GraphBuilder,
  x: Ref,
  ends: readonly number[],
  sizes: readonly number[],
): Ref {
  const missing = sizes.map((size, axis) => Math.max(0, size - (ends[axis] ?? 0)));
  if (missing.every((count) => count === 0)) return x;
  return graph.op('Pad', [x, graph.ints([0, 0, 0, 0, 0, 0, ...missing, 0])]);
}

/** The filter's gradient as one convolution of x, its channels as the batch and its batch as the channels, by dy. */
const backpropFilter = defineKernel<'x' | 'dy', Conv3DBackpropFilterV2Attrs>(
  'Conv3DBackpropFilterV2',
  ({ x, dy }, given) => {
    floatsOnly('Conv3DBackpropFilterV2', [x, dy]);
    const { attributes } = convolution('Conv3DBackpropFilterV2', x.shape, given.filterShape, given);
    return { inputs: [x, dy], shape: given.filterShape, dtype: 'float32', attributes };
  },
  (graph, call) => {
    const { window, strides, pads } = geometryOf(call.attributes);
    const swapped = (value: Value) => graph.op('Transpose', [graph.ref(value)], { perm: [4, 0, 1, 2, 3] });
    const correlated = graph.op('Conv', [swapped(inputOf(call, 0)), swapped(inputOf(call, 1))], {
      dilations: strides,
      pads,
    });
    // There may be places beyond the filter, from pixels that no window reached.
    const exact = graph.slice(correlated, {
      axes: [2, 3, 4],
      start: [0, 0, 0],
      end: window,
      step: [1, 1, 1],
    });
    return graph.op('Transpose', [exact], { perm: [2, 3, 4, 0, 1] });
  },
);

export const volumes: readonly Kernel[] = [conv3d, backpropInput, backpropFilter];
