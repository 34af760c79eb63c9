import {
  backend_util,
  type ScatterNdAttrs,
  type SparseToDenseAttrs,
  type UnsortedSegmentSumAttrs,
} from '@tensorflow/tfjs-core';
import type { GraphBuilder, Ref } from '../graph.ts';
import { defineKernel, inputOf, type Kernel } from '../kernel.ts';
import { type Dtype, type Shape, sizeOf, type Value } from '../value.ts';
import { constant } from './fill.ts';
import { sliced } from './slice.ts';
import { calculable, typed } from './typed.ts';

/**
 * For each of `count` rows the sum of those of `rows` [n, width] whose number in `ids` [n] it is. What is meant for
 * no row goes to one more, which is cut off. ScatterND would add whole rows at a time, but several threads at once,
 * which loses some where two go to one place.
 */
function sumByRow(graph: GraphBuilder, rows: Ref, ids: Ref, [n, width, count]: Sizes, dtype: Dtype): Ref {
  const inside = graph.op('And', [
    graph.op('GreaterOrEqual', [ids, graph.int32(0)]),
    graph.op('Less', [ids, graph.int32(count)]),
  ]);
  const kept = graph.op('Where', [inside, ids, graph.int32(count)]);
  const places = graph.op('Expand', [graph.reshape(kept, [n, 1]), graph.ints([n, width])]);
  const zeros = constant(graph, 0, dtype, [count + 1, width]);
  const sums = graph.op('ScatterElements', [zeros, places, rows], { axis: 0, reduction: 'add' });
  return sliced(graph, sums, [count + 1, width], { start: [0, 0], size: [count, width] });
}

/** How many rows there are, their width, and how many rows come out. */
type Sizes = readonly [n: number, width: number, count: number];

const unsortedSegmentSum = defineKernel<'x' | 'segmentIds', UnsortedSegmentSumAttrs>(
  'UnsortedSegmentSum',
  ({ x, segmentIds }, { numSegments }) => ({
    inputs: [x, segmentIds],
    shape: [numSegments, ...x.shape.slice(1)],
    dtype: x.dtype,
  }),
  (graph, call) => {
    const [x, ids] = [inputOf(call, 0), inputOf(call, 1)];
    if (sizeOf(x.shape) === 0) return constant(graph, 0, call.dtype, call.shape);
    const [n, type] = [x.shape[0] ?? 0, calculable(call.dtype)];
    const width = sizeOf(x.shape.slice(1));
    const rows = graph.reshape(typed(graph, x, type), [n, width]);
    const sums = sumByRow(graph, rows, graph.ref(ids), [n, width, call.shape[0] ?? 0], type);
    return graph.cast(graph.reshape(sums, call.shape), call.dtype);
  },
);

/** Rows to be put into a tensor of `shape`, seen as a matrix, and the numbers of the rows that they go to. */
function scattered(graph: GraphBuilder, updates: Value, indices: Value, shape: Shape, type: Dtype) {
  const { sliceRank, numUpdates, sliceSize, strides, outputSize } = backend_util.calculateShapes(
    { shape: [...updates.shape], rank: updates.shape.length } as never,
    { shape: [...indices.shape], rank: indices.shape.length } as never,
    [...shape],
  );
  const places = graph.reshape(typed(graph, indices, 'int32'), [numUpdates, sliceRank]);
  const steps = graph.cast(graph.ints(strides.slice(0, sliceRank)), 'int32');
  return {
    sizes: [numUpdates, sliceSize, outputSize / sliceSize] as const,
    rows:
      updates.shape.length === 0
        ? graph.op('Expand', [typed(graph, updates, type), graph.ints([numUpdates, sliceSize])])
        : graph.reshape(typed(graph, updates, type), [numUpdates, sliceSize]),
    ids: graph.op('ReduceSum', [graph.op('Mul', [places, steps]), graph.ints([1])], { keepdims: 0 }),
  };
}

/** `matrix` [count, width] with some of its rows replaced. */
function overwritten(graph: GraphBuilder, matrix: Ref, ids: Ref, rows: Ref, [n]: Sizes): Ref {
  return graph.op('ScatterND', [matrix, graph.reshape(graph.cast(ids, 'int64'), [n, 1]), rows]);
}

const scatterNd = defineKernel<'indices' | 'updates', ScatterNdAttrs>(
  'ScatterNd',
  ({ indices, updates }, { shape }) => ({ inputs: [indices, updates], shape, dtype: updates.dtype }),
  (graph, call) => {
    const [indices, updates] = [inputOf(call, 0), inputOf(call, 1)];
    if (sizeOf(updates.shape) === 0) return constant(graph, 0, call.dtype, call.shape);
    const type = calculable(call.dtype);
    const { rows, ids, sizes } = scattered(graph, updates, indices, call.shape, type);
    return graph.cast(graph.reshape(sumByRow(graph, rows, ids, sizes, type), call.shape), call.dtype);
  },
);

const tensorScatterUpdate = defineKernel<'tensor' | 'indices' | 'updates'>(
  'TensorScatterUpdate',
  ({ tensor, indices, updates }) => ({
    inputs: [tensor, indices, updates],
    shape: tensor.shape,
    dtype: tensor.dtype,
  }),
  (graph, call) => {
    const [tensor, indices, updates] = [inputOf(call, 0), inputOf(call, 1), inputOf(call, 2)];
    if (sizeOf(updates.shape) === 0) return graph.ref(tensor);
    const { rows, ids, sizes } = scattered(graph, updates, indices, call.shape, call.dtype);
    const matrix = graph.reshape(graph.ref(tensor), [sizes[2], sizes[1]]);
    return graph.reshape(overwritten(graph, matrix, ids, rows, sizes), call.shape);
  },
);

const sparseToDense = defineKernel<'sparseIndices' | 'sparseValues' | 'defaultValue', SparseToDenseAttrs>(
  'SparseToDense',
  ({ sparseIndices, sparseValues, defaultValue }, { outputShape }) => ({
    inputs: [sparseIndices, sparseValues, defaultValue],
    shape: outputShape,
    dtype: sparseValues.dtype,
  }),
  (graph, call) => {
    const [indices, values, rest] = [inputOf(call, 0), inputOf(call, 1), inputOf(call, 2)];
    const { ids, rows, sizes } = scattered(graph, values, indices, call.shape, call.dtype);
    const background = graph.op('Expand', [typed(graph, rest, call.dtype), graph.ints([sizes[2], sizes[1]])]);
    if (sizes[0] === 0) return graph.reshape(background, call.shape);
    return graph.reshape(overwritten(graph, background, ids, rows, sizes), call.shape);
  },
);

export const scatters: readonly Kernel[] = [
  unsortedSegmentSum,
  scatterNd,
  tensorScatterUpdate,
  sparseToDense,
];
