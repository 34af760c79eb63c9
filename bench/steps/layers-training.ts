import { type Tensor, tensor2d, type Variable } from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { augmentations } from '../../train/data/augment.ts';
import { buildModel, ROW_SIZE } from '../../train/model/presets.ts';
import { RowMaker } from '../../train/step/rows.ts';
import { CLASSES, type TrainingOptions } from '../training.ts';

/** A network in training as any program in TensorFlow.js does it: the backend records each step anew, in this thread. */
export class LayersTraining implements Disposable {
  readonly #model: LayersModel;
  readonly #draw: Variable;
  readonly #x: Tensor;
  readonly #y: Tensor;

  constructor({ preset, batch, images }: Omit<TrainingOptions, 'threads'>) {
    const { model, draw } = buildModel({ preset, classes: CLASSES, seed: 1 });
    const augmentation = augmentations.none;
    const maker = new RowMaker(images, { classes: CLASSES, seed: 1, augmentation, labelSmoothing: 0 });
    const places = Uint32Array.from({ length: batch }, (_, place) => place % images.labels.length);
    this.#model = model;
    this.#draw = draw;
    this.#x = tensor2d(maker.inputs(places, { epoch: 1, plain: true }), [batch, ROW_SIZE]);
    this.#y = tensor2d(maker.answers(places), [batch, CLASSES]);
    model.compile({ optimizer: 'adam', loss: 'categoricalCrossentropy' });
  }

  /** Trains so many steps on one batch; resolves to the milliseconds that they took. */
  async train(steps: number): Promise<number> {
    const started = performance.now();
    for (let step = 0; step < steps; step += 1) await this.#model.trainOnBatch(this.#x, this.#y);
    return performance.now() - started;
  }

  [Symbol.dispose](): void {
    this.#model.dispose();
    for (const tensor of [this.#x, this.#y, this.#draw]) tensor.dispose();
  }
}
