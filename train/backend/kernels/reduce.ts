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
      const over = { keepdims: Number(keepDims), noop_with_empty_axes: 1 };
      const source = ofBias ?? typed(graph, x, type);
      const reduced = graph.op(op, [source, graph.ints(axes)], over);
      if (type !== call.dtype) return graph.cast(reduced, call.dtype);
      if (type === 'int32' || (op !== 'ReduceMax' && op !== 'ReduceMin')) return reduced;
      // ONNX Runtime leaves NaN out of an extreme. To look for it takes three times as long as the extreme itself, so a
      // training step does without and may lose one here.
      if (graph.plan.training) return reduced;
      const wrong = graph.cast(graph.op('IsNaN', [source]), 'int32');
      const anyWrong = graph.cast(graph.op('ReduceMax', [wrong, graph.ints(axes)], over), 'bool');
      return graph.op('Where', [anyWrong, graph.float(Number.NaN), reduced]);
    },
  );
}

/** The first of the places that hold the extreme; NaN never is one, and counts as `least`. */
function place(name: string, op: string, least: number): Kernel {
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
      const ref = typed(graph, x, calculable(x.dtype));
      const ranked =
        x.dtype === 'float32' ? graph.op('Where', [graph.op('IsNaN', [ref]), graph.float(least), ref]) : ref;
      return graph.cast(graph.op(op, [ranked], { axis, keepdims: 0 }), 'int32');
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
  place('ArgMax', 'ArgMax', Number.NEGATIVE_INFINITY),
  place('ArgMin', 'ArgMin', Number.POSITIVE_INFINITY),
];
