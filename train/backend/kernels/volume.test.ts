import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { useOnnxRuntime } from '../register.ts';
import { expectSameAsCpu } from '../testing.ts';
import { kernelsOf, tensor, withGradients } from './testing.ts';

afterAll(() => tf.removeBackend('onnxruntime'));

type Triple = [number, number, number];
const volume = (shape: number[], seed = 1) => tensor(shape, seed) as tf.Tensor5D;
const triple = (min: number, max: number) => {
  const size = fc.integer({ min, max });
  return fc.tuple(size, size, size) as fc.Arbitrary<Triple>;
};
/** Volumes with windows no smaller than their strides: beyond that TensorFlow.js counts negative paddings. */
const scenes = fc
  .record({
    size: triple(3, 6),
    window: triple(1, 3),
    strides: triple(1, 3),
    pad: fc.constantFrom('same', 'valid'),
  })
  .map(({ strides, ...scene }) => ({
    ...scene,
    strides: strides.map((stride, axis) => Math.min(stride, scene.window[axis] ?? 1)) as Triple,
  }));

describe('kernels on volumes agree with the plain cpu backend', () => {
  test('a convolution with its gradients', async () => {
    await fc.assert(
      fc.asyncProperty(scenes, async ({ size, window, strides, pad }) => {
        await expectSameAsCpu(() =>
          withGradients(
            (x, w) => tf.conv3d(x as tf.Tensor5D, w as tf.Tensor5D, strides, pad),
            [volume([2, ...size, 2]), volume([...window, 2, 3], 2)],
          ),
        );
      }),
      { numRuns: 20 },
    );
  });

  test('a transposed convolution', () =>
    expectSameAsCpu(() => [
      tf.conv3dTranspose(volume([1, 2, 2, 3, 2]), volume([3, 3, 2, 1, 2], 2), [1, 4, 4, 6, 1], 2, 'same'),
      tf.conv3dTranspose(volume([1, 2, 2, 3, 2]), volume([2, 2, 2, 1, 2], 2), [1, 5, 5, 7, 1], 2, 'valid'),
    ]));

  test('pools with their gradients', async () => {
    await fc.assert(
      fc.asyncProperty(scenes, async ({ size, window, strides, pad }) => {
        const x = () => volume([2, ...size, 2]);
        // TensorFlow.js's cpu backend loses the gradient of windows that are not as high as wide.
        const square: Triple = [window[0], window[1], window[1]];
        const step: Triple = [strides[0], strides[1], strides[1]];
        await expectSameAsCpu(() => [
          tf.maxPool3d(x(), window, strides, pad),
          ...withGradients((a) => tf.maxPool3d(a as tf.Tensor5D, square, step, pad), [x()]),
          ...withGradients((a) => tf.avgPool3d(a as tf.Tensor5D, window, strides, pad), [x()]),
        ]);
      }),
      { numRuns: 20 },
    );
  });

  test('a max-pool of equal elements, whose gradient goes to the last', () =>
    expectSameAsCpu(() =>
      withGradients((a) => tf.maxPool3d(a as tf.Tensor5D, 2, 1, 'same'), [tf.ones([2, 3, 4, 3, 2])]),
    ));

  test('an average pool with windows that are all padding', () =>
    expectSameAsCpu(() =>
      withGradients((a) => tf.avgPool3d(a as tf.Tensor5D, 2, 1, 2), [volume([2, 3, 2, 3, 2])]),
    ));

  test('pools without a window', () =>
    expectSameAsCpu(() => tf.avgPool3d(volume([2, 1, 1, 1, 3]), [1, 1, 2], 1, 'valid')));
});

test('TensorFlow.js computes on volumes with these kernels', async () => {
  const x = () => volume([1, 4, 4, 4, 1]);
  const kernels = await kernelsOf(() => [
    ...withGradients(
      (a, b) => tf.conv3d(a as tf.Tensor5D, b as tf.Tensor5D, 1, 'valid'),
      [x(), volume([2, 2, 2, 1, 1])],
    ),
    ...withGradients((a) => tf.maxPool3d(a as tf.Tensor5D, 2, 2, 'valid'), [x()]),
    ...withGradients((a) => tf.avgPool3d(a as tf.Tensor5D, 2, 2, 'valid'), [x()]),
  ]);
  const expected = [
    'AvgPool3D',
    'AvgPool3DGrad',
    'Conv3D',
    'Conv3DBackpropFilterV2',
    'Conv3DBackpropInputV2',
    'MaxPool3D',
    'MaxPool3DGrad',
  ];
  expect(kernels).toEqual(expect.arrayContaining(expected));
});

test('windows that TensorFlow.js counts with a negative padding are refused when they are recorded', async () => {
  await useOnnxRuntime({ threads: 1 });
  expect(() => tf.tidy(() => tf.maxPool3d(volume([1, 4, 4, 4, 1]), 1, 2, 'same'))).toThrow(
    /MaxPool3D: .* do not fit the padded image; .* x float32 \[1,4,4,4,1\], {"filterSize":1,"strides":2,"pad":"same"/,
  );
});
