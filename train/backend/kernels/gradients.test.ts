import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-layers'; // registers TensorFlow.js's gradients
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { useOnnxRuntime } from '../register.ts';

afterAll(() => tf.removeBackend('onnxruntime'));
beforeAll(async () => {
  await useOnnxRuntime({ threads: 1 });
});

type Computation = (...inputs: tf.Tensor[]) => tf.Tensor;

/** The weights of a sum over a result, all different, so that its gradient says something about every element. */
const weightsFor = ({ shape, size }: tf.Tensor) =>
  tf.tensor(
    Float32Array.from({ length: size }, (_, i) => Math.cos(i)),
    shape,
  );

/** Half the distance of central differences. The functions here are linear over it, so it costs only rounding. */
const STEP = 2 ** -8;
/** float32 sums of some hundred terms of about 1, whose rounding is divided by the distance. */
const TOLERANCE = 2e-3;

/** What the weighted sum of `f`'s result gains by each element of the input `which`. */
async function differences(
  f: Computation,
  inputs: readonly Float32Array[],
  shapes: number[][],
  which: number,
) {
  const sumWith = async (element: number, change: number) => {
    const sum = tf.tidy(() => {
      const moved = inputs.map((data, i) => {
        const values = Float32Array.from(data);
        if (i === which) values[element] = (values[element] ?? 0) + change;
        return tf.tensor(values, shapes[i]);
      });
      const result = f(...moved);
      return tf.sum(tf.mul(result, weightsFor(result)));
    });
    const [value = Number.NaN] = await sum.data();
    sum.dispose();
    return value;
  };
  const gradient: number[] = [];
  for (let element = 0; element < (inputs[which]?.length ?? 0); element += 1) {
    gradient.push(((await sumWith(element, STEP)) - (await sumWith(element, -STEP))) / (2 * STEP));
  }
  return gradient;
}

async function expectTrueGradients(f: Computation, shapes: number[][]) {
  const inputs = shapes.map((shape, i) => distinct(tf.util.sizeFromShape(shape), i + 1));
  const gradients = tf.tidy(() => {
    const tensors = inputs.map((data, i) => tf.tensor(data, shapes[i]));
    const result = f(...tensors);
    return tf.grads(f)(tensors, weightsFor(result));
  });
  for (const [which, gradient] of gradients.entries()) {
    const computed = Array.from(await gradient.data());
    const expected = await differences(f, inputs, shapes, which);
    const largest = Math.max(...expected.map((value, i) => Math.abs(value - (computed[i] ?? Number.NaN))));
    expect(largest, `largest error of the gradient for input ${which}`).toBeLessThan(TOLERANCE);
    gradient.dispose();
  }
}

/** Values in [-1, 1] in a shuffled order, no two closer than two steps: a maximum stays one when it is moved. */
function distinct(size: number, seed: number): Float32Array {
  const order = Array.from({ length: size }, (_, i) => i);
  order.sort((a, b) => Math.sin(a * 12.9898 + seed) - Math.sin(b * 12.9898 + seed));
  return Float32Array.from(order, (place) => (2 * place) / Math.max(size - 1, 1) - 1);
}

const conv2d =
  (strides: number | [number, number], pad: 'same' | 'valid' | number): Computation =>
  (x, w) =>
    tf.conv2d(x as tf.Tensor4D, w as tf.Tensor4D, strides, pad);
const depthwise =
  (strides: number | [number, number], pad: 'same' | 'valid'): Computation =>
  (x, w) =>
    tf.depthwiseConv2d(x as tf.Tensor4D, w as tf.Tensor4D, strides, pad);
const transposed =
  (shape: [number, number, number, number], strides: number, pad: 'same' | 'valid'): Computation =>
  (y, w) =>
    tf.conv2dTranspose(y as tf.Tensor4D, w as tf.Tensor4D, shape, strides, pad);
const pooled =
  (
    pool: typeof tf.maxPool,
    size: number | [number, number],
    strides: number,
    pad: 'same' | 'valid' | number,
  ): Computation =>
  (x) =>
    pool(x as tf.Tensor4D, size, strides, pad);

const cases: [string, Computation, number[][]][] = [
  [
    'a convolution',
    conv2d(1, 'valid'),
    [
      [2, 4, 4, 2],
      [3, 2, 2, 2],
    ],
  ],
  [
    'a convolution with strides',
    conv2d([2, 1], 'same'),
    [
      [1, 5, 4, 2],
      [3, 3, 2, 2],
    ],
  ],
  [
    'a convolution with a padding that is a number',
    conv2d(2, 1),
    [
      [1, 5, 5, 1],
      [3, 3, 1, 2],
    ],
  ],
  [
    'a convolution in one dimension',
    (x, w) => tf.conv1d(x as tf.Tensor3D, w as tf.Tensor3D, 2, 'same'),
    [
      [2, 6, 2],
      [3, 2, 2],
    ],
  ],
  [
    'a depthwise convolution',
    depthwise(1, 'valid'),
    [
      [2, 4, 4, 2],
      [3, 2, 2, 2],
    ],
  ],
  [
    'a depthwise convolution with strides',
    depthwise(2, 'same'),
    [
      [1, 5, 4, 3],
      [3, 3, 3, 1],
    ],
  ],
  [
    'a transposed convolution',
    transposed([1, 5, 5, 2], 2, 'valid'),
    [
      [1, 2, 2, 3],
      [3, 3, 2, 3],
    ],
  ],
  [
    'a transposed convolution, padded',
    transposed([1, 6, 5, 2], 2, 'same'),
    [
      [1, 3, 3, 1],
      [3, 2, 2, 1],
    ],
  ],
  [
    'a convolution of volumes',
    (x, w) => tf.conv3d(x as tf.Tensor5D, w as tf.Tensor5D, 2, 'same'),
    [
      [1, 3, 4, 3, 2],
      [2, 3, 2, 2, 1],
    ],
  ],
  ['a max-pool', pooled(tf.maxPool, 2, 2, 'valid'), [[2, 5, 4, 2]]],
  ['a max-pool of overlapping windows', pooled(tf.maxPool, 3, 2, 'same'), [[2, 5, 4, 2]]],
  ['a max-pool with strides beyond its window', pooled(tf.maxPool, 2, 3, 1), [[1, 7, 7, 1]]],
  ['an average pool', pooled(tf.avgPool, 2, 2, 'valid'), [[2, 5, 4, 2]]],
  // With padding, TensorFlow.js's gradient of an average pool is another one, and so is ours.
  ['an average pool of overlapping windows', pooled(tf.avgPool, [3, 2], 1, 'valid'), [[2, 4, 4, 2]]],
];

describe('the gradient is what a small change of each input makes of the result', () => {
  test.each(cases)('%s', (_, f, shapes) => expectTrueGradients(f, shapes));
});
