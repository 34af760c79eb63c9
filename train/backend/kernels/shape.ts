import {
  type ConcatAttrs,
  type ExpandDimsAttrs,
  type FillAttrs,
  type GatherV2Attrs,
  type ReshapeAttrs,
  type SliceAttrs,
  slice_util,
  type TransposeAttrs,
  util,
} from '@tensorflow/tfjs-core';
import { type GraphBuilder, type Ref, UnsupportedKernel } from '../graph.ts';
import { defineKernel, inputOf, type Kernel, type LoweredCall, numberOf, numbersOf } from '../kernel.ts';
import { sameShape, sizeOf, type Value } from '../value.ts';

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
  ({ input }, { dim }) => ({
    inputs: [input],
    shape: input.shape.toSpliced(dim < 0 ? input.shape.length + 1 + dim : dim, 0, 1),
    dtype: input.dtype,
  }),
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

const slice = defineKernel<'x', SliceAttrs>(
  'Slice',
  ({ x }, { begin, size }) => {
    const shape = [...x.shape];
    const [start = [], extent = []] = slice_util.parseSliceParams(
      { shape, rank: shape.length } as never,
      begin,
      size,
    );
    return { inputs: [x], shape: extent, dtype: x.dtype, attributes: { start } };
  },
  (graph, call) => {
    const start = numbersOf(call.attributes, 'start');
    return graph.slice(graph.ref(inputOf(call, 0)), {
      axes: start.map((_, axis) => axis),
      start,
      end: start.map((from, axis) => from + (call.shape[axis] ?? 0)),
      step: start.map(() => 1),
    });
  },
);

const concat = defineKernel<string, ConcatAttrs>(
  'Concat',
  (values, { axis }) => {
    // The inputs of Concat are a list; the registry hands it over as an object with the places as keys.
    const inputs: Value[] = Object.values(values);
    const [first] = inputs;
    if (first === undefined) throw new UnsupportedKernel('Concat', 'there is nothing to concatenate');
    const along = axis < 0 ? first.shape.length + axis : axis;
    const total = inputs.reduce((sum, { shape }) => sum + (shape[along] ?? 0), 0);
    return {
      inputs,
      shape: first.shape.with(along, total),
      dtype: first.dtype,
      attributes: { axis: along },
    };
  },
  (graph, call) =>
    graph.op(
      'Concat',
      call.inputs.map((value) => graph.ref(value)),
      { axis: numberOf(call.attributes, 'axis') },
    ),
);

const gather = defineKernel<'x' | 'indices', GatherV2Attrs>(
  'GatherV2',
  ({ x, indices }, { axis, batchDims }) => {
    if (batchDims !== 0)
      throw new UnsupportedKernel('GatherV2', `it has no batch dimensions; got ${batchDims}`);
    const along = axis < 0 ? x.shape.length + axis : axis;
    return {
      inputs: [x, indices],
      shape: x.shape.toSpliced(along, 1, ...indices.shape),
      dtype: x.dtype,
      attributes: { axis: along },
    };
  },
  (graph, call) =>
    graph.op('Gather', [graph.ref(inputOf(call, 0)), graph.ref(inputOf(call, 1))], {
      axis: numberOf(call.attributes, 'axis'),
    }),
);

/** One value in every place: a scalar in the graph, expanded where it is used. */
function lowerFill(graph: GraphBuilder, call: LoweredCall): Ref {
  const value = numberOf(call.attributes, 'value');
  const scalar = call.dtype === 'float32' ? graph.float(value) : graph.cast(graph.int32(value), call.dtype);
  return graph.op('Expand', [scalar, graph.ints(call.shape)]);
}

const fill = defineKernel<never, FillAttrs>(
  'Fill',
  (_, { shape, value, dtype }) => {
    if (typeof value !== 'number')
      throw new UnsupportedKernel('Fill', `it has no values of type ${typeof value}`);
    const type = dtype ?? 'float32';
    if (type !== 'float32' && type !== 'int32' && type !== 'bool') {
      throw new UnsupportedKernel('Fill', `it has no type ${type}`);
    }
    return { inputs: [], shape, dtype: type, attributes: { value } };
  },
  lowerFill,
);

function like(name: string, value: number): Kernel {
  return defineKernel<'x'>(
    name,
    ({ x }) => ({ inputs: [], shape: x.shape, dtype: x.dtype, attributes: { value } }),
    lowerFill,
  );
}

export const shapes: readonly Kernel[] = [
  reshape,
  expandDims,
  transpose,
  slice,
  concat,
  gather,
  fill,
  like('ZerosLike', 0),
  like('OnesLike', 1),
];
