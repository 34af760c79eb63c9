import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, expect, test } from 'vitest';
import { startEngine } from '../engine.ts';
import { SeededDropout } from './dropout.ts';

beforeAll(() => startEngine('onnxruntime'));

const ones = () => tf.ones([100, 100]);
const dropped = (layer: SeededDropout, training: boolean) => layer.call(ones(), { training }).array();

test('dropout draws another mask at each step, and the same ones again for the same seed', async () => {
  const [layer, same, other] = [4, 4, 5].map(
    (seed) => new SeededDropout({ name: `dropout${seed}`, rate: 0.25, seed }),
  );
  if (!layer || !same || !other) throw new Error('three layers were made');
  const first = await dropped(layer, true);
  const second = await dropped(layer, true);
  expect(second).not.toEqual(first);
  expect(await dropped(same, true)).toEqual(first);
  expect(await dropped(same, true)).toEqual(second);
  expect(await dropped(other, true)).not.toEqual(first);
});

test('dropout drops its share and scales the rest up, in training only', async () => {
  const layer = new SeededDropout({ name: 'dropout', rate: 0.25, seed: 1 });
  const values = tf.util.flatten(await dropped(layer, true)) as number[];
  const zeros = values.filter((value) => value === 0).length;
  expect(zeros / values.length).toBeCloseTo(0.25, 1);
  expect(new Set(values.map((value) => value.toFixed(4)))).toEqual(new Set(['0.0000', '1.3333']));
  expect(await dropped(layer, false)).toEqual(await ones().array());
});
