import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { useOnnxRuntime } from '../register.ts';
import { expectSameAsCpu } from '../testing.ts';
import { kernelsOf, scenes, tensor, withGradients } from './testing.ts';

afterAll(() => tf.removeBackend('onnxruntime'));

const image = (shape: number[], seed = 1) => tensor(shape, seed) as tf.Tensor4D;

describe('a depthwise convolution agrees with the plain cpu backend', () => {
  test('with its gradients, at any size, window, strides, padding and multiplier', async () => {
    const channelCounts = fc.record({
      channels: fc.integer({ min: 1, max: 4 }),
      multiplier: fc.integer({ min: 1, max: 3 }),
    });
    await fc.assert(
      fc.asyncProperty(scenes, channelCounts, async (scene, { channels, multiplier }) => {
        const { batch, size, window, strides, pad } = scene;
        await expectSameAsCpu(() =>
          withGradients(
            (x, w) => tf.depthwiseConv2d(x as tf.Tensor4D, w as tf.Tensor4D, strides, pad),
            [image([batch, ...size, channels]), image([...window, channels, multiplier], 2)],
          ),
        );
      }),
      { numRuns: 50 },
    );
  });

  test('with dilations, which TensorFlow.js has forward only', async () => {
    for (const pad of ['valid', 'same'] as const) {
      await expectSameAsCpu(() =>
        tf.depthwiseConv2d(image([2, 9, 8, 3]), image([3, 2, 3, 2], 2), 1, pad, 'NHWC', [2, 3]),
      );
    }
    const gradient = () =>
      tf.grad((x) => tf.depthwiseConv2d(x as tf.Tensor4D, image([3, 3, 2, 1], 2), 1, 'same', 'NHWC', 2))(
        image([1, 9, 9, 2]),
      );
    expect(() => tf.tidy(gradient)).toThrow(/dilation rates greater than 1 are not yet supported/);
  });

  test('fused with a bias and any activation', () => {
    const fused = (activation: tf.fused.Activation, more: object = {}) =>
      tf.fused.depthwiseConv2d({
        x: tf.mul<tf.Tensor4D>(image([2, 7, 6, 3]), 8),
        filter: image([3, 3, 3, 2], 2),
        strides: 2,
        pad: 'same',
        bias: tensor([6], 3),
        activation,
        ...more,
      });
    return expectSameAsCpu(() => [
      ...(['linear', 'relu', 'relu6', 'elu', 'sigmoid'] as const).map((activation) => fused(activation)),
      fused('leakyrelu', { leakyreluAlpha: 0.3 }),
      fused('prelu', { preluActivationWeights: tensor([6], 5) }),
    ]);
  });

  test('fused, with its gradients', () =>
    expectSameAsCpu(() =>
      withGradients(
        (x, filter, bias) =>
          tf.fused.depthwiseConv2d({
            x: x as tf.Tensor4D,
            filter: filter as tf.Tensor4D,
            bias: bias as tf.Tensor,
            strides: 1,
            pad: 'valid',
          }),
        [image([2, 7, 6, 3]), image([3, 3, 3, 2], 2), tensor([6], 3)],
      ),
    ));

  test('followed by a bias, a ReLU and a max-pool', () =>
    expectSameAsCpu(() =>
      withGradients(
        (x, w, b) => {
          const sum = tf.add(
            tf.depthwiseConv2d(x as tf.Tensor4D, w as tf.Tensor4D, 1, 'valid'),
            b as tf.Tensor,
          );
          return tf.maxPool(tf.relu(sum) as tf.Tensor4D, 2, 2, 'valid');
        },
        [image([2, 9, 9, 3]), image([3, 3, 3, 2], 2), tensor([6], 3)],
      ),
    ));

  test('separable, with its gradients', () =>
    expectSameAsCpu(() =>
      withGradients(
        (x, depthwise, pointwise) =>
          tf.separableConv2d(x as tf.Tensor4D, depthwise as tf.Tensor4D, pointwise as tf.Tensor4D, 2, 'same'),
        [image([2, 7, 6, 3]), image([3, 3, 3, 2], 2), image([1, 1, 6, 4], 3)],
      ),
    ));
});

test('TensorFlow.js trains depthwise convolutions with these kernels', async () => {
  const x = () => image([1, 4, 4, 2]);
  const w = () => image([2, 2, 2, 1]);
  const kernels = await kernelsOf(() => [
    ...withGradients(
      (a, b) => tf.depthwiseConv2d(a as tf.Tensor4D, b as tf.Tensor4D, 1, 'valid'),
      [x(), w()],
    ),
    tf.fused.depthwiseConv2d({ x: x(), filter: w(), strides: 1, pad: 'valid' }),
  ]);
  const expected = [
    'DepthwiseConv2dNative',
    'DepthwiseConv2dNativeBackpropFilter',
    'DepthwiseConv2dNativeBackpropInput',
    'FusedDepthwiseConv2D',
  ];
  expect(kernels).toEqual(expect.arrayContaining(expected));
});

test('another data format is refused when it is recorded, with shapes and attributes', async () => {
  await useOnnxRuntime({ threads: 1 });
  const channelsFirst = () => tf.depthwiseConv2d(image([1, 2, 5, 5]), image([3, 3, 2, 1]), 1, 'same', 'NCHW');
  expect(() => tf.tidy(channelsFirst)).toThrow(
    /DepthwiseConv2dNative: it has no data format NCHW, only NHWC; x \[1,2,5,5\], filter \[3,3,2,1\]/,
  );
});
