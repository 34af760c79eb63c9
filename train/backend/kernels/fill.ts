import type { FillAttrs, LinSpaceAttrs, OneHotAttrs, RangeAttrs } from '@tensorflow/tfjs-core';
import { type GraphBuilder, type Ref, UnsupportedKernel } from '../graph.ts';
import { defineKernel, inputOf, type Kernel, numberOf } from '../kernel.ts';
import { type Dtype, type Shape, sizeOf } from '../value.ts';
import { calculable, typed } from './typed.ts';

/** One value, in every place of `shape` if there is one: a scalar in the graph, expanded where it is used. */
export function constant(graph: GraphBuilder, value: number, dtype: Dtype, shape?: Shape): Ref {
  const scalar = dtype === 'float32' ? graph.float(value) : graph.cast(graph.int32(value), dtype);
  return shape === undefined ? scalar : graph.op('Expand', [scalar, graph.shape(shape)]);
}

/** 0, 1, ..., count - 1 as int32. */
export function counting(graph: GraphBuilder, count: number): Ref {
  return graph.op('Range', [graph.int32(0), graph.int32(count), graph.int32(1)]);
}

function supported(kernel: string, dtype: string): Dtype {
  if (dtype === 'float32' || dtype === 'int32' || dtype === 'bool') return dtype;
  throw new UnsupportedKernel(kernel, `it has no type ${dtype}`);
}

const fill = defineKernel<never, FillAttrs>(
  'Fill',
  (_, { shape, value, dtype }) => {
    if (typeof value !== 'number')
      throw new UnsupportedKernel('Fill', `it has no values of type ${typeof value}`);
    return { inputs: [], shape, dtype: supported('Fill', dtype ?? 'float32'), attributes: { value } };
  },
  (graph, call) => constant(graph, numberOf(call.attributes, 'value'), call.dtype, call.shape),
);

function like(name: string, value: number): Kernel {
  return defineKernel<'x'>(
    name,
    ({ x }) => ({ inputs: [], shape: x.shape, dtype: x.dtype, attributes: { value } }),
    (graph, call) => constant(graph, value, call.dtype, call.shape),
  );
}

/** start, start + step, ...: as many as `call` has room for. */
function progression(graph: GraphBuilder, start: number, step: number, shape: Shape, dtype: Dtype): Ref {
  const places = counting(graph, sizeOf(shape));
  const type = calculable(dtype);
  const steps = graph.op('Mul', [graph.cast(places, type), constant(graph, step, type)]);
  return graph.cast(graph.op('Add', [steps, constant(graph, start, type)]), dtype);
}

const range = defineKernel<never, RangeAttrs>(
  'Range',
  (_, { start, stop, step, dtype }) => {
    const towards = stop < start && step === 1 ? -1 : step;
    const count = Math.max(0, Math.ceil((stop - start) / towards));
    const attributes = { start, step: towards };
    return { inputs: [], shape: [count], dtype: supported('Range', dtype), attributes };
  },
  (graph, { attributes, shape, dtype }) =>
    progression(graph, numberOf(attributes, 'start'), numberOf(attributes, 'step'), shape, dtype),
);

const linSpace = defineKernel<never, LinSpaceAttrs>(
  'LinSpace',
  (_, { start, stop, num }) => {
    const step = num === 1 ? 0 : (stop - start) / (num - 1);
    return { inputs: [], shape: [num], dtype: 'float32', attributes: { start, step } };
  },
  (graph, { attributes, shape, dtype }) =>
    progression(graph, numberOf(attributes, 'start'), numberOf(attributes, 'step'), shape, dtype),
);

/** Compared with all of 0..depth-1 rather than by ONNX's OneHot, which counts negative indices from the back. */
const oneHot = defineKernel<'indices', OneHotAttrs>(
  'OneHot',
  ({ indices }, { depth, onValue, offValue, dtype }) => ({
    inputs: [indices],
    shape: [...indices.shape, depth],
    dtype: supported('OneHot', dtype ?? 'int32'),
    attributes: { onValue, offValue },
  }),
  (graph, call) => {
    const indices = inputOf(call, 0);
    const column = graph.reshape(typed(graph, indices, 'int32'), [...indices.shape, 1]);
    const hot = graph.op('Equal', [column, counting(graph, call.shape.at(-1) ?? 0)]);
    const [on, off] = [numberOf(call.attributes, 'onValue'), numberOf(call.attributes, 'offValue')];
    if (on === 1 && off === 0) return graph.cast(hot, call.dtype);
    const type = calculable(call.dtype);
    const values = graph.op('Where', [hot, constant(graph, on, type), constant(graph, off, type)]);
    return type === call.dtype ? values : graph.cast(values, call.dtype);
  },
);

/** A tensor of shape s as the diagonal of one of shape [...s, ...s]. */
const diag = defineKernel<'x'>(
  'Diag',
  ({ x }) => ({ inputs: [x], shape: [...x.shape, ...x.shape], dtype: x.dtype }),
  (graph, call) => {
    const x = inputOf(call, 0);
    const [size, type] = [sizeOf(x.shape), calculable(call.dtype)];
    const places = counting(graph, size);
    const onDiagonal = graph.op('Equal', [graph.reshape(places, [size, 1]), places]);
    const row = graph.reshape(typed(graph, x, type), [size]);
    const matrix = graph.op('Where', [onDiagonal, row, constant(graph, 0, type)]);
    return graph.cast(graph.reshape(matrix, call.shape), call.dtype);
  },
);

export const fills: readonly Kernel[] = [
  fill,
  like('ZerosLike', 0),
  like('OnesLike', 1),
  range,
  linSpace,
  oneHot,
  diag,
];
