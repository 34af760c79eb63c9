import type { _FusedMatMulAttrs, BatchMatMulAttrs } from '@tensorflow/tfjs-core';
import { type GraphBuilder, type Ref, UnsupportedKernel } from '../graph.ts';
import { defineKernel, inputOf, type Kernel, type LoweredCall } from '../kernel.ts';
import type { Shape, Value } from '../value.ts';
import { activate, activationOf } from './activation.ts';

/** The last two dimensions, and those before them. */
function split(shape: Shape) {
  const [rows = 1, columns = 1] = shape.slice(-2);
  return { batch: shape.slice(0, -2), rows, columns };
}

function productShape(kernel: string, a: Value, b: Value, transposeA: boolean, transposeB: boolean): Shape {
  const [left, right] = [split(a.shape), split(b.shape)];
  const inner = transposeA ? left.rows : left.columns;
  const otherInner = transposeB ? right.columns : right.rows;
  if (inner !== otherInner) {
    throw new UnsupportedKernel(kernel, `the inner dimensions of [${a.shape}] and [${b.shape}] differ`);
  }
  const batch =
    left.batch.length >= right.batch.length
      ? broadcastBatch(left.batch, right.batch)
      : broadcastBatch(right.batch, left.batch);
  return [...batch, transposeA ? left.columns : left.rows, transposeB ? right.rows : right.columns];
}

function broadcastBatch(longer: Shape, shorter: Shape): number[] {
  return longer.map((size, axis) => Math.max(size, shorter[axis - (longer.length - shorter.length)] ?? 1));
}

function lowerProduct(graph: GraphBuilder, call: LoweredCall): Ref {
  const [a, b, bias] = [inputOf(call, 0), inputOf(call, 1), call.inputs[2]];
  const [transposeA, transposeB] = [call.attributes.transposeA === true, call.attributes.transposeB === true];
  if (split(call.shape).batch.some((size) => size !== 1))
    return lowerBatched(graph, a, b, transposeA, transposeB);

  const matrix = (value: Value) => {
    const { rows, columns } = split(value.shape);
    return value.shape.length === 2 ? graph.ref(value) : graph.reshape(graph.ref(value), [rows, columns]);
  };
  const inputs = bias === undefined ? [matrix(a), matrix(b)] : [matrix(a), matrix(b), graph.ref(bias)];
  const product = graph.op('Gemm', inputs, { transA: Number(transposeA), transB: Number(transposeB) });
  return call.shape.length === 2 ? product : graph.reshape(product, call.shape);
}

function lowerBatched(
  graph: GraphBuilder,
  a: Value,
  b: Value,
  transposeA: boolean,
  transposeB: boolean,
): Ref {
  const turned = (value: Value, transpose: boolean) => {
    const axes = value.shape.map((_, axis) => axis);
    const rank = axes.length;
    const perm = [...axes.slice(0, -2), rank - 1, rank - 2];
    return transpose ? graph.op('Transpose', [graph.ref(value)], { perm }) : graph.ref(value);
  };
  return graph.op('MatMul', [turned(a, transposeA), turned(b, transposeB)]);
}

const batchMatMul = defineKernel<'a' | 'b', BatchMatMulAttrs>(
  'BatchMatMul',
  ({ a, b }, { transposeA, transposeB }) => ({
    inputs: [a, b],
    shape: productShape('BatchMatMul', a, b, transposeA, transposeB),
    dtype: 'float32',
    attributes: { transposeA, transposeB },
  }),
  lowerProduct,
);

const fusedMatMul = defineKernel<'a' | 'b', _FusedMatMulAttrs, 'bias' | 'preluActivationWeights'>(
  '_FusedMatMul',
  ({ a, b, bias, preluActivationWeights }, { transposeA, transposeB, activation }) => {
    if (preluActivationWeights !== undefined)
      throw new UnsupportedKernel('_FusedMatMul', 'it has no prelu activation');
    const shape = productShape('_FusedMatMul', a, b, transposeA, transposeB);
    if (bias !== undefined && split(shape).batch.some((size) => size !== 1)) {
      throw new UnsupportedKernel('_FusedMatMul', `it has no bias on a batch of products [${shape}]`);
    }
    return {
      inputs: bias === undefined ? [a, b] : [a, b, bias],
      shape,
      dtype: 'float32',
      attributes: { transposeA, transposeB, activation: activation ?? 'linear' },
    };
  },
  (graph, call) => activate(graph, lowerProduct(graph, call), activationOf(call.attributes)),
);

export const products: readonly Kernel[] = [batchMatMul, fusedMatMul];
