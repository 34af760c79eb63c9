import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { learningRateAt } from './schedule.ts';

describe('the learning rate', () => {
  test('rises in a line to its peak and falls to nearly nothing', () => {
    const rates = Array.from({ length: 100 }, (_, step) => learningRateAt(step, 100, 0.01));
    expect(rates[0]).toBeCloseTo(0.0005);
    expect(rates[19]).toBeCloseTo(0.01);
    expect(rates.indexOf(Math.max(...rates))).toBe(19);
    expect(rates[99]).toBeCloseTo(0.00001);
  });

  test('is above 0 and never above the peak, however many steps there are', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 5000 }),
        fc.nat(),
        fc.double({ min: 1e-6, max: 1, noNaN: true }),
        (steps, at, peak) => {
          const rate = learningRateAt(at % steps, steps, peak);
          expect(rate).toBeGreaterThan(0);
          expect(rate).toBeLessThanOrEqual(peak * (1 + 1e-12));
        },
      ),
    );
  });
});
