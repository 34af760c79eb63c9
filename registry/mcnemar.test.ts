import fc from 'fast-check';
import { expect, test } from 'vitest';
import { mcnemarExact } from './mcnemar.ts';

test.each([
  [0, 0, 1],
  [5, 5, 1],
  [6, 0, 2 / 64],
  [2, 10, (2 * (1 + 12 + 66)) / 4096],
  [9, 2, 0.06542969], // R: exact2x2::mcnemar.exact(matrix(c(21, 9, 2, 12), 2, 2))
])('with %i answers right in one model alone and %i in the other, p = %f', (first, second, p) => {
  expect(mcnemarExact(first, second)).toBeCloseTo(p, 8);
});

test('counts whose 2^-n is zero as a double are still told apart', () => {
  expect(mcnemarExact(5000, 5000)).toBe(1);
  // The normal approximation with continuity correction, z = (200 - 1) / 100, gives 0.0466.
  expect(mcnemarExact(5100, 4900)).toBeCloseTo(0.0466, 3);
  expect(mcnemarExact(6000, 4000)).toBeLessThan(1e-80);
});

const count = fc.integer({ min: 0, max: 3000 });

test('it is symmetric, in [0, 1], and falls as the counts part', () => {
  fc.assert(
    fc.property(count, count, (first, second) => {
      const p = mcnemarExact(first, second);
      expect(p).toBe(mcnemarExact(second, first));
      expect(p).toBeGreaterThanOrEqual(0);
      expect(p).toBeLessThanOrEqual(1);
      if (first > second && second > 0)
        expect(mcnemarExact(first + 1, second - 1)).toBeLessThanOrEqual(p + 1e-12);
    }),
  );
});
