import type { ArgMaxAttrs } from '@tensorflow/tfjs-core';
import { defineKernel, inputOf, type Kernel, normalAxes, numberOf, numbersOf } from '../kernel.ts';
import type { Dtype, Shape } from '../value.ts';
import { pooledSum } from './pool.ts';
import { calculable, typed } from './typed.ts';

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

/** `dtypeOf` is the result's type; it is computed in that, or in int32 for bool. */
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
      const type = calculable(call.dtype);
      const reduced = graph.op(op, [ofBias ?? typed(graph, x, type), graph.ints(axes)], {
        keepdims: Number(keepDims),
        noop_with_empty_axes: 1,
      });
      return type === call.dtype ? reduced : graph.cast(reduced, call.dtype);
    },
  );
}

/** The first of the places that hold the extreme. */
function place(name: string, op: string): Kernel {
  return defineKernel<'x', ArgMaxAttrs>(
    name,
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
      const x = inputOf(call, 0);
      const axis = numberOf(call.attributes, 'axis');
      return graph.cast(graph.op(op, [typed(graph, x, calculable(x.dtype))], { axis, keepdims: 0 }), 'int32');
    },
  );
}

const same = (x: Dtype) => x;

export const reductions: readonly Kernel[] = [
  reduction('Sum', 'ReduceSum', calculable),
  reduction('Prod', 'ReduceProd', calculable),
  reduction('Mean', 'ReduceMean', () => 'float32'),
  reduction('Max', 'ReduceMax', same),
  reduction('Min', 'ReduceMin', same),
  reduction('Any', 'ReduceMax', same),
  reduction('All', 'ReduceMin', same),
  place('ArgMax', 'ArgMax'),
  place('ArgMin', 'ArgMin'),
];
