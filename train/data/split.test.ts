import fc from 'fast-check';
import { expect, test } from 'vitest';
import { shuffled, splitTrain } from './split.ts';

const seed = fc.integer();

test('an order holds each number once', () => {
  fc.assert(
    fc.property(fc.nat(300), seed, (count, seed) => {
      expect([...shuffled(count, seed)].sort((a, b) => a - b)).toEqual([...Array(count).keys()]);
    }),
  );
});

test('the same seed gives the same order, neighbouring seeds give unrelated ones', () => {
  expect(shuffled(1000, 5)).toEqual(shuffled(1000, 5));
  const a = shuffled(1000, 5);
  const b = shuffled(1000, 6);
  const agreements = a.filter((value, place) => value === b[place]).length;
  expect(agreements).toBeLessThan(10); // 1 is to be expected
});

test('every number is equally likely to come first', () => {
  const firsts = new Array<number>(5).fill(0);
  for (let seed = 0; seed < 5000; seed++) {
    const first = shuffled(5, seed)[0] ?? 0;
    firsts[first] = (firsts[first] ?? 0) + 1;
  }
  for (const times of firsts) expect(Math.abs(times - 1000)).toBeLessThan(150); // 5 standard deviations
});

test('the order of one seed never changes between versions of the code', () => {
  expect([...shuffled(10, 42)]).toEqual([2, 4, 5, 8, 3, 9, 0, 6, 7, 1]);
});

test('a split puts each image into exactly one part, the same one each time', () => {
  fc.assert(
    fc.property(fc.nat(300), fc.double({ min: 0, max: 0.99, noNaN: true }), seed, (count, fraction, seed) => {
      const { train, validation } = splitTrain(count, fraction, seed);
      expect(validation).toHaveLength(Math.round(count * fraction));
      expect([...train, ...validation].sort((a, b) => a - b)).toEqual([...Array(count).keys()]);
      expect(splitTrain(count, fraction, seed)).toEqual({ train, validation });
    }),
  );
});

test.each([-0.1, 1, Number.NaN])('a validation fraction of %s is refused', (fraction) => {
  expect(() => splitTrain(10, fraction, 1)).toThrow(RangeError);
});
