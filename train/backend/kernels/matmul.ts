import { type _FusedMatMulAttrs, type BatchMatMulAttrs, broadcast_util } from '@tensorflow/tfjs-core';
import { type GraphBuilder, type Ref, UnsupportedKernel } from '../graph.ts';
import { defineKernel, inputOf, type Kernel, type LoweredCall } from '../kernel.ts';
import type { Dtype, Shape, Value } from '../value.ts';
import { activate, activationOf, leakyreluAlphaOf, recordedActivation } from './activation.ts';
import { typed } from './typed.ts';

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
  for (const { shape } of [a, b]) {
    if (shape.length < 2) throw new UnsupportedKernel(kernel, `it multiplies matrices, not [${shape}]`);
  }
  const batch = broadcast_util.assertAndGetBroadcastShape([...left.batch], [...right.batch]);
  return [...batch, transposeA ? left.columns : left.rows, transposeB ? right.rows : right.columns];
}

/** An int32 only from two of them. */
const productType = (a: Value, b: Value): Dtype =>
  a.dtype === 'int32' && b.dtype === 'int32' ? 'int32' : 'float32';

/** `bias` can be added to every row of the product. */
function lowerProduct(graph: GraphBuilder, call: LoweredCall, bias?: Value): Ref {
  const [a, b] = [inputOf(call, 0), inputOf(call, 1)];
  const [transposeA, transposeB] = [call.attributes.transposeA === true, call.attributes.transposeB === true];
  if (call.dtype === 'int32' || split(call.shape).batch.some((size) => size !== 1)) {
    const product = graph.op('MatMul', [turned(graph, a, transposeA), turned(graph, b, transposeB)]);
    return bias === undefined ? product : graph.op('Add', [product, graph.ref(bias)]);
  }
  const matrix = (value: Value) => {
    const { rows, columns } = split(value.shape);
    const ref = typed(graph, value, call.dtype);
    return value.shape.length === 2 ? ref : graph.reshape(ref, [rows, columns]);
  };
  const inputs = bias === undefined ? [matrix(a), matrix(b)] : [matrix(a), matrix(b), graph.ref(bias)];
  const product = graph.op('Gemm', inputs, { transA: Number(transposeA), transB: Number(transposeB) });
  return call.shape.length === 2 ? product : graph.reshape(product, call.shape);
}

/** With the last two axes exchanged, if asked for. */
function turned(graph: GraphBuilder, value: Value, transpose: boolean): Ref {
  const axes = value.shape.map((_, axis) => axis);
  const perm = [...axes.slice(0, -2), axes.length - 1, axes.length - 2];
  return transpose ? graph.op('Transpose', [graph.ref(value)], { perm }) : graph.ref(value);
}

const batchMatMul = defineKernel<'a' | 'b', BatchMatMulAttrs>(
  'BatchMatMul',
  ({ a, b }, { transposeA, transposeB }) => ({
    inputs: [a, b],
    shape: productShape('BatchMatMul', a, b, transposeA, transposeB),
    dtype: productType(a, b),
    attributes: { transposeA, transposeB },
  }),
  (graph, call) => lowerProduct(graph, call),
);

const fusedMatMul = defineKernel<'a' | 'b', _FusedMatMulAttrs, 'bias' | 'preluActivationWeights'>(
  '_FusedMatMul',
  (
    { a, b, bias, preluActivationWeights: slopes },
    { transposeA, transposeB, activation, leakyreluAlpha },
  ) => ({
    inputs: [a, b, ...(bias ? [bias] : []), ...(slopes ? [slopes] : [])],
    shape: productShape('_FusedMatMul', a, b, transposeA, transposeB),
    dtype: 'float32',
    attributes: {
      transposeA,
      transposeB,
      biased: bias !== undefined,
      ...recordedActivation('_FusedMatMul', { activation, leakyreluAlpha }, slopes !== undefined),
    },
  }),
  (graph, call) => {
    const { biased, activation } = call.attributes;
    const product = lowerProduct(graph, call, biased === true ? inputOf(call, 2) : undefined);
    const slopes = activation === 'prelu' ? graph.ref(inputOf(call, biased === true ? 3 : 2)) : undefined;
    return activate(graph, product, activationOf(call.attributes), {
      leakyreluAlpha: leakyreluAlphaOf(call.attributes),
      preluWeights: slopes,
    });
  },
);

export const products: readonly Kernel[] = [batchMatMul, fusedMatMul];
