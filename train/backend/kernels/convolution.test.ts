import * as tf from '@tensorflow/tfjs-core';
import * as layers from '@tensorflow/tfjs-layers';
import fc from 'fast-check';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { planOf } from '../plan.ts';
import { useOnnxRuntime } from '../register.ts';
import { expectSameAsCpu } from '../testing.ts';
import { kernelsOf, type Scene, scenes, tensor, withGradients } from './testing.ts';

afterAll(() => tf.removeBackend('onnxruntime'));

const image = (shape: number[], seed = 1) => tensor(shape, seed) as tf.Tensor4D;

describe('a convolution and its gradients agree with the plain cpu backend', () => {
  test('at any size, window, strides and padding', async () => {
    await fc.assert(
      fc.asyncProperty(scenes, fc.integer({ min: 1, max: 3 }), async (scene, channels) => {
        const { batch, size, window, strides, pad } = scene;
        await expectSameAsCpu(() =>
          withGradients(
            (x, w) => tf.conv2d(x as tf.Tensor4D, w as tf.Tensor4D, strides, pad),
            [image([batch, ...size, channels]), image([...window, channels, 2], 2)],
          ),
        );
      }),
      { numRuns: 40 },
    );
  });

  test('with a padding that is one number, larger than the filter, or rounded up', async () => {
    const [x, w] = [() => image([2, 6, 6, 2]), () => image([3, 3, 2, 3], 2)];
    await expectSameAsCpu(() =>
      withGradients((a, b) => tf.conv2d(a as tf.Tensor4D, b as tf.Tensor4D, 1, 4), [x(), w()]),
    );
    await expectSameAsCpu(() =>
      withGradients((a, b) => tf.conv2d(a as tf.Tensor4D, b as tf.Tensor4D, 2, 1), [x(), w()]),
    );
    await expectSameAsCpu(() => tf.conv2d(x(), w(), 2, 1, 'NHWC', 1, 'ceil'));
    await expectSameAsCpu(() => tf.conv2d(x(), w(), 2, 1, 'NHWC', 1, 'floor'));
  });

  test('with dilations, which TensorFlow.js has forward only', async () => {
    for (const pad of ['valid', 'same', 2] as const) {
      await expectSameAsCpu(() =>
        tf.conv2d(image([2, 9, 8, 2]), image([3, 2, 2, 3], 2), 1, pad === 2 ? 'same' : pad, 'NHWC', [2, 3]),
      );
    }
    const gradient = () =>
      tf.grad((x) => tf.conv2d(x as tf.Tensor4D, image([3, 3, 2, 3], 2), 1, 'valid', 'NHWC', 2))(
        image([1, 9, 9, 2]),
      );
    expect(() => tf.tidy(gradient)).toThrow(/dilation rates greater than 1 are not yet supported/);
  });

  test('in one dimension', async () => {
    for (const [stride, pad] of [
      [1, 'same'],
      [2, 'same'],
      [1, 'valid'],
      [3, 'valid'],
    ] as const) {
      await expectSameAsCpu(() =>
        withGradients(
          (x, w) => tf.conv1d(x as tf.Tensor3D, w as tf.Tensor3D, stride, pad),
          [tensor([2, 11, 3]), tensor([4, 3, 2], 2)],
        ),
      );
    }
    await expectSameAsCpu(() =>
      tf.conv1d(tensor([2, 11, 3]) as tf.Tensor3D, tensor([3, 3, 2], 2) as tf.Tensor3D, 1, 'valid', 'NWC', 2),
    );
  });

  test('transposed, at any size, window, strides and padding', async () => {
    await fc.assert(
      fc.asyncProperty(scenes, fc.integer({ min: 1, max: 3 }), async (scene, channels) => {
        const { batch, size, window, strides, pad } = scene;
        const [height, width] = sizeAfter(scene);
        await expectSameAsCpu(() =>
          withGradients(
            (y, w) =>
              tf.conv2dTranspose(
                y as tf.Tensor4D,
                w as tf.Tensor4D,
                [batch, ...size, channels],
                strides,
                pad,
              ),
            [image([batch, height, width, 2]), image([...window, channels, 2], 2)],
          ),
        );
      }),
      { numRuns: 40 },
    );
  });
});

/** The size of a convolution's result. */
function sizeAfter({ batch, size, window, strides, pad }: Scene): [number, number] {
  const info = tf.backend_util.computeConv2DInfo([batch, ...size, 1], [...window, 1, 1], strides, 1, pad);
  return [info.outHeight, info.outWidth];
}

test('a convolution with channels first is not taken for one whose bias or pool could go into it', () =>
  expectSameAsCpu(() => {
    const biased = (bias: tf.Tensor) =>
      tf.add(tf.conv2d(image([2, 3, 8, 8]), image([3, 3, 3, 6], 2), 1, 'valid', 'NCHW'), bias); // [2, 6, 6, 6]
    const pooled = (x: tf.Tensor) => tf.maxPool(tf.relu(x) as tf.Tensor4D, 2, 2, 'valid');
    return [biased(tensor([6], 3)), ...withGradients((bias) => pooled(biased(bias)), [tensor([6], 3)])];
  }));

describe('a fused convolution agrees with the plain cpu backend', () => {
  const fused = (
    activation: tf.fused.Activation,
    more: Partial<Parameters<typeof tf.fused.conv2d>[0]> = {},
  ) =>
    tf.fused.conv2d({
      x: tf.mul<tf.Tensor4D>(image([2, 7, 6, 3]), 8),
      filter: image([3, 3, 3, 4], 2),
      strides: 1,
      pad: 'same',
      bias: tensor([4], 3),
      activation,
      ...more,
    });

  test.each(['linear', 'relu', 'relu6', 'elu', 'sigmoid'] as const)('with %s', (activation) =>
    expectSameAsCpu(() => [fused(activation), fused(activation, { bias: undefined as never, strides: 2 })]),
  );

  test('with a leaky ReLU', () => expectSameAsCpu(() => fused('leakyrelu', { leakyreluAlpha: 0.3 })));

  test('with a parametric ReLU, one weight for each channel or each value', () =>
    expectSameAsCpu(() => [
      fused('prelu', { preluActivationWeights: tensor([4], 5) }),
      fused('prelu', { preluActivationWeights: tensor([7, 6, 4], 5) }),
      fused('prelu', { preluActivationWeights: tensor([1, 1, 4], 5), bias: undefined as never }),
    ]));

  test('with a bias that is not one value for each channel', () =>
    expectSameAsCpu(() => [
      fused('leakyrelu', { bias: tf.scalar(0.5), leakyreluAlpha: 0.3 }),
      fused('relu', { bias: tensor([1], 3) }),
      fused('sigmoid', { bias: tensor([7, 6, 4], 3) }),
      fused('prelu', { bias: tensor([2, 7, 6, 4], 3), preluActivationWeights: tensor([4], 5) }),
    ]));

  test('with channels first', () => {
    const first = () => ({ x: image([2, 3, 7, 6]), dataFormat: 'NCHW' as const });
    const pad: tf.backend_util.ExplicitPadding = [
      [0, 0],
      [0, 0],
      [1, 0],
      [0, 2],
    ];
    return expectSameAsCpu(() => [
      fused('relu', { ...first() }),
      fused('relu', { ...first(), bias: tf.scalar(0.5), pad, strides: [2, 1] }),
      fused('prelu', { ...first(), preluActivationWeights: tensor([4], 5) }),
      fused('prelu', { ...first(), preluActivationWeights: tensor([1, 7, 1], 5) }),
    ]);
  });

  test('with its gradients, where it is linear', () =>
    expectSameAsCpu(() =>
      withGradients(
        (x, filter, bias) =>
          tf.fused.conv2d({
            x: x as tf.Tensor4D,
            filter: filter as tf.Tensor4D,
            bias: bias as tf.Tensor,
            strides: 2,
            pad: 'same',
          }),
        [image([2, 7, 6, 3]), image([3, 3, 3, 4], 2), tensor([4], 3)],
      ),
    ));
});

describe('layers of convolutions give the same results and gradients as on the plain cpu backend', () => {
  const cases: [string, number[], () => layers.layers.Layer][] = [
    [
      'conv1d',
      [2, 9, 2],
      () => layers.layers.conv1d({ filters: 3, kernelSize: 3, strides: 2, padding: 'same' }),
    ],
    [
      'conv2d',
      [2, 7, 6, 2],
      () => layers.layers.conv2d({ filters: 3, kernelSize: [3, 2], strides: 2, activation: 'relu' }),
    ],
    [
      'conv2d, channels first',
      [2, 2, 7, 6],
      () => layers.layers.conv2d({ filters: 3, kernelSize: 3, dataFormat: 'channelsFirst' }),
    ],
    [
      'conv2dTranspose',
      [2, 4, 3, 2],
      () => layers.layers.conv2dTranspose({ filters: 3, kernelSize: 3, strides: 2, padding: 'same' }),
    ],
    [
      'conv2dTranspose, valid',
      [2, 4, 3, 2],
      () => layers.layers.conv2dTranspose({ filters: 3, kernelSize: 2, strides: 3 }),
    ],
    [
      'depthwiseConv2d',
      [2, 7, 6, 2],
      () => layers.layers.depthwiseConv2d({ kernelSize: 3, depthMultiplier: 2, padding: 'same' }),
    ],
    [
      'separableConv2d',
      [2, 7, 6, 2],
      () => layers.layers.separableConv2d({ filters: 3, kernelSize: 3, strides: 2, depthMultiplier: 2 }),
    ],
  ];
  test.each(cases)('%s', (_, shape, make) => expectSameAsCpu(() => trainedOnce(make(), shape)));
});

/** A layer's result, and the gradients of its input and weights, which are set to values that are always the same. */
function trainedOnce(layer: layers.layers.Layer, shape: number[]): tf.Tensor[] {
  layer.build(shape);
  layer.setWeights(layer.getWeights().map(({ shape }, i) => tensor(shape, i + 3)));
  const variables = layer.trainableWeights.map((weight) => weight.read() as tf.Variable);
  const run = (x: tf.Tensor) => layer.apply(x) as tf.Tensor;
  const x = tensor(shape);
  const result = run(x);
  const dy = tensor(result.shape, 77);
  const { grads } = tf.variableGrads(() => tf.sum(tf.mul(run(x), dy)) as tf.Scalar, variables);
  const ofInput = tf.grad(run)(x, dy);
  const gradients = Object.values(grads);
  for (const weight of layer.weights) weight.dispose();
  return [result, ofInput, ...gradients];
}

test('TensorFlow.js trains convolutions with these kernels', async () => {
  const x = () => image([1, 4, 4, 2]);
  const w = () => image([2, 2, 2, 1]);
  const kernels = await kernelsOf(() => [
    ...withGradients((a, b) => tf.conv2d(a as tf.Tensor4D, b as tf.Tensor4D, 1, 'valid'), [x(), w()]),
    tf.fused.conv2d({ x: x(), filter: w(), strides: 1, pad: 'valid' }),
  ]);
  const expected = ['Conv2D', 'Conv2DBackpropFilter', 'Conv2DBackpropInput', 'FusedConv2D'];
  expect(kernels).toEqual(expect.arrayContaining(expected));
});

describe('what a convolution cannot do is refused when it is recorded, with shapes and attributes', () => {
  beforeEach(async () => {
    await useOnnxRuntime({ threads: 1 });
  });

  test('the gradient in another data format', () => {
    const gradient = tf.grad((x) => tf.conv2d(x as tf.Tensor4D, image([3, 3, 2, 3]), 1, 'same', 'NCHW'));
    expect(() => tf.tidy(() => gradient(image([1, 2, 5, 5])))).toThrow(
      /Conv2DBackpropInput: it has no data format NCHW, only NHWC/,
    );
  });

  test('a filter larger than the image', () => {
    expect(() => tf.tidy(() => tf.conv2d(image([1, 2, 5, 1]), image([3, 3, 1, 1]), 1, 'valid'))).toThrow(
      /Conv2D: .* do not fit the padded image; .* x \[1,2,5,1\]/,
    );
  });

  test('windows counted by the height where the width has others', () => {
    expect(() => tf.tidy(() => tf.conv2d(image([1, 9, 9, 1]), image([4, 1, 1, 1]), 1, 1))).toThrow(
      /Conv2D: .* do not fit the padded image/,
    );
  });

  test('a transposed convolution whose shapes contradict each other', () => {
    const contradicting = () =>
      tf.conv2dTranspose(image([1, 3, 3, 1]), image([2, 2, 1, 1]), [1, 9, 9, 1], 2, 'same');
    expect(() => tf.tidy(contradicting)).toThrow(
      /Conv2DBackpropInput: a convolution of \[1,9,9,1\] .* gives \[1,5,5,1\], .* got \[1,3,3,1\]/,
    );
  });

  test('whole numbers', () => {
    const filter = tf.ones([2, 2, 1, 1], 'int32') as tf.Tensor4D;
    expect(() =>
      tf.tidy(() => tf.conv2dTranspose(image([1, 2, 2, 1]), filter, [1, 3, 3, 1], 1, 'valid')),
    ).toThrow(/Conv2DBackpropInput: it computes in float32 only: cast its int32 \[2,2,1,1\] first/);
    filter.dispose();
  });
});

test('a transposed convolution by itself is no training, and a gradient is', async () => {
  const backend = await useOnnxRuntime({ threads: 1 });
  const isTraining = (compute: () => tf.Tensor) =>
    tf.tidy(() => planOf([backend.valueBehind(compute())]).training);
  const [x, filter] = [image([1, 3, 3, 1]), image([2, 2, 1, 1])];
  const loss = (weights: tf.Tensor) => tf.conv2dTranspose(x, weights as tf.Tensor4D, [1, 6, 6, 1], 2, 'same');
  expect(isTraining(() => loss(filter))).toBe(false);
  expect(isTraining(() => tf.grad(loss)(filter))).toBe(true);
  tf.dispose([x, filter]);
});
