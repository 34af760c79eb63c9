import { backend_util, type GatherV2Attrs, type TopKAttrs } from '@tensorflow/tfjs-core';
import type { Ref } from '../graph.ts';
import { defineKernel, inputOf, type Kernel, normalAxes, numberOf } from '../kernel.ts';
import { sizeOf, type Value } from '../value.ts';

/** What TensorFlow.js's shape functions read of a tensor. */
const described = ({ shape, dtype }: Value) => ({ shape: [...shape], rank: shape.length, dtype }) as never;

const gather = defineKernel<'x' | 'indices', GatherV2Attrs>(
  'GatherV2',
  ({ x, indices }, { axis, batchDims = 0 }) => {
    const along = normalAxes(axis, x.shape)[0] ?? 0;
    const { segment_util } = backend_util;
    const { outputShape } = segment_util.collectGatherOpShapeInfo(
      described(x),
      described(indices),
      along,
      batchDims,
    );
    return {
      inputs: [x, indices],
      shape: outputShape,
      dtype: x.dtype,
      attributes: { axis: along, batchDims: batchDims < 0 ? indices.shape.length + batchDims : batchDims },
    };
  },
  (graph, call) => {
    const [x, indices] = [inputOf(call, 0), inputOf(call, 1)];
    const axis = numberOf(call.attributes, 'axis');
    const batchDims = numberOf(call.attributes, 'batchDims');
    if (batchDims === 0) return graph.op('Gather', [graph.ref(x), graph.ref(indices)], { axis });
    // As [batch, size, outer * inner], from which each row of indices takes.
    const batch = sizeOf(x.shape.slice(0, batchDims));
    const outer = sizeOf(x.shape.slice(batchDims, axis));
    const inner = sizeOf(x.shape.slice(axis + 1));
    const taken = sizeOf(indices.shape) / batch;
    const exchanged = (ref: Ref, shape: readonly number[]) =>
      graph.op('Transpose', [graph.reshape(ref, shape)], { perm: [0, 2, 1, 3] });
    const rows = exchanged(graph.ref(x), [batch, outer, x.shape[axis] ?? 1, inner]);
    const places = graph.reshape(graph.cast(graph.ref(indices), 'int64'), [batch, taken, 1]);
    const gathered = graph.op('GatherND', [rows, places], { batch_dims: 1 });
    return graph.reshape(exchanged(gathered, [batch, taken, outer, inner]), call.shape);
  },
);

const gatherNd = defineKernel<'params' | 'indices'>(
  'GatherNd',
  ({ params, indices }) => {
    const [shape] = backend_util.prepareAndValidate(described(params), described(indices));
    return { inputs: [params, indices], shape, dtype: params.dtype };
  },
  (graph, call) =>
    graph.op('GatherND', [graph.ref(inputOf(call, 0)), graph.cast(graph.ref(inputOf(call, 1)), 'int64')]),
);

/** The k largest of each row and their places; of equal ones the first, which ONNX Runtime only sorted does. */
const topK = defineKernel<'x', TopKAttrs>(
  'TopK',
  ({ x }, { k }) => {
    const shape = x.shape.with(-1, k);
    return {
      inputs: [x],
      outputs: [
        { shape, dtype: x.dtype },
        { shape, dtype: 'int32' },
      ],
      attributes: { k },
    };
  },
  (graph, call) => {
    const k = graph.ints([numberOf(call.attributes, 'k')]);
    const results = graph.outputs('TopK', [graph.ref(inputOf(call, 0)), k], 2, { axis: -1, sorted: 1 });
    const result = results[call.output] as Ref;
    return call.output === 0 ? result : graph.cast(result, 'int32');
  },
);

export const gathers: readonly Kernel[] = [gather, gatherNd, topK];
