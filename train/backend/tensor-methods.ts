import {
  div,
  mean,
  type Rank,
  reshape,
  type ShapeMap,
  sign,
  slice,
  split,
  square,
  stridedSlice,
  sub,
  sum,
  Tensor,
  transpose,
} from '@tensorflow/tfjs-core';

/**
 * TensorFlow.js's orthogonal initializer, with which recurrent layers start, its metric r2Score, and its gradients of
 * Prod and of a gather with batches call these operations as methods of a tensor. The core has such methods only
 * where its union package has put them; here are those few.
 */
const methods = {
  div,
  flatten: (x: Tensor) => reshape(x, [x.size]),
  reshape: (x: Tensor, shape: ShapeMap[Rank]) => reshape(x, shape),
  mean,
  sign,
  slice,
  split,
  square,
  stridedSlice,
  sub,
  sum,
  transpose,
} satisfies Record<string, (x: Tensor, ...more: never[]) => unknown>;

for (const [name, operation] of Object.entries(methods)) {
  if (name in Tensor.prototype) continue;
  const apply = operation as (x: Tensor, ...more: unknown[]) => unknown;
  Object.defineProperty(Tensor.prototype, name, {
    configurable: true,
    writable: true,
    value(this: Tensor, ...more: unknown[]) {
      return apply(this, ...more);
    },
  });
}
