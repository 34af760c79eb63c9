import { availableParallelism } from 'node:os';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { z } from 'zod';
import { UserError } from '../cli/errors.ts';
import type { Checkpoints } from './checkpoint.ts';
import { augmentations } from './data/augment.ts';
import { balancedWeights } from './data/labels.ts';
import type { Split } from './data/load.ts';
import { splitTrain, type TrainSplit } from './data/split.ts';
import { EarlyStopping, stoppingStateSchema } from './early-stopping.ts';
import type { StartedEngine } from './engine.ts';
import { epochPlans } from './epoch-plans.ts';
import type { BuiltModel } from './model/presets.ts';
import type { TrainOptions } from './options.ts';
import { accuracyOf, answersOf, crossEntropy, predict } from './predict.ts';
import { type Epoch, epochSchema } from './records.ts';
import { RunningMeans } from './running-means.ts';
import { Eager } from './step/eager.ts';
import { Learner } from './step/learner.ts';
import type { StateValues } from './step/messages.ts';
import { type EpochPlan, inSharedMemory, type RowOptions, type SharedImages } from './step/plan.ts';
import { Threads } from './step/threads.ts';
import type { Trainer } from './step/trainer.ts';

export interface FitOptions extends Omit<TrainOptions, 'preset' | 'device'> {
  readonly classes: number;
  /** What TensorFlow.js runs on already. */
  readonly device: StartedEngine['name'];
  /** Where an interrupted training goes on from. */
  readonly checkpoints: Checkpoints;
  /** Told when it goes on with an interrupted training, of which `epoch` is done. */
  readonly onResume: (epoch: number) => void;
  readonly onStep: (step: StepReport) => void;
  readonly signal: AbortSignal;
}

/** How the training goes. */
export interface StepReport {
  readonly epoch: number;
  readonly imagesDone: number;
  readonly imagesInAll: number;
  /** Mean over the epoch so far. */
  readonly loss: number;
  readonly accuracy: number;
}

export interface Fitted {
  readonly history: readonly Epoch[];
  /** The epoch whose weights the model has now. */
  readonly epoch: number;
  readonly threads: number;
}

/** The training images kept for validation: a twelfth, chosen by a seed of their own, the same ones in every run. */
export function validationSplit(count: number): TrainSplit {
  return splitTrain(count, 1 / 12, 20_240_101);
}

const progressSchema = z.strictObject({
  history: z.array(epochSchema),
  stopping: stoppingStateSchema,
  threads: z.int().min(1),
});

/** Trains the model, epoch by epoch, or goes on from the last checkpoint; the model has the result's weights then. */
export async function fit({ model, draw }: BuiltModel, data: Split, options: FitOptions): Promise<Fitted> {
  const { checkpoints, signal, classes } = options;
  const { train, validation } = validationSplit(data.count);
  const shared = inSharedMemory(data);
  const rows = rowOptions(data.labels, train, options);
  const learner = new Learner(model, {
    clipNorm: options.clipNorm > 0 ? options.clipNorm : undefined,
    averaging: options.averaging > 0,
  });
  const saved = await checkpoints.latest();
  const progress = saved && progressSchema.parse(saved.progress);
  const history: Epoch[] = progress?.history ?? [];
  const stopping = new EarlyStopping(options.patience, progress?.stopping);
  // As many as before, wherever it goes on: the sums of other parts come to other bits.
  const threads = progress?.threads ?? threadsOf(options);
  const trainer = await startTrainer(learner, { model, draw }, shared, rows, { ...options, threads });
  try {
    if (saved !== undefined) {
      learner.write(saved.tensors); // checks that it is a state of this model
      await trainer.restore(saved.tensors);
      options.onResume(saved.epoch);
    }

    for (const plan of epochPlans(train, options, history.length)) {
      if (stopping.stopped) break;
      const started = performance.now();
      const { loss, accuracy } = await epochFigures(trainer, plan, train.length, options);
      const seconds = (performance.now() - started) / 1000;

      const state = await trainer.state();
      const validated = await validate(learner, state, { model, data, places: validation, classes });
      if (!Number.isFinite(validated.validationLoss)) throw new Diverged(plan, plan.learningRates.length);
      history.push({
        epoch: plan.epoch,
        loss,
        accuracy,
        ...validated,
        learningRate: plan.learningRates.at(-1) ?? 0,
        seconds,
        imagesPerSecond: train.length / seconds,
      });
      stopping.seen(plan.epoch, validated.validationAccuracy);
      await checkpoints.save({
        epoch: plan.epoch,
        score: validated.validationAccuracy,
        progress: { history, stopping: stopping.state, threads },
        tensors: state,
      });
      signal.throwIfAborted();
    }

    const kept = options.patience > 0 ? await checkpoints.best() : undefined;
    learner.write(kept?.tensors ?? (await trainer.state()));
    learner.takeAverages();
    return { history, epoch: kept?.epoch ?? history.length, threads };
  } finally {
    await trainer.close();
    learner.dispose();
  }
}

interface Validation {
  readonly model: LayersModel;
  readonly data: Split;
  readonly places: Uint32Array;
  readonly classes: number;
}

/** How the model does with the weights of `state`, or with their averages where they are kept. */
async function validate(
  learner: Learner,
  state: StateValues,
  { model, data, places, classes }: Validation,
): Promise<Pick<Epoch, 'validationLoss' | 'validationAccuracy'>> {
  learner.write(state);
  learner.takeAverages();
  const probabilities = await predict(model, data.images, places);
  learner.write(state);
  const labels = Uint8Array.from(places, (place) => data.labels[place] ?? 0);
  return {
    validationLoss: crossEntropy(probabilities, labels, classes),
    validationAccuracy: accuracyOf(answersOf(probabilities, classes), labels),
  };
}

async function startTrainer(
  learner: Learner,
  { draw }: BuiltModel,
  data: SharedImages,
  rows: RowOptions,
  { device, threads, batchSizes }: FitOptions & { readonly threads: number },
): Promise<Trainer> {
  if (device === 'tensorflow') return new Eager(learner, draw, data, rows);
  return Threads.start({
    learner,
    draw,
    data,
    rows,
    threads,
    batchSize: Math.max(...batchSizes),
    device,
  });
}

/** With fewer rows, a thread waits for the others more than it works. */
const ROWS_PER_THREAD = 16;

function threadsOf({ threads, batchSizes, device }: FitOptions): number {
  if (device !== 'cpu') return 1; // a GPU is best filled by one
  const busy = Math.max(1, Math.floor(Math.max(...batchSizes) / ROWS_PER_THREAD));
  return threads === 'auto' ? Math.min(availableParallelism(), busy) : threads;
}

async function epochFigures(
  trainer: Trainer,
  plan: EpochPlan,
  images: number,
  { epochs, onStep, signal }: FitOptions,
): Promise<{ loss: number; accuracy: number }> {
  const means = new RunningMeans(plan);
  const report = (done: number, figures: Float32Array) => {
    if (!means.add(figures, done)) return;
    onStep({
      epoch: plan.epoch,
      imagesDone: (plan.epoch - 1) * images + means.images,
      imagesInAll: epochs * images,
      ...means.values,
    });
  };
  const figures = await trainer.epoch(plan, report, signal);
  report(figures.length / 2, figures);
  if (!Number.isFinite(figures.at(-2) ?? Number.NaN)) throw new Diverged(plan, figures.length / 2);
  return means.values;
}

function rowOptions(labels: Uint8Array, train: Uint32Array, options: FitOptions): RowOptions {
  const { classes, seed, augment, labelSmoothing, classWeights } = options;
  const learned = Uint8Array.from(train, (place) => labels[place] ?? 0);
  return {
    classes,
    seed,
    augmentation: augmentations[augment],
    labelSmoothing,
    classWeights: classWeights === 'balanced' ? balancedWeights(learned, classes) : undefined,
  };
}

/** The loss is no longer a number. */
export class Diverged extends UserError {
  override readonly name = 'Diverged';
  constructor({ firstStep, learningRates }: EpochPlan, steps: number) {
    const rate = Math.max(...learningRates);
    super(
      `Training diverged: the loss is not a number after step ${firstStep + steps}. ` +
        `Try a third of the learning rate, which was ${rate.toPrecision(2)} here: --learning-rate ${(rate / 3).toPrecision(1)}`,
    );
  }
}
