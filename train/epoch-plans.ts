import { shuffled } from './data/split.ts';
import type { Hyperparameters } from './options.ts';
import { batchSizesOf, rateAt } from './schedule.ts';
import { type EpochPlan, stepsOf } from './step/plan.ts';

interface PlanOptions
  extends Pick<Hyperparameters, 'epochs' | 'batchSizes' | 'schedule' | 'learningRate' | 'averaging'> {
  readonly seed: number;
}

/**
 * All epochs over the images at the places `train`, decided beforehand, so that a training that is gone on with is no
 * different.
 */
export function epochPlans(
  train: Uint32Array,
  { epochs, batchSizes, schedule, learningRate, averaging, seed }: PlanOptions,
): EpochPlan[] {
  const sizes = batchSizesOf(batchSizes, epochs);
  const counts = sizes.map((batchSize) => stepsOf({ order: train, batchSize }));
  const steps = counts.reduce((sum, count) => sum + count, 0);
  let firstStep = 0;
  return sizes.map((batchSize, i) => {
    const first = firstStep;
    const count = counts[i] as number;
    firstStep += count;
    const order = new Uint32Array(new SharedArrayBuffer(train.length * 4));
    order.set(shuffled(train.length, seed + i + 1).map((place) => train[place] as number));
    const each = (value: (step: number) => number) =>
      Float32Array.from({ length: count }, (_, step) => value(first + step));
    return {
      epoch: i + 1,
      order,
      batchSize,
      firstStep: first,
      learningRates: each((step) => rateAt(schedule, step, steps, learningRate)),
      averagingRates: each((step) => averagingRateAt(step, averaging)),
    };
  });
}

/** How far the averages move to the weights: all but `decay`, and farther in the first steps, which count for little. */
function averagingRateAt(step: number, decay: number): number {
  return 1 - Math.min(decay, (1 + step) / (10 + step));
}
