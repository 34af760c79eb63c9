import { tensor2d } from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { UserError } from '../cli/errors.ts';
import type { Split } from './data/load.ts';
import { shuffled, splitTrain, type TrainSplit } from './data/split.ts';
import { ROW_SIZE } from './model/presets.ts';
import type { TrainOptions } from './options.ts';
import { accuracyOf, answersOf, crossEntropy, inputRows, predict } from './predict.ts';
import type { Epoch } from './records.ts';
import { learningRateAt, ScheduledAdam } from './schedule.ts';

export interface FitOptions extends Pick<TrainOptions, 'epochs' | 'batchSize' | 'learningRate' | 'seed'> {
  readonly classes: number;
  readonly onStep: (step: StepReport) => void;
  readonly signal: AbortSignal;
}

/** How the training goes, after a step. */
export interface StepReport {
  readonly epoch: number;
  readonly imagesDone: number;
  readonly imagesInAll: number;
  /** Mean over the epoch so far. */
  readonly loss: number;
  readonly accuracy: number;
}

/** The training images kept for validation: a twelfth, chosen by a seed of their own, the same ones in every run. */
export function validationSplit(count: number): TrainSplit {
  return splitTrain(count, 1 / 12, 20_240_101);
}

/** Trains `model` (rows [batch, 784] to probabilities [batch, classes]) with Adam; returns how each epoch went. */
export async function fit(model: LayersModel, data: Split, options: FitOptions): Promise<Epoch[]> {
  const { classes, epochs, batchSize, learningRate, seed, onStep, signal } = options;
  const optimizer = new ScheduledAdam(learningRate);
  model.compile({ optimizer, loss: 'categoricalCrossentropy', metrics: ['accuracy'] });

  const { train, validation } = validationSplit(data.count);
  const validationLabels = Uint8Array.from(validation, (place) => data.labels[place] ?? 0);
  const stepsPerEpoch = Math.ceil(train.length / batchSize);
  const history: Epoch[] = [];

  for (let epoch = 1; epoch <= epochs; epoch += 1) {
    const started = performance.now();
    const order = shuffled(train.length, seed + epoch);
    const totals = { loss: 0, right: 0, images: 0 };
    let rate = learningRate;

    for (let step = 0; step < stepsPerEpoch; step += 1) {
      signal.throwIfAborted();
      rate = learningRateAt((epoch - 1) * stepsPerEpoch + step, epochs * stepsPerEpoch, learningRate);
      optimizer.setLearningRate(rate);
      const places = order.subarray(step * batchSize, (step + 1) * batchSize).map((i) => train[i] ?? 0);
      const { loss, accuracy } = await trainStep(model, data, places, classes);
      if (!Number.isFinite(loss)) throw new Diverged(optimizer.iterations);
      totals.loss += loss * places.length;
      totals.right += accuracy * places.length;
      totals.images += places.length;
      onStep({
        epoch,
        imagesDone: (epoch - 1) * train.length + totals.images,
        imagesInAll: epochs * train.length,
        loss: totals.loss / totals.images,
        accuracy: totals.right / totals.images,
      });
    }

    const seconds = (performance.now() - started) / 1000;
    const probabilities = await predict(model, data.images, validation);
    history.push({
      epoch,
      loss: totals.loss / totals.images,
      accuracy: totals.right / totals.images,
      validationLoss: crossEntropy(probabilities, validationLabels, classes),
      validationAccuracy: accuracyOf(answersOf(probabilities, classes), validationLabels),
      learningRate: rate,
      seconds,
      imagesPerSecond: train.length / seconds,
    });
  }
  return history;
}

async function trainStep(model: LayersModel, data: Split, places: Uint32Array, classes: number) {
  const x = tensor2d(inputRows(data.images, places), [places.length, ROW_SIZE]);
  const y = tensor2d(oneHot(data.labels, places, classes), [places.length, classes]);
  const results = await model.trainOnBatch(x, y);
  x.dispose();
  y.dispose();
  const [loss, accuracy] = Array.isArray(results) ? results : [results];
  if (loss === undefined || accuracy === undefined)
    throw new Error('the model was compiled without its metrics');
  return { loss, accuracy };
}

function oneHot(labels: Uint8Array, places: Uint32Array, classes: number): Float32Array {
  const rows = new Float32Array(places.length * classes);
  places.forEach((place, row) => {
    rows[row * classes + (labels[place] ?? 0)] = 1;
  });
  return rows;
}

/** The loss is no longer a number. */
export class Diverged extends UserError {
  constructor(step: number) {
    super(
      `Training diverged: the loss is not a number after step ${step}. ` +
        'Nothing was kept. Use a lower --learning-rate (0.003 works for the presets).',
    );
  }
}
