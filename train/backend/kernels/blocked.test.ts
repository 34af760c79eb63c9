import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { blockWidth } from '../block-width.ts';
import { GraphBuilder } from '../graph.ts';
import { planOf } from '../plan.ts';
import { BACKEND_NAME, useOnnxRuntime } from '../register.ts';
import { expectSameAsCpu } from '../testing.ts';
import { lowerings } from './all.ts';
import { tensor, withGradients } from './testing.ts';

const block = blockWidth();

test.skipIf(block === undefined)('the width of a block is one that the processor has', () => {
  expect([4, 8, 16]).toContain(block);
});

test.each([
  [8, 16, 16, true],
  [undefined, 16, 16, false],
  [8, 1, 16, true],
  [8, 3, 16, true],
  [8, 12, 16, false],
  [8, 16, 12, false],
  [32, 16, 16, false],
])(
  'with blocks of %s, a convolution from %i to %i channels is in blocks: %s',
  async (width, from, to, is) => {
    const backend = await useOnnxRuntime({ threads: 1 });
    const [x, filter] = [tf.zeros([1, 5, 5, from]), tf.zeros([3, 3, from, to])];
    const y = backend.valueBehind(tf.conv2d(x as tf.Tensor4D, filter as tf.Tensor4D, 1, 'valid'));
    const plan = planOf([y]);
    const graph = new GraphBuilder(lowerings, plan, { block: width });
    plan.feeds.forEach((value, i) => {
      graph.input(value, `in${i}`);
    });
    const model = graph.build([{ name: 'y', type: y.dtype, shape: y.shape }], [graph.ref(y)]);
    expect(Buffer.from(model).includes('com.microsoft.nchwc')).toBe(is);
    tf.removeBackend(BACKEND_NAME);
  },
);

const geometry = fc.record({
  batch: fc.constantFrom(3, 8, 16),
  height: fc.integer({ min: 4, max: 9 }),
  width: fc.integer({ min: 4, max: 9 }),
  inside: fc.constantFrom(1, 3, 8, 16, 32),
  out: fc.constantFrom(16, 32),
  filter: fc.tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 4 })),
  strides: fc.tuple(fc.integer({ min: 1, max: 2 }), fc.integer({ min: 1, max: 2 })),
  pad: fc.constantFrom('valid' as const, 'same' as const),
});

test('convolutions in blocks, and their gradients, are those of any other', { timeout: 60_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(geometry, async ({ batch, height, width, inside, out, filter, strides, pad }) => {
      await expectSameAsCpu(() => {
        const images = tensor([batch, height, width, inside]);
        const weights = tensor([...filter, inside, out], 2);
        return withGradients(
          (x, w, b) =>
            tf.relu(tf.add(tf.conv2d(x as tf.Tensor4D, w as tf.Tensor4D, strides, pad), b as tf.Tensor)),
          [images, weights, tensor([out], 3)],
        );
      });
    }),
    { numRuns: 60 },
  );
});

test('a pooled convolution in blocks is cropped to what the pool reads', async () => {
  await expectSameAsCpu(() =>
    withGradients(
      (x, w, b) =>
        tf.maxPool(
          tf.relu(
            tf.add(tf.conv2d(x as tf.Tensor4D, w as tf.Tensor4D, 1, 'valid'), b as tf.Tensor),
          ) as tf.Tensor4D,
          2,
          2,
          'valid',
        ),
      [tensor([8, 9, 9, 16]), tensor([3, 3, 16, 32], 2), tensor([32], 3)],
    ),
  );
});

test('a convolution in blocks with a fused activation is that of any other', async () => {
  for (const activation of ['relu', 'relu6', 'elu', 'sigmoid'] as const) {
    await expectSameAsCpu(() =>
      tf.fused.conv2d({
        x: tensor([2, 6, 6, 16]) as tf.Tensor4D,
        filter: tensor([3, 3, 16, 16], 2) as tf.Tensor4D,
        strides: 1,
        pad: 'same',
        bias: tensor([16], 3),
        activation,
      }),
    );
  }
});
