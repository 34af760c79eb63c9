import { batchRows, type EpochPlan } from './step/plan.ts';

/** Loss and accuracy over the images of an epoch that are done. */
export class RunningMeans {
  readonly #plan: EpochPlan;
  #steps = 0;
  #loss = 0;
  #accuracy = 0;
  images = 0;

  constructor(plan: EpochPlan) {
    this.#plan = plan;
  }

  /** Takes in the steps up to `done`; false if there is none that is new. */
  add(figures: Float32Array, done: number): boolean {
    if (done <= this.#steps) return false;
    for (; this.#steps < done; this.#steps += 1) {
      const rows = batchRows(this.#plan, this.#steps);
      this.#loss += (figures[this.#steps * 2] as number) * rows;
      this.#accuracy += (figures[this.#steps * 2 + 1] as number) * rows;
      this.images += rows;
    }
    return true;
  }

  get values() {
    return { loss: this.#loss / this.images, accuracy: this.#accuracy / this.images };
  }
}
