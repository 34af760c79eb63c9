import { readdir, readFile } from 'node:fs/promises';
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, describe, expect, test } from 'vitest';
import { kernels } from './kernels/all.ts';
import { tensor, withGradients } from './kernels/testing.ts';
import { useOnnxRuntime } from './register.ts';
import { expectSameAsCpu } from './testing.ts';

afterAll(() => tf.removeBackend('onnxruntime'));

type Case = readonly [name: string, compute: () => tf.Tensor | tf.Tensor[], tolerance?: number];

/** [image, filter, strides, padding]: each with its gradients for image and filter. */
const convolutionCases: [number[], number[], number, 'same' | 'valid' | number][] = [
  [[2, 7, 6, 1], [3, 3, 1, 4], 1, 'valid'],
  [[2, 7, 6, 3], [3, 3, 3, 4], 1, 'valid'],
  [[2, 7, 6, 3], [3, 3, 3, 4], 1, 'same'],
  [[2, 7, 6, 3], [2, 3, 3, 4], 1, 'same'],
  [[2, 9, 8, 3], [3, 3, 3, 4], 2, 'valid'],
  [[2, 9, 8, 3], [3, 3, 3, 4], 2, 'same'],
  [[2, 9, 8, 3], [5, 2, 3, 4], 3, 'same'],
  [[1, 5, 5, 2], [1, 1, 2, 3], 1, 'valid'],
  [[2, 6, 6, 2], [3, 3, 2, 3], 1, 2],
];
const convolutions: Case[] = convolutionCases.map(([image, filter, strides, pad]) => [
  'Conv2D',
  () =>
    withGradients(
      (x, w) => tf.conv2d(x as tf.Tensor4D, w as tf.Tensor4D, strides, pad),
      [tensor(image), tensor(filter, 2)],
    ),
]);
const fusedConvolutions: Case[] = (['linear', 'relu'] as const).map((activation) => [
  'FusedConv2D',
  () =>
    tf.fused.conv2d({
      x: tensor([2, 7, 6, 3]) as tf.Tensor4D,
      filter: tensor([3, 3, 3, 4], 2) as tf.Tensor4D,
      strides: 1,
      pad: 'same',
      bias: tensor([4], 3),
      activation,
    }),
]);
const dilated: Case = [
  'Conv2D',
  () =>
    tf.conv2d(
      tensor([2, 9, 9, 2]) as tf.Tensor4D,
      tensor([3, 3, 2, 3], 2) as tf.Tensor4D,
      1,
      'valid',
      'NHWC',
      2,
    ),
];

const pools: Case[] = [
  ...(
    [
      [[2, 6, 6, 3], 2],
      [[2, 7, 5, 3], 2],
      [[1, 9, 9, 2], 3],
      [[2, 7, 7, 1], 2],
    ] as [number[], number][]
  ).map(
    ([image, size]): Case => [
      'MaxPool',
      () => withGradients((x) => tf.maxPool(x as tf.Tensor4D, size, size, 'valid'), [tensor(image)]),
    ],
  ),
  ['MaxPool', () => tf.maxPool(tensor([2, 7, 7, 3]) as tf.Tensor4D, 3, 2, 'same')],
];

/** The merged forms: a convolution with bias, ReLU and max-pool, forward and back, as a layer stack has them. */
const stacks: Case[] = (
  [
    [[3, 8, 8, 2], 2],
    [[3, 9, 9, 2], 2],
    [[2, 11, 11, 1], 3],
    [[3, 9, 9, 1], 2],
  ] as [number[], number][]
).map(([image, size]) => [
  'MaxPoolGrad',
  () =>
    withGradients(
      (x, w, b) =>
        tf.maxPool(
          tf.relu(
            tf.add(tf.conv2d(x as tf.Tensor4D, w as tf.Tensor4D, 1, 'valid'), b as tf.Tensor),
          ) as tf.Tensor4D,
          size,
          size,
          'valid',
        ),
      [tensor(image), tensor([3, 3, image[3] ?? 1, 4], 2), tensor([4], 3)],
    ),
]);
/** Two such stacks, where the second one's pool leaves a row and a column out of what the first one gave. */
const twoStacks: Case = [
  'MaxPoolGrad',
  () => {
    const layer = (x: tf.Tensor, w: tf.Tensor, b: tf.Tensor) =>
      tf.maxPool(
        tf.relu(tf.add(tf.conv2d(x as tf.Tensor4D, w as tf.Tensor4D, 1, 'valid'), b)) as tf.Tensor4D,
        2,
        2,
        'valid',
      );
    return withGradients(
      (w1, b1, w2, b2) =>
        layer(
          layer(tensor([2, 15, 14, 1]), w1 as tf.Tensor, b1 as tf.Tensor),
          w2 as tf.Tensor,
          b2 as tf.Tensor,
        ),
      [tensor([3, 3, 1, 4], 2), tensor([4], 3), tensor([2, 3, 4, 3], 4), tensor([3], 5)],
    );
  },
];
/** Where the ReLU's result has another user too, the merged gradient must not be taken for the whole one. */
const sharedRelu: Case = [
  'MaxPoolGrad',
  () =>
    withGradients(
      (x) => {
        const active = tf.relu(x as tf.Tensor4D);
        return tf.add(tf.sum(tf.maxPool(active, 2, 2, 'valid')), tf.sum(tf.mul(active, active)));
      },
      [tensor([2, 6, 6, 3])],
    ),
];
/** A leaky step is not a ReLU's: the sum over it must count the small gradients too. */
const leakyStep: Case = [
  'MaxPoolGrad',
  () => {
    const z = tf.sub(tensor([1, 4, 4, 2]), 0.5);
    const active = tf.relu(z);
    const gradient = tf.grad((x) => tf.maxPool(x as tf.Tensor4D, 2, 2, 'valid'))(
      active,
      tensor([1, 2, 2, 2], 3),
    );
    return tf.sum(tf.mul(gradient, tf.step(z, 0.5)), [0, 1, 2]);
  },
];
/** The ReLU before the pool is not part of what is differentiated: ties at zero go to the first place. */
const detachedRelu: Case = [
  'MaxPoolGrad',
  () => {
    const active = tf.relu(tensor([2, 6, 6, 3]));
    return tf.grad((x) => tf.maxPool(x as tf.Tensor4D, 2, 2, 'valid'))(active, tensor([2, 3, 3, 3], 5));
  },
];
/** The sum of a pool's gradient over all but the channels is taken at the pooled size. */
const sharedConvolution: Case = [
  'Conv2D',
  () =>
    withGradients(
      (x, w, b) => {
        const y = tf.conv2d(x as tf.Tensor4D, w as tf.Tensor4D, 1, 'valid');
        return tf.add(tf.relu(tf.add(y, b as tf.Tensor)), y);
      },
      [tensor([2, 6, 6, 2]), tensor([3, 3, 2, 4], 2), tensor([4], 3)],
    ),
];

const cases: Case[] = [
  leakyStep,
  ...convolutions,
  ...fusedConvolutions,
  dilated,
  ...pools,
  ...stacks,
  twoStacks,
  sharedRelu,
  detachedRelu,
  sharedConvolution,
];

describe('every kernel and its gradient agree with the plain cpu backend', () => {
  test.each(cases.map((each, i) => [`${each[0]} (${i})`, each] as const))(
    '%s',
    async (_, [, compute, tolerance]) => {
      await expectSameAsCpu(compute, tolerance);
    },
  );
});

test('no kernel that the plain cpu backend has too is without a case', async () => {
  const folder = new URL('./kernels/', import.meta.url);
  const names = (await readdir(folder)).filter((name) => name.endsWith('.test.ts'));
  const files = [new URL(import.meta.url), ...names.map((name) => new URL(name, folder))];
  const tests = (await Promise.all(files.map((file) => readFile(file, 'utf8')))).join();
  const shared = kernels.map(({ name }) => name).filter((name) => tf.getKernel(name, 'cpu') !== undefined);
  expect(shared.filter((name) => !tests.includes(`'${name}'`))).toEqual([]);
});

test('a kernel that the backend does not have fails with its name', async () => {
  await useOnnxRuntime({ threads: 1 });
  const spectrum = () => tf.tidy(() => tf.spectral.rfft(tf.tensor1d([1, 2])));
  expect(spectrum).toThrow(/Kernel 'Complex' not registered for backend 'onnxruntime'/);
});
