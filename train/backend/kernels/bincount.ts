import type { BincountAttrs, DenseBincountAttrs } from '@tensorflow/tfjs-core';
import type { GraphBuilder, Ref } from '../graph.ts';
import { defineKernel, inputOf, type Kernel, type LoweredCall } from '../kernel.ts';
import { sizeOf } from '../value.ts';
import { constant, counting } from './fill.ts';
import { calculable, typed } from './typed.ts';

/** How often, or with which total weight, each of 0..size-1 is in each row of `x`; others are not counted. */
function counts(graph: GraphBuilder, call: LoweredCall): Ref {
  const [x, weights] = [inputOf(call, 0), inputOf(call, 1)];
  if (sizeOf(x.shape) === 0) return constant(graph, 0, call.dtype, call.shape);
  const type = calculable(call.dtype);
  const [rows, along] = call.shape.length === 1 ? [[], 0] : [[x.shape[0] ?? 1], 1];
  const column = [...rows, sizeOf(x.shape) / (rows[0] ?? 1), 1];
  const places = graph.reshape(typed(graph, x, 'int32'), column);
  const hits = graph.cast(graph.op('Equal', [places, counting(graph, call.shape.at(-1) ?? 0)]), type);
  const total = (op: string, each: Ref) =>
    graph.cast(graph.op(op, [each, graph.ints([along])], { keepdims: 0 }), call.dtype);
  if (call.attributes.binary === true) return total('ReduceMax', hits);
  if (sizeOf(weights.shape) === 0) return total('ReduceSum', hits);
  const weight = graph.reshape(typed(graph, weights, type), column);
  return total('ReduceSum', graph.op('Mul', [hits, weight]));
}

const bincount = defineKernel<'x' | 'weights', BincountAttrs>(
  'Bincount',
  ({ x, weights }, { size }) => ({ inputs: [x, weights], shape: [size], dtype: weights.dtype }),
  counts,
);

const denseBincount = defineKernel<'x' | 'weights', DenseBincountAttrs>(
  'DenseBincount',
  ({ x, weights }, { size, binaryOutput }) => ({
    inputs: [x, weights],
    shape: [...x.shape.slice(0, -1), size],
    dtype: weights.dtype,
    attributes: { binary: binaryOutput === true && x.shape.length === 2 },
  }),
  counts,
);

export const bincounts: readonly Kernel[] = [bincount, denseBincount];
