import { expect, test } from 'vitest';
import { Draws, imageSeed } from './draws.ts';

function drawn(seed: number, count: number): number[] {
  const draws = new Draws();
  draws.restart(seed);
  return Array.from({ length: count }, () => draws.next());
}

function mean(numbers: readonly number[]): number {
  return numbers.reduce((sum, number) => sum + number, 0) / numbers.length;
}

test('the same seed draws the same numbers, in every version of the code', () => {
  expect(drawn(42, 3)).toEqual(drawn(42, 3));
  expect(drawn(42, 3)).toMatchInlineSnapshot(`
    [
      0.4376805033534765,
      -0.16122895292937756,
      0.14964804565533996,
    ]
  `);
});

test('the numbers are uniform in [-1, 1) and follow one another without a pattern', () => {
  const numbers = drawn(1, 20_000);
  expect(Math.min(...numbers)).toBeGreaterThanOrEqual(-1);
  expect(Math.max(...numbers)).toBeLessThan(1);
  expect(Math.abs(mean(numbers))).toBeLessThan(0.02); // 5 standard deviations
  expect(mean(numbers.map((number) => number ** 2))).toBeCloseTo(1 / 3, 1.5);
  const products = numbers.slice(1).map((number, at) => number * (numbers[at] ?? 0));
  expect(Math.abs(mean(products))).toBeLessThan(0.012);
});

test('to fill an array is to draw its numbers one by one, scaled', () => {
  const draws = new Draws();
  draws.restart(5);
  const numbers = new Float64Array(4);
  draws.fill(numbers, 3);
  expect([...numbers, draws.next()]).toEqual(drawn(5, 5).map((number, at) => (at < 4 ? 3 * number : number)));
});

test('no two images of an epoch share a seed, and hardly any of different epochs and runs do', () => {
  const seeds = new Set<number>();
  for (const run of [0, 1, 42])
    for (let epoch = 0; epoch < 3; epoch++) {
      const epochSeeds = new Set<number>();
      for (let place = 0; place < 5000; place++) epochSeeds.add(imageSeed(run, epoch, place));
      expect(epochSeeds.size).toBe(5000);
      for (const seed of epochSeeds) seeds.add(seed);
    }
  expect(seeds.size).toBeGreaterThan(9 * 5000 - 5); // chance lets 0.2 of them meet
});

test('a step in any of its three numbers changes about half the bits of the seed, each one alike', () => {
  const flips = new Uint32Array(32);
  const count = 1000;
  for (let i = 0; i < count; i++) {
    const changed = [
      imageSeed(i, 3, 7) ^ imageSeed(i + 1, 3, 7),
      imageSeed(3, i, 7) ^ imageSeed(3, i + 1, 7),
      imageSeed(3, 7, i) ^ imageSeed(3, 7, i + 1),
    ];
    flips.forEach((times, bit) => {
      flips[bit] = changed.reduce((sum, bits) => sum + ((bits >>> bit) & 1), times);
    });
  }
  for (const times of flips) expect(times / (3 * count)).toBeCloseTo(0.5, 1.1);
});

test('the seed is an unsigned 32-bit number', () => {
  for (let place = 0; place < 1000; place++) {
    const seed = imageSeed(-1, 2 ** 33, place);
    expect(seed >>> 0).toBe(seed);
  }
});
