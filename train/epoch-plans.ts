import { imageSeed } from './data/draws.ts';
import { shuffled } from './data/split.ts';
import type { Hyperparameters } from './options.ts';
import { batchSizesOf, rateAt } from './schedule.ts';
import { type EpochPlan, stepsOf } from './step/plan.ts';

interface PlanOptions
  extends Pick<
    Hyperparameters,
    'epochs' | 'batchSizes' | 'schedule' | 'learningRate' | 'plainEpochs' | 'averaging'
  > {
  readonly seed: number;
}

/**
 * The epochs over the images at the places `train` after the first `done`, decided beforehand, so that a training that
 * is gone on with is no different. Each is made when it is asked for.
 */
export function* epochPlans(
  train: Uint32Array,
  { epochs, batchSizes, schedule, learningRate, plainEpochs, averaging, seed }: PlanOptions,
  done = 0,
): Generator<EpochPlan> {
  const sizes = batchSizesOf(batchSizes, epochs);
  const steps = sizes.reduce((sum, batchSize) => sum + stepsOf({ order: train, batchSize }), 0);
  let firstStep = 0;
  for (const [i, batchSize] of sizes.entries()) {
    const count = stepsOf({ order: train, batchSize });
    const first = firstStep;
    firstStep += count;
    if (i < done) continue;
    const order = new Uint32Array(new SharedArrayBuffer(train.length * 4));
    order.set(shuffled(train.length, imageSeed(seed, i + 1, 0)).map((place) => train[place] as number));
    const each = (value: (step: number) => number) =>
      Float32Array.from({ length: count }, (_, step) => value(first + step));
    yield {
      epoch: i + 1,
      order,
      batchSize,
      plain: i >= epochs - plainEpochs,
      firstStep: first,
      learningRates: each((step) => rateAt(schedule, step, steps, learningRate)),
      averagingRates: each((step) => averagingRateAt(step, averaging)),
    };
  }
}

/** How far the averages move to the weights: all but `decay`, and farther in the first steps, which count for little. */
function averagingRateAt(step: number, decay: number): number {
  return 1 - Math.min(decay, (1 + step) / (10 + step));
}
