import * as tf from '@tensorflow/tfjs-core';
import * as layers from '@tensorflow/tfjs-layers';
import fc from 'fast-check';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { useOnnxRuntime } from '../register.ts';
import { expectSameAsCpu } from '../testing.ts';
import { kernelsOf, scenes, tensor, withGradients } from './testing.ts';

afterAll(() => tf.removeBackend('onnxruntime'));

const image = (shape: number[], seed = 1) => tensor(shape, seed) as tf.Tensor4D;

describe('a max-pool and its gradient agree with the plain cpu backend', () => {
  test('at any size, window, strides and padding', async () => {
    await fc.assert(
      fc.asyncProperty(scenes, async ({ batch, size, window, strides, pad }) => {
        await expectSameAsCpu(() =>
          withGradients(
            (x) => tf.maxPool(x as tf.Tensor4D, window, strides, pad),
            [image([batch, ...size, 2])],
          ),
        );
      }),
      { numRuns: 40 },
    );
  });

  test('where overlapping windows share their maximum, and the first of equal places gets the gradient', () =>
    expectSameAsCpu(() => [
      ...withGradients((x) => tf.maxPool(x as tf.Tensor4D, 3, 1, 'same'), [tf.zeros([1, 5, 5, 2])]),
      ...withGradients((x) => tf.maxPool(x as tf.Tensor4D, 3, 2, 'same'), [tf.ones([2, 6, 6, 1])]),
    ]));

  test('where all values are negative, so that padding with zeros would win', () =>
    expectSameAsCpu(() =>
      withGradients((x) => tf.maxPool(x as tf.Tensor4D, 3, 2, 1), [tf.sub(image([2, 7, 7, 3]), 5)]),
    ));

  test('after a ReLU and a convolution, with overlapping windows', () =>
    expectSameAsCpu(() =>
      withGradients(
        (x, w, b) => {
          const sum = tf.add(tf.conv2d(x as tf.Tensor4D, w as tf.Tensor4D, 1, 'valid'), b as tf.Tensor);
          return tf.maxPool(tf.relu(sum) as tf.Tensor4D, 3, 2, 'same');
        },
        [image([2, 9, 8, 1]), tensor([3, 3, 1, 4], 2), tensor([4], 3)],
      ),
    ));

  test('where windows are all padding', () =>
    expectSameAsCpu(() => [
      ...withGradients((x) => tf.maxPool(x as tf.Tensor4D, 2, 3, 2), [image([2, 5, 4, 3])]),
      ...withGradients((x) => tf.maxPool(x as tf.Tensor4D, 1, 2, 1), [image([1, 3, 3, 1])]),
      tf.maxPool(
        image([1, 3, 3, 2]),
        3,
        3,
        [
          [0, 0],
          [3, 3],
          [1, 1],
          [0, 0],
        ],
        'ceil',
      ),
    ]));

  test('where windows of one pixel are as many as the image has', () =>
    expectSameAsCpu(() => [
      tf.maxPool(image([1, 2, 2, 3]), 1, 2, 1),
      tf.avgPool(image([1, 2, 2, 3]), 1, 2, 1),
    ]));

  test('with the place of each maximum, the first of equal ones', () =>
    expectSameAsCpu(() => {
      const pooled = (inBatch: boolean) => {
        const { result, indexes } = tf.maxPoolWithArgmax(image([3, 5, 6, 4]), [3, 2], 2, 'same', inBatch);
        return [result, indexes] as tf.Tensor[];
      };
      return [...pooled(false), ...pooled(true)];
    }));

  test('rounded up', () =>
    expectSameAsCpu(() => [
      tf.maxPool(image([2, 6, 6, 2]), 3, 2, 0, 'ceil'),
      tf.avgPool(image([2, 6, 6, 2]), 3, 2, 0, 'ceil'),
    ]));
});

describe('an average pool', () => {
  test('agrees with the plain cpu backend at any size, window, strides and padding', async () => {
    await fc.assert(
      fc.asyncProperty(scenes, async ({ batch, size, window, strides, pad }) => {
        await expectSameAsCpu(() => tf.avgPool(image([batch, ...size, 2]), window, strides, pad));
      }),
      { numRuns: 30 },
    );
  });

  test('has the gradient of the plain cpu backend, which counts the padding', async () => {
    await fc.assert(
      fc.asyncProperty(scenes, async ({ batch, size, window, strides, pad }) => {
        await expectSameAsCpu(() =>
          withGradients(
            (x) => tf.avgPool(x as tf.Tensor4D, window, strides, pad),
            [image([batch, ...size, 2])],
          ),
        );
      }),
      { numRuns: 30 },
    );
  });

  test('is NaN where a window is all padding', () =>
    expectSameAsCpu(() => [
      ...withGradients((x) => tf.avgPool(x as tf.Tensor4D, 2, 3, 2), [image([2, 5, 4, 3])]),
      ...withGradients((x) => tf.avgPool(x as tf.Tensor4D, 1, 2, 1), [image([1, 3, 3, 1])]),
    ]));
});

describe('pooling layers give the same results and gradients as on the plain cpu backend', () => {
  const cases: [string, number[], () => layers.layers.Layer][] = [
    [
      'maxPooling1d',
      [2, 9, 3],
      () => layers.layers.maxPooling1d({ poolSize: 3, strides: 2, padding: 'same' }),
    ],
    ['maxPooling2d', [2, 7, 6, 2], () => layers.layers.maxPooling2d({ poolSize: 3, strides: 2 })],
    [
      'maxPooling2d, channels first',
      [2, 2, 7, 6],
      () => layers.layers.maxPooling2d({ poolSize: 2, dataFormat: 'channelsFirst' }),
    ],
    ['averagePooling1d', [2, 9, 3], () => layers.layers.averagePooling1d({ poolSize: 2 })],
    [
      'averagePooling2d',
      [2, 7, 6, 2],
      () => layers.layers.averagePooling2d({ poolSize: [3, 2], strides: [2, 1] }),
    ],
    ['globalAveragePooling1d', [2, 5, 3], () => layers.layers.globalAveragePooling1d({})],
    ['globalAveragePooling2d', [2, 5, 4, 3], () => layers.layers.globalAveragePooling2d({})],
    ['globalMaxPooling1d', [2, 5, 3], () => layers.layers.globalMaxPooling1d({})],
    ['globalMaxPooling2d', [2, 5, 4, 3], () => layers.layers.globalMaxPooling2d({})],
  ];
  test.each(cases)('%s', (_, shape, make) =>
    expectSameAsCpu(() => withGradients((x) => make().apply(x as tf.Tensor) as tf.Tensor, [tensor(shape)])),
  );
});

test('TensorFlow.js pools with these kernels', async () => {
  const kernels = await kernelsOf(() => [
    ...withGradients((x) => tf.maxPool(x as tf.Tensor4D, 2, 2, 'valid'), [image([1, 4, 4, 2])]),
    ...withGradients((x) => tf.avgPool(x as tf.Tensor4D, 2, 2, 'valid'), [image([1, 4, 4, 2])]),
    tf.maxPoolWithArgmax(image([1, 4, 4, 2]), 2, 2, 'valid').indexes as tf.Tensor,
  ]);
  const expected = ['AvgPool', 'AvgPoolGrad', 'MaxPool', 'MaxPoolGrad', 'MaxPoolWithArgmax'];
  expect(kernels).toEqual(expect.arrayContaining(expected));
});

describe('what a pool cannot do is refused when it is recorded, with shapes and attributes', () => {
  beforeEach(async () => {
    await useOnnxRuntime({ threads: 1 });
  });

  test('windows larger than the image', () => {
    expect(() => tf.tidy(() => tf.maxPool(image([1, 2, 4, 1]), 3, 1, 'valid'))).toThrow(
      /MaxPool: .* do not fit the padded image; .* x float32 \[1,2,4,1\], {"filterSize":3,"strides":1,"pad":"valid"}/,
    );
  });

  test('images of whole numbers', () => {
    expect(() =>
      tf.tidy(() => tf.maxPool(tf.ones([1, 4, 4, 1], 'int32') as tf.Tensor4D, 2, 2, 'valid')),
    ).toThrow(/MaxPool: it pools float32 only: cast the image first; x int32/);
  });
});
