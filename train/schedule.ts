export const schedules = ['one-cycle', 'cosine', 'constant'] as const;
/** How the learning rate changes in the course of a training. */
export type Schedule = (typeof schedules)[number];

/**
 * The share of all steps in which the rate rises. In one cycle the long rise is the point: Smith and Topin,
 * "Super-Convergence" (arXiv:1708.07120). The cosine's only spares the first steps, when Adam's averages are of few
 * gradients.
 */
const warmUp = { 'one-cycle': 0.2, cosine: 0.03 } as const;

/** What is left of the peak at the end: no step is for nothing. */
const FLOOR = 0.001;

/**
 * The learning rate at `step` (from 0) of `steps`: above 0, at most `peak`.
 * - `one-cycle` and `cosine`: a rise in a line to the peak, then half a cosine down to nearly nothing (Loshchilov and
 *   Hutter, "SGDR", arXiv:1608.03983, without restarts); they differ in how long the rise is.
 * - `constant`: the peak.
 */
export function rateAt(schedule: Schedule, step: number, steps: number, peak: number): number {
  if (schedule === 'constant') return peak;
  const rise = Math.max(1, Math.round(steps * warmUp[schedule]));
  if (step < rise) return (peak * (step + 1)) / rise;
  const done = (step - rise + 1) / Math.max(1, steps - rise);
  return peak * Math.max(FLOOR, (1 + Math.cos(Math.PI * done)) / 2);
}

/**
 * The batch size of each epoch: those of `plan` in turn, spread evenly. 64, 128, 256 over six epochs is two of each;
 * where it can't be even the earlier ones get more, and of a plan longer than the training only some are used.
 * @throws RangeError for an empty plan.
 */
export function batchSizesOf(plan: readonly number[], epochs: number): number[] {
  if (plan.length === 0) throw new RangeError('the batch sizes have to be one at least, got none');
  return Array.from(
    { length: epochs },
    (_, epoch) => plan[Math.floor((epoch * plan.length) / epochs)] as number,
  );
}
