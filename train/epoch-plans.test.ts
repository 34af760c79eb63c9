import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { epochPlans } from './epoch-plans.ts';
import { rateAt, schedules } from './schedule.ts';
import { type EpochPlan, stepsOf } from './step/plan.ts';

/** Places as they are left when some images are kept back: not one after the other. */
function places(count: number): Uint32Array {
  return Uint32Array.from({ length: count }, (_, i) => i * 3 + 1);
}

const asked = {
  epochs: 4,
  batchSizes: [10],
  schedule: 'one-cycle',
  learningRate: 0.01,
  plainEpochs: 2,
  averaging: 0.5,
  seed: 7,
} as const;

function planned(
  count: number,
  changed: Partial<Parameters<typeof epochPlans>[1]> = {},
  done = 0,
): EpochPlan[] {
  return [...epochPlans(places(count), { ...asked, ...changed }, done)];
}

const orders = (plans: readonly EpochPlan[]) => plans.map(({ order }) => String(order));

describe('the order of an epoch', () => {
  test('has each image once, in memory that threads share', () => {
    for (const { order } of planned(53)) {
      expect(order.toSorted()).toEqual(places(53));
      expect(order.buffer).toBeInstanceOf(SharedArrayBuffer);
    }
  });

  test('is another in each epoch and with each seed, and the same one for the same seed', () => {
    const [once, other] = [orders(planned(53)), orders(planned(53, { seed: 8 }))];
    expect(new Set([...once, ...other]).size).toBe(8);
    expect(orders(planned(53))).toEqual(once);
  });

  test('does not depend on how it is cut into batches, nor on how many epochs there are', () => {
    const few = orders(planned(53, { epochs: 2, batchSizes: [4, 16] }));
    expect(few).toEqual(orders(planned(53)).slice(0, 2));
  });
});

describe('the epochs', () => {
  test('leave images as they are in the last ones, as many as asked for', () => {
    const plainOf = (plainEpochs: number) => planned(21, { plainEpochs }).map(({ plain }) => plain);
    expect(plainOf(0)).toEqual([false, false, false, false]);
    expect(plainOf(1)).toEqual([false, false, false, true]);
    expect(plainOf(9)).toEqual([true, true, true, true]);
  });

  test('take the batch sizes in turn, and count the steps through', () => {
    const plans = planned(21, { batchSizes: [5, 10] });
    expect(plans.map(({ epoch }) => epoch)).toEqual([1, 2, 3, 4]);
    expect(plans.map(({ batchSize }) => batchSize)).toEqual([5, 5, 10, 10]);
    expect(plans.map(({ firstStep }) => firstStep)).toEqual([0, 5, 10, 13]);
    expect(plans.map(({ learningRates }) => learningRates.length)).toEqual([5, 5, 3, 3]);
    expect(plans.map(({ averagingRates }) => averagingRates.length)).toEqual([5, 5, 3, 3]);
  });

  test.each(schedules)('follow the %s schedule over the steps of all of them', (schedule) => {
    const plans = planned(21, { batchSizes: [5, 10], schedule });
    const rates = plans.flatMap(({ learningRates }) => [...learningRates]);
    expect(rates).toEqual(rates.map((_, step) => Math.fround(rateAt(schedule, step, 16, 0.01))));
  });

  test('move the averages far in the first steps, and by what the decay leaves later on', () => {
    const rates = planned(21, { averaging: 0.5 }).flatMap(({ averagingRates }) => [...averagingRates]);
    expect(rates.slice(0, 3)).toEqual([9 / 10, 9 / 11, 9 / 12].map(Math.fround));
    expect(rates).toEqual(rates.toSorted((a, b) => b - a));
    expect(rates.slice(8)).toEqual([0.5, 0.5, 0.5, 0.5]);

    const all = planned(21, { averaging: 0 }).flatMap(({ averagingRates }) => [...averagingRates]);
    expect(new Set(all)).toEqual(new Set([1]));
  });

  test('that are left after some are done are the same as without the interruption', () => {
    const asked = fc.record({
      epochs: fc.integer({ min: 1, max: 8 }),
      batchSizes: fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 3 }),
      schedule: fc.constantFrom(...schedules),
      averaging: fc.constantFrom(0, 0.5, 0.999),
      seed: fc.nat(),
    });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 60 }), asked, fc.nat(), (count, options, at) => {
        const done = at % (options.epochs + 1);
        const whole = planned(count, options);
        expect(whole).toHaveLength(options.epochs);
        expect(planned(count, options, done)).toEqual(whole.slice(done));
      }),
    );
  });

  test('have no steps more or fewer than their images need', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 1, max: 70 }), (count, batchSize) => {
        const plans = planned(count, { batchSizes: [batchSize] });
        for (const [i, plan] of plans.entries()) {
          expect(plan.learningRates).toHaveLength(stepsOf(plan));
          expect(plan.firstStep).toBe(i * stepsOf(plan));
        }
      }),
    );
  });
});
