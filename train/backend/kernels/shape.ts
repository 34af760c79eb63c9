import {
  type BatchToSpaceNDAttrs,
  backend_util,
  type DepthToSpaceAttrs,
  type ExpandDimsAttrs,
  type ReshapeAttrs,
  type SpaceToBatchNDAttrs,
  type TransposeAttrs,
  util,
} from '@tensorflow/tfjs-core';
import { type GraphBuilder, type Ref, UnsupportedKernel } from '../graph.ts';
import { defineKernel, inputOf, type Kernel, type LoweredCall, numberOf, numbersOf } from '../kernel.ts';
import { image } from '../layout.ts';
import { sameShape, sizeOf } from '../value.ts';
import { padded } from './pad.ts';
import { sliced } from './slice.ts';

const reshapeTo = (graph: GraphBuilder, call: LoweredCall) =>
  graph.reshape(graph.ref(inputOf(call, 0)), call.shape);

const reshape = defineKernel<'x', ReshapeAttrs>(
  'Reshape',
  ({ x }, { shape }) => {
    const reshaped = util.inferFromImplicitShape(shape, sizeOf(x.shape));
    return sameShape(reshaped, x.shape) ? x : { inputs: [x], shape: reshaped, dtype: x.dtype };
  },
  reshapeTo,
);

const expandDims = defineKernel<'input', ExpandDimsAttrs>(
  'ExpandDims',
  ({ input }, { dim }) => {
    const rank = input.shape.length;
    util.assert(-rank - 1 <= dim && dim <= rank, () => `Axis must be in [${-rank - 1}, ${rank}]; got ${dim}`);
    const shape = input.shape.toSpliced(dim < 0 ? rank + 1 + dim : dim, 0, 1);
    return { inputs: [input], shape, dtype: input.dtype };
  },
  reshapeTo,
);

const transpose = defineKernel<'x', TransposeAttrs>(
  'Transpose',
  ({ x }, { perm }) => ({
    inputs: [x],
    shape: perm.map((axis) => x.shape[axis] ?? 1),
    dtype: x.dtype,
    attributes: { perm },
  }),
  (graph, call) =>
    graph.op('Transpose', [graph.ref(inputOf(call, 0))], { perm: numbersOf(call.attributes, 'perm') }),
);

/** Each pixel's channels laid out as a block of blockSize x blockSize pixels. */
const depthToSpace = defineKernel<'x', DepthToSpaceAttrs>(
  'DepthToSpace',
  ({ x }, { blockSize, dataFormat }) => {
    if (dataFormat !== 'NHWC')
      throw new UnsupportedKernel('DepthToSpace', `it has no data format ${dataFormat}`);
    const [batch, height, width, channels] = image(x.shape);
    const shape = [batch, height * blockSize, width * blockSize, channels / blockSize ** 2];
    return { inputs: [x], shape, dtype: x.dtype, attributes: { blockSize } };
  },
  (graph, call) => {
    const x = inputOf(call, 0);
    const size = numberOf(call.attributes, 'blockSize');
    const [batch, height, width] = image(x.shape);
    const depth = call.shape[3] ?? 1;
    const split = [batch, height, width, size, size, depth];
    return permuted(graph, graph.ref(x), { split, perm: [0, 1, 3, 2, 4, 5], merged: call.shape });
  },
);

/** Moves blocks of the dimensions after the first into the first one, which grows by their size. */
const spaceToBatch = defineKernel<'x', SpaceToBatchNDAttrs>(
  'SpaceToBatchND',
  ({ x }, { blockShape, paddings }) => {
    const start = x.shape.map((_, axis) => paddings[axis - 1]?.[0] ?? 0);
    const end = x.shape.map((_, axis) => paddings[axis - 1]?.[1] ?? 0);
    const shape = x.shape.map((size, axis) => size + (start[axis] ?? 0) + (end[axis] ?? 0));
    const merged = backend_util.getReshapedPermuted(shape, blockShape, sizeOf(blockShape), false);
    const attributes = { blockShape, start, end, padded: shape };
    return { inputs: [x], shape: merged, dtype: x.dtype, attributes };
  },
  (graph, call) => {
    const [blockShape, start, end, shape] = ['blockShape', 'start', 'end', 'padded'].map((name) => [
      ...numbersOf(call.attributes, name),
    ]) as [number[], number[], number[], number[]];
    const x = padded(graph, graph.ref(inputOf(call, 0)), { start, end, value: 0, dtype: call.dtype });
    const split = backend_util.getReshaped(shape, blockShape, sizeOf(blockShape), false);
    const perm = backend_util.getPermuted(split.length, blockShape.length, false);
    return permuted(graph, x, { split, perm, merged: call.shape });
  },
);

/** The way back. */
const batchToSpace = defineKernel<'x', BatchToSpaceNDAttrs>(
  'BatchToSpaceND',
  ({ x }, { blockShape, crops }) => {
    const merged = backend_util.getReshapedPermuted([...x.shape], blockShape, sizeOf(blockShape));
    const cropped = backend_util.getSliceSize(merged, crops, blockShape.length);
    return {
      inputs: [x],
      shape: merged.map((size, axis) => cropped[axis] ?? size),
      dtype: x.dtype,
      attributes: { blockShape, merged, start: backend_util.getSliceBeginCoords(crops, blockShape.length) },
    };
  },
  (graph, call) => {
    const x = inputOf(call, 0);
    const blockShape = [...numbersOf(call.attributes, 'blockShape')];
    const merged = numbersOf(call.attributes, 'merged');
    const split = backend_util.getReshaped([...x.shape], blockShape, sizeOf(blockShape));
    const perm = backend_util.getPermuted(split.length, blockShape.length);
    const whole = permuted(graph, graph.ref(x), { split, perm, merged });
    const given = numbersOf(call.attributes, 'start');
    return sliced(graph, whole, merged, {
      start: merged.map((_, axis) => given[axis] ?? 0),
      size: call.shape,
    });
  },
);

interface Permutation {
  readonly split: readonly number[];
  readonly perm: readonly number[];
  readonly merged: readonly number[];
}

function permuted(graph: GraphBuilder, x: Ref, { split, perm, merged }: Permutation): Ref {
  return graph.reshape(graph.op('Transpose', [graph.reshape(x, split)], { perm }), merged);
}

export const shapes: readonly Kernel[] = [
  reshape,
  expandDims,
  transpose,
  depthToSpace,
  spaceToBatch,
  batchToSpace,
];
