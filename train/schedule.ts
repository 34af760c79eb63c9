import { AdamOptimizer } from '@tensorflow/tfjs-core';

/** The share of all steps in which the rate rises. */
const WARM_UP = 0.2;

/**
 * The learning rate at `step` (from 0) of `steps`: a linear rise to `peak`, then half a cosine down to nearly
 * nothing, as in one cycle of Smith and Topin, "Super-Convergence" (arXiv:1708.07120).
 */
export function learningRateAt(step: number, steps: number, peak: number): number {
  const rise = Math.max(1, Math.round(steps * WARM_UP));
  if (step < rise) return (peak * (step + 1)) / rise;
  const done = (step - rise + 1) / Math.max(1, steps - rise);
  return peak * Math.max(0.001, (1 + Math.cos(Math.PI * done)) / 2);
}

/** Adam whose learning rate can be set between steps, which TensorFlow.js keeps to itself. */
export class ScheduledAdam extends AdamOptimizer {
  constructor(learningRate: number) {
    super(learningRate, 0.9, 0.999, 1e-7);
  }

  setLearningRate(learningRate: number): void {
    this.learningRate = learningRate;
  }
}
