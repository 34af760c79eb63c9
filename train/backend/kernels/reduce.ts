import type { ArgMaxAttrs, SoftmaxAttrs } from '@tensorflow/tfjs-core';
import { defineKernel, inputOf, type Kernel, normalAxes, numberOf, numbersOf } from '../kernel.ts';
import type { Dtype, Shape } from '../value.ts';
import { pooledSum } from './pool.ts';

function reducedShape(shape: Shape, axes: readonly number[], keepDims: boolean): Shape {
  return keepDims
    ? shape.map((size, axis) => (axes.includes(axis) ? 1 : size))
    : shape.filter((_, axis) => !axes.includes(axis));
}

interface ReduceAttributes {
  /** TensorFlow.js names the axes differently for Max. */
  readonly axis?: number | number[];
  readonly reductionIndices?: number | number[];
  readonly keepDims: boolean;
}

function reduction(name: string, op: string, dtypeOf: (x: Dtype) => Dtype): Kernel {
  return defineKernel<'x', ReduceAttributes>(
    name,
    ({ x }, { axis, reductionIndices, keepDims }) => {
      const axes = normalAxes(axis ?? reductionIndices, x.shape);
      return {
        inputs: [x],
        shape: reducedShape(x.shape, axes, keepDims),
        dtype: dtypeOf(x.dtype),
        attributes: { axes, keepDims },
      };
    },
    (graph, call) => {
      const x = inputOf(call, 0);
      const axes = numbersOf(call.attributes, 'axes');
      const keepDims = call.attributes.keepDims === true;
      const ofBias =
        op === 'ReduceSum' && !keepDims && String(axes) === '0,1,2' ? pooledSum(graph, x) : undefined;
      const source = ofBias ?? graph.ref(x);
      const typed = x.dtype === call.dtype ? source : graph.cast(source, call.dtype);
      return graph.op(op, [typed, graph.ints(axes)], {
        keepdims: Number(keepDims),
        noop_with_empty_axes: 1,
      });
    },
  );
}

const argMax = defineKernel<'x', ArgMaxAttrs>(
  'ArgMax',
  ({ x }, { axis }) => {
    const axes = normalAxes(axis, x.shape);
    return {
      inputs: [x],
      shape: reducedShape(x.shape, axes, false),
      dtype: 'int32',
      attributes: { axis: axes[0] ?? 0 },
    };
  },
  (graph, call) => {
    const axis = numberOf(call.attributes, 'axis');
    return graph.cast(graph.op('ArgMax', [graph.ref(inputOf(call, 0))], { axis, keepdims: 0 }), 'int32');
  },
);

const softmax = defineKernel<'logits', SoftmaxAttrs>(
  'Softmax',
  ({ logits }, { dim }) => ({
    inputs: [logits],
    shape: logits.shape,
    dtype: 'float32',
    attributes: { axis: normalAxes(dim, logits.shape)[0] ?? 0 },
  }),
  (graph, call) =>
    graph.op('Softmax', [graph.ref(inputOf(call, 0))], { axis: numberOf(call.attributes, 'axis') }),
);

export const reductions: readonly Kernel[] = [
  reduction('Sum', 'ReduceSum', (x) => (x === 'bool' ? 'int32' : x)),
  reduction('Mean', 'ReduceMean', () => 'float32'),
  reduction('Max', 'ReduceMax', (x) => x),
  argMax,
  softmax,
];
