import type { StateValues } from './messages.ts';
import type { EpochPlan } from './plan.ts';

/** Runs training steps somewhere. The state is there; `state` and `restore` carry it over. */
export interface Trainer {
  /**
   * Runs the steps of `plan`. `onSteps` is told now and then how many are done, with their figures: loss and accuracy
   * of each step, one after the other. Resolves to all of them; they end with a loss that is not finite if the
   * training diverged. Rejects with the signal's reason soon after it aborts; nothing but `close` may follow then.
   */
  epoch(
    plan: EpochPlan,
    onSteps: (done: number, figures: Float32Array) => void,
    signal: AbortSignal,
  ): Promise<Float32Array>;
  state(): Promise<StateValues>;
  restore(values: StateValues): Promise<void>;
  close(): Promise<void>;
}
