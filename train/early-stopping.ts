import { z } from 'zod';

/** What a training has come to so far, as plain JSON: one that goes on from it decides as if it had not stopped. */
export const stoppingStateSchema = z.strictObject({
  /** The last epoch seen; 0 before the first. */
  epoch: z.int().min(0),
  /** Null until an epoch had a score that is a number. */
  best: z.strictObject({ epoch: z.int().min(1), score: z.number() }).nullable(),
});
export type StoppingState = z.infer<typeof stoppingStateSchema>;

/** Says when to stop: once `patience` epochs in a row brought nothing better. */
export class EarlyStopping {
  readonly #patience: number;
  #state: StoppingState;

  /**
   * @param patience epochs; with 0 it never says `stop`, and only remembers the best
   * @param state of the training that this one goes on with
   */
  constructor(patience: number, state: StoppingState = { epoch: 0, best: null }) {
    this.#patience = patience;
    this.#state = state;
  }

  /**
   * Call it after each epoch (from 1). Higher scores are better: validation accuracy, or the loss negated. An equal
   * one is not better, and one that is not a finite number never is.
   */
  seen(epoch: number, score: number): 'better' | 'worse' | 'stop' {
    const { best } = this.#state;
    const better = Number.isFinite(score) && (best === null || score > best.score);
    this.#state = { epoch, best: better ? { epoch, score } : best };
    if (better) return 'better';
    return this.stopped ? 'stop' : 'worse';
  }

  /** Whether patience is at an end. */
  get stopped(): boolean {
    const { epoch, best } = this.#state;
    return this.#patience > 0 && epoch - (best?.epoch ?? 0) >= this.#patience;
  }

  /** The best epoch so far, the earliest of equal ones. */
  get best(): StoppingState['best'] {
    return this.#state.best;
  }

  get state(): StoppingState {
    return this.#state;
  }
}
