import { removeBackend, tensor1d } from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { BACKEND_NAME, useOnnxRuntime } from '../register.ts';
import { dropoutMask } from './dropout-mask.ts';

beforeAll(() => useOnnxRuntime({ threads: 1 }));
afterAll(() => removeBackend(BACKEND_NAME));

async function drawn(
  shape: number[],
  { rate = 0.5, seed = 7, draw = 3, part = 0 } = {},
): Promise<Float32Array> {
  const which = tensor1d([draw, part], 'int32');
  const mask = dropoutMask(shape, rate, seed, which);
  const values = (await mask.data()) as Float32Array;
  which.dispose();
  mask.dispose();
  return values;
}

const SIZE = 40_000;
const shareOf = (values: Float32Array | boolean[]) =>
  values.filter((value) => Boolean(value)).length / values.length;

/** Five standard deviations of the share of `SIZE` independent draws. */
const tolerance = (share: number) => 5 * Math.sqrt((share * (1 - share)) / SIZE);

test('the same seed, draw and part give the same mask', async () => {
  expect(await drawn([4, 500])).toEqual(await drawn([4, 500]));
});

test.each([0.1, 0.25, 0.5, 0.8])('a rate of %d drops its share and scales up the rest', async (rate) => {
  const mask = await drawn([SIZE], { rate });
  expect(new Set(mask)).toEqual(new Set([0, Math.fround(1 / (1 - rate))]));
  expect(Math.abs(shareOf(mask) - (1 - rate))).toBeLessThan(tolerance(rate));
});

test.each([
  ['seeds', { seed: 8 }],
  ['draws', { draw: 4 }],
  ['parts', { part: 1 }],
])('neighbouring %s are unrelated', async (_, other) => {
  const [a, b] = [await drawn([SIZE]), await drawn([SIZE], other)];
  const agreeing = [...a].map((value, i) => value === b[i]);
  expect(Math.abs(shareOf(agreeing) - 0.5)).toBeLessThan(tolerance(0.5));
});

test('neighbouring places are unrelated', async () => {
  const mask = await drawn([SIZE]);
  for (const distance of [1, 2, 28, 32]) {
    const agreeing = [...mask].map((value, i) => value === mask[(i + distance) % SIZE]);
    expect(Math.abs(shareOf(agreeing) - 0.5)).toBeLessThan(tolerance(0.5));
  }
});

test('each unit is dropped in its share of many draws', async () => {
  const counts = new Float32Array(50);
  for (let draw = 0; draw < 400; draw += 1) {
    (await drawn([50], { rate: 0.25, draw })).forEach((value, i) => {
      counts[i] = (counts[i] ?? 0) + Number(value === 0);
    });
  }
  // Five standard deviations of a binomial count of 400.
  for (const count of counts) expect(Math.abs(count - 100)).toBeLessThan(5 * Math.sqrt(400 * 0.25 * 0.75));
});
