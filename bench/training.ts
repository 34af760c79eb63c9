import type { Variable } from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { augmentations } from '../train/data/augment.ts';
import { buildModel } from '../train/model/presets.ts';
import type { Preset } from '../train/options.ts';
import { Learner } from '../train/step/learner.ts';
import type { EpochPlan, SharedImages } from '../train/step/plan.ts';
import { Threads } from '../train/step/threads.ts';

export interface TrainingOptions {
  readonly preset: Preset;
  readonly batch: number;
  readonly threads: number;
  readonly images: SharedImages;
}

export const CLASSES = 10;
const LEARNING_RATE = 0.001;

/** A network in training with the project's own trainer, as `train/fit.ts` uses it; between measurements it rests. */
export class Training implements AsyncDisposable {
  readonly model: LayersModel;
  readonly draw: Variable;
  readonly learner: Learner;
  readonly #trainer: Threads;
  readonly #options: TrainingOptions;
  #stepsDone = 0;
  #millisecondsPerStep = 0;

  private constructor(
    options: TrainingOptions,
    { model, draw }: { readonly model: LayersModel; readonly draw: Variable },
    learner: Learner,
    trainer: Threads,
  ) {
    this.#options = options;
    this.model = model;
    this.draw = draw;
    this.learner = learner;
    this.#trainer = trainer;
  }

  /** Needs the onnxruntime backend as TensorFlow.js's current one. */
  static async start(options: TrainingOptions): Promise<Training> {
    const { preset, batch, threads, images } = options;
    const built = buildModel({ preset, classes: CLASSES, seed: 1 });
    const learner = new Learner(built.model, { averaging: false });
    const trainer = await Threads.start({
      learner,
      draw: built.draw,
      data: images,
      rows: { classes: CLASSES, seed: 1, augmentation: augmentations.none, labelSmoothing: 0 },
      threads,
      batchSize: batch,
      device: 'cpu',
    });
    return new Training(options, built, learner, trainer);
  }

  /** Images per second over about so many seconds, after a warm-up of a fifth of them. */
  async imagesPerSecond(seconds: number): Promise<number> {
    if (this.#millisecondsPerStep === 0) await this.train(5);
    await this.train(this.#stepsIn(seconds / 5));
    const steps = this.#stepsIn(seconds);
    return (steps * this.#options.batch * 1000) / (await this.train(steps));
  }

  /** Trains so many steps; resolves to the milliseconds that they took. */
  async train(steps: number): Promise<number> {
    const plan = this.#plan(steps);
    const started = performance.now();
    const figures = await this.#trainer.epoch(plan, () => undefined, new AbortController().signal);
    const milliseconds = performance.now() - started;
    if (figures.length !== steps * 2) throw new Error('the training diverged: there is nothing to measure');
    this.#stepsDone += steps;
    this.#millisecondsPerStep = milliseconds / steps;
    return milliseconds;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#trainer.close();
    this.learner.dispose();
    this.model.dispose();
    this.draw.dispose();
  }

  #stepsIn(seconds: number): number {
    return Math.max(3, Math.round((seconds * 1000) / this.#millisecondsPerStep));
  }

  /** The images in turn, going on where the last plan ended. */
  #plan(steps: number): EpochPlan {
    const { batch, images } = this.#options;
    const first = this.#stepsDone * batch;
    const order = new Uint32Array(new SharedArrayBuffer(steps * batch * 4));
    order.forEach((_, place) => {
      order[place] = (first + place) % images.labels.length;
    });
    return {
      epoch: 1,
      order,
      batchSize: batch,
      plain: false,
      firstStep: this.#stepsDone,
      learningRates: new Float32Array(steps).fill(LEARNING_RATE),
      averagingRates: new Float32Array(steps),
    };
  }
}
