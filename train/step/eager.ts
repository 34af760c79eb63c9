import { type Scalar, scalar, tensor1d, tensor2d, tidy, type Variable } from '@tensorflow/tfjs-core';
import type { Learner } from './learner.ts';
import type { StateValues } from './messages.ts';
import { type EpochPlan, partOf, type RowOptions, type SharedImages, stepsOf } from './plan.ts';
import { RowMaker } from './rows.ts';
import type { Trainer } from './trainer.ts';

/** Runs the steps kernel by kernel in this thread, on whatever TensorFlow.js's backend is. */
export class Eager implements Trainer {
  readonly #learner: Learner;
  readonly #draw: Variable;
  readonly #maker: RowMaker;
  readonly #classes: number;

  constructor(learner: Learner, draw: Variable, data: SharedImages, rows: RowOptions) {
    this.#learner = learner;
    this.#draw = draw;
    this.#maker = new RowMaker(data, rows);
    this.#classes = rows.classes;
  }

  async epoch(
    plan: EpochPlan,
    onSteps: (done: number, figures: Float32Array) => void,
    signal: AbortSignal,
  ): Promise<Float32Array> {
    const figures = new Float32Array(stepsOf(plan) * 2);
    for (let step = 0; step < stepsOf(plan); step += 1) {
      signal.throwIfAborted();
      const result = this.#step(plan, step);
      figures.set(await result.data(), step * 2);
      result.dispose();
      onSteps(step + 1, figures);
      if (!Number.isFinite(figures[step * 2])) return figures.slice(0, (step + 1) * 2);
    }
    return figures;
  }

  state(): Promise<StateValues> {
    return this.#learner.read();
  }

  async restore(values: StateValues): Promise<void> {
    this.#learner.write(values);
  }

  async close(): Promise<void> {}

  #step(plan: EpochPlan, step: number) {
    const { start, rows } = partOf(plan, step, 0, 1);
    const places = plan.order.subarray(start, start + rows);
    return tidy(() => {
      this.#draw.assign(tensor1d([plan.firstStep + step, 0], 'int32'));
      const inputs = this.#maker.inputs(places, plan);
      const x = tensor2d(inputs, [rows, inputs.length / rows]);
      const y = tensor2d(this.#maker.answers(places), [rows, this.#classes]);
      const rate = (of: Float32Array): Scalar => scalar(of[step] as number);
      const sums = this.#learner.gradients({ x, y, share: scalar(1) });
      this.#learner.update(sums, rate(plan.learningRates), rate(plan.averagingRates));
      return sums.figures;
    });
  }
}
