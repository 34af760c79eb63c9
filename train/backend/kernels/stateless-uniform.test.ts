import { removeBackend, tensor1d } from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { BACKEND_NAME, useOnnxRuntime } from '../register.ts';
import { statelessUniform } from './stateless-uniform.ts';

beforeAll(() => useOnnxRuntime({ threads: 1 }));
afterAll(() => removeBackend(BACKEND_NAME));

async function drawn(shape: number[], seed: number, draw: number, row = 0): Promise<Float32Array> {
  const which = tensor1d([draw, row], 'int32');
  const numbers = statelessUniform(shape, seed, which);
  const values = (await numbers.data()) as Float32Array;
  which.dispose();
  numbers.dispose();
  return values;
}

const mean = (values: Float32Array) => values.reduce((sum, value) => sum + value, 0) / values.length;

test('the same seed, draw and row give the same numbers', async () => {
  expect(await drawn([4, 5], 7, 3)).toEqual(await drawn([4, 5], 7, 3));
});

test('a batch that is drawn in two parts has the numbers of the whole batch', async () => {
  const whole = await drawn([6, 5], 7, 3);
  expect(await drawn([2, 5], 7, 3, 4)).toEqual(whole.slice(4 * 5));
});

test('numbers are spread evenly over [0,1) and differ between seeds and draws', async () => {
  const size = 40_000;
  const draws = [await drawn([size], 1, 0), await drawn([size], 1, 1), await drawn([size], 2, 0)];
  for (const values of draws) {
    expect(values.every((value) => value >= 0 && value < 1)).toBe(true);
    expect(mean(values)).toBeCloseTo(0.5, 2);
    const tenths = new Array(10).fill(0);
    for (const value of values) tenths[Math.floor(value * 10)] += 1;
    // Five standard deviations of a binomial count.
    for (const count of tenths) expect(Math.abs(count - size / 10)).toBeLessThan(5 * Math.sqrt(size * 0.09));
  }
  for (const [a, b] of [
    [0, 1],
    [0, 2],
    [1, 2],
  ] as const) {
    const product = (draws[a] as Float32Array).map(
      (x, i) => (x - 0.5) * ((draws[b] as Float32Array)[i] ?? 0),
    );
    expect(Math.abs(mean(product))).toBeLessThan(5 / 12 / Math.sqrt(size));
  }
});

test('neighbouring places and neighbouring draws are unrelated', async () => {
  const size = 40_000;
  const values = await drawn([size], 9, 5);
  const next = await drawn([size], 9, 6);
  const shifted = values.map((x, i) => (x - 0.5) * ((values[i + 1] ?? 0.5) - 0.5));
  const across = values.map((x, i) => (x - 0.5) * ((next[i] ?? 0.5) - 0.5));
  expect(Math.abs(mean(shifted))).toBeLessThan(5 / 12 / Math.sqrt(size));
  expect(Math.abs(mean(across))).toBeLessThan(5 / 12 / Math.sqrt(size));
});
