import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { batchSizesOf, rateAt, type Schedule, schedules } from './schedule.ts';

function ratesOf(schedule: Schedule, steps: number, peak: number): number[] {
  return Array.from({ length: steps }, (_, step) => rateAt(schedule, step, steps, peak));
}

describe('the learning rate', () => {
  test('of one cycle rises in a line to its peak and falls to nearly nothing', () => {
    const rates = ratesOf('one-cycle', 100, 0.01);
    expect(rates[0]).toBeCloseTo(0.0005);
    expect(rates[9]).toBeCloseTo(0.005);
    expect(rates.indexOf(Math.max(...rates))).toBe(19);
    expect(rates[19]).toBeCloseTo(0.01);
    expect(rates[59]).toBeCloseTo(0.005);
    expect(rates[99]).toBeCloseTo(0.00001);
  });

  test('of the cosine rises in a few steps and falls for the rest', () => {
    const rates = ratesOf('cosine', 100, 0.01);
    expect(rates.indexOf(Math.max(...rates))).toBe(2);
    expect(rates[2]).toBeCloseTo(0.01);
    expect(rates.slice(2)).toEqual(rates.slice(2).sort((a, b) => b - a));
    expect(rates[99]).toBeCloseTo(0.00001);
  });

  test('of the constant schedule is the peak from the first step to the last', () => {
    expect(new Set(ratesOf('constant', 50, 0.02))).toEqual(new Set([0.02]));
  });

  test.each(schedules)(
    'of %s is above 0 and never above the peak, however many steps there are',
    (schedule) => {
      fc.assert(
        fc.property(
          fc.integer({ min: 1, max: 5000 }),
          fc.nat(),
          fc.double({ min: 1e-6, max: 1, noNaN: true }),
          (steps, at, peak) => {
            const rate = rateAt(schedule, at % steps, steps, peak);
            expect(rate).toBeGreaterThan(0);
            expect(rate).toBeLessThanOrEqual(peak * (1 + 1e-12));
          },
        ),
      );
    },
  );
});

describe('batch sizes', () => {
  test.each([
    ['128', [128], 3, [128, 128, 128]],
    ['64,128,256', [64, 128, 256], 6, [64, 64, 128, 128, 256, 256]],
    ['64,128,256', [64, 128, 256], 5, [64, 64, 128, 128, 256]],
    ['64,128,256', [64, 128, 256], 4, [64, 64, 128, 256]],
    ['64,128,256', [64, 128, 256], 1, [64]],
    ['64,32', [64, 32], 0, []],
  ])('%s over %3$d epochs', (_, plan, epochs, sizes) => {
    expect(batchSizesOf(plan, epochs)).toEqual(sizes);
  });

  test('are used in their order, each in as many epochs as any other or one more or fewer', () => {
    const someSizes = fc.uniqueArray(fc.integer({ min: 1, max: 1000 }), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(someSizes, fc.integer({ min: 6, max: 50 }), (plan, epochs) => {
        const sizes = batchSizesOf(plan, epochs);
        expect(sizes).toHaveLength(epochs);
        expect([...new Set(sizes)]).toEqual(plan);
        const places = sizes.map((size) => plan.indexOf(size));
        expect(places).toEqual(places.toSorted((a, b) => a - b));
        for (const size of plan) {
          const times = sizes.filter((each) => each === size).length;
          expect(Math.abs(times - epochs / plan.length)).toBeLessThan(1);
        }
      }),
    );
  });

  test('have to be one at least', () => {
    expect(() => batchSizesOf([], 3)).toThrow(RangeError);
  });
});
