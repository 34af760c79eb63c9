import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, expect, test } from 'vitest';
import { startEngine } from '../engine.ts';
import { SeededDropout } from './dropout.ts';

beforeAll(() => startEngine('cpu'));

const dropout = (seed: number, draw: tf.Variable) =>
  new SeededDropout({ name: `dropout${seed}`, rate: 0.25, seed, draw });
const drawOf = (step: number, row = 0) => tf.variable(tf.tensor1d([step, row], 'int32'), false);

async function dropped(layer: SeededDropout, { training = true } = {}): Promise<number[][]> {
  return (await layer.call(tf.ones([100, 100]), { training }).array()) as number[][];
}

test('dropout draws another mask at each step, and the same one for the same seed and step', async () => {
  const first = await dropped(dropout(4, drawOf(1)));
  expect(await dropped(dropout(4, drawOf(2)))).not.toEqual(first);
  expect(await dropped(dropout(5, drawOf(1)))).not.toEqual(first);
  expect(await dropped(dropout(4, drawOf(1)))).toEqual(first);
});

test('another part of a batch loses other units', async () => {
  const first = await dropped(dropout(4, drawOf(1)));
  expect(await dropped(dropout(4, drawOf(1, 100)))).not.toEqual(first);
});

test('dropout drops its share and scales the rest up, in training only', async () => {
  const layer = dropout(1, drawOf(1));
  const values = (await dropped(layer)).flat();
  const zeros = values.filter((value) => value === 0).length;
  expect(zeros / values.length).toBeCloseTo(0.25, 1);
  expect(new Set(values.map((value) => value.toFixed(4)))).toEqual(new Set(['0.0000', '1.3333']));
  expect((await dropped(layer, { training: false })).flat().every((value) => value === 1)).toBe(true);
});

test('where the backend has no such random numbers, the mask depends on seed and step all the same', async () => {
  await tf.setBackend('onnxruntime');
  await import('@tensorflow/tfjs-backend-cpu');
  await tf.setBackend('cpu');
  const first = await dropped(dropout(4, drawOf(1)));
  expect(await dropped(dropout(4, drawOf(1)))).toEqual(first);
  expect(await dropped(dropout(4, drawOf(2)))).not.toEqual(first);
  await tf.setBackend('onnxruntime');
});
