import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Checkpoints } from './checkpoint.ts';
import type { Split } from './data/load.ts';
import { syntheticDigits } from './data/synthetic.ts';
import { startEngine } from './engine.ts';
import { contractCheckOf, contractOf, ExportedModel, parityOf, toOnnx } from './export.ts';
import { Diverged, type FitOptions, fit as fitModel, type StepReport } from './fit.ts';
import { loadModel, saveModel } from './model/file.ts';
import { buildModel } from './model/presets.ts';
import { type Preset, presets, trainOptions } from './options.ts';
import { accuracyOf, allOf, answersOf, predict } from './predict.ts';

const { train, test: held } = syntheticDigits({ seed: 3, train: 1200, test: 200 });
const classes = 10;
const folder = mkdtempSync(join(tmpdir(), 'fit-'));
let folders = 0;

/** Enough for what does not depend on how well it learns: 240 images to train on, 22 to validate. */
const few = { data: firstOf(train, 262), batchSizes: [40] } as const;
/** As few, and the least that trains at all. */
const least = { ...few, preset: 'fast', threads: 1 } as const;

function firstOf({ images, labels }: Split, count: number): Split {
  return { images: images.subarray(0, count * 784), labels: labels.subarray(0, count), count };
}

beforeAll(() => startEngine('cpu'));
afterAll(() => rmSync(folder, { recursive: true }));

function newFolder(): string {
  folders += 1;
  return join(folder, String(folders));
}

interface Asked extends Partial<FitOptions> {
  readonly preset?: Preset;
  readonly data?: Split;
  readonly directory?: string;
}

async function trained({ preset = 'default', data = train, directory = newFolder(), ...asked }: Asked = {}) {
  const seed = asked.seed ?? 5;
  const built = buildModel({ preset, classes, seed });
  const options: FitOptions = {
    ...trainOptions({ preset, seed, device: 'cpu', threads: 2 }),
    device: 'cpu',
    epochs: 1,
    batchSizes: [100],
    learningRate: 0.002,
    averaging: 0,
    augment: 'none',
    classes,
    checkpoints: new Checkpoints(directory, { keep: 2 }),
    onResume: () => {},
    onStep: () => {},
    signal: new AbortController().signal,
    ...asked,
  };
  return { model: built.model, ...(await fitModel(built, data, options)) };
}

type History = Awaited<ReturnType<typeof trained>>['history'];

/** What doesn't depend on the clock. */
const curve = (history: History) =>
  history.map(({ seconds: _s, imagesPerSecond: _i, ...figures }) => figures);

const weightsOf = async ({ model }: Pick<Awaited<ReturnType<typeof trained>>, 'model'>) =>
  Buffer.from((await saveModel(model)).weights).toString('base64');

async function accuracy({ model }: Pick<Awaited<ReturnType<typeof trained>>, 'model'>): Promise<number> {
  return accuracyOf(answersOf(await predict(model, held.images, allOf(held.count)), classes), held.labels);
}

describe('the presets', () => {
  const weights: Record<Preset, number> = {
    fast: 111_386,
    default: 225_034,
    accurate: 358_938,
    seed: 804_554,
    'mnist-node': 594_922,
  };

  test.each(presets)('%s has the weights it is said to have', (preset) => {
    expect(buildModel({ preset, classes, seed: 1 }).model.countParams()).toBe(weights[preset]);
  });

  test.each(presets)('%s trains, and answers with probabilities', async (preset) => {
    const { model } = await trained({ preset, data: firstOf(train, 52), batchSizes: [16], threads: 1 });
    const probabilities = await predict(model, held.images, allOf(3));
    for (const row of [0, 1, 2]) {
      const sum = probabilities
        .subarray(row * classes, (row + 1) * classes)
        .reduce((total, p) => total + p, 0);
      expect(sum).toBeCloseTo(1, 5);
    }
  });
});

describe('training', () => {
  test('learns', async () => {
    const result = await trained({ epochs: 3 });
    expect(result.history.map(({ epoch }) => epoch)).toEqual([1, 2, 3]);
    expect(result.history[2]?.loss).toBeLessThan((result.history[0]?.loss ?? 0) / 2);
    expect(await accuracy(result)).toBeGreaterThan(0.8);
  });

  test('learns with all that may be asked for, too', async () => {
    const result = await trained({
      preset: 'fast',
      epochs: 3,
      batchSizes: [50, 100],
      schedule: 'cosine',
      augment: 'light',
      labelSmoothing: 0.1,
      classWeights: 'balanced',
      clipNorm: 1,
      averaging: 0.9,
    });
    expect(await accuracy(result)).toBeGreaterThan(0.8);
  });

  test('has the same curve and the same weights twice for one seed, and others for another', async () => {
    const asked = { ...few, augment: 'full' } as const;
    const [once, twice] = [await trained(asked), await trained(asked)];
    expect(curve(twice.history)).toEqual(curve(once.history));
    expect(await weightsOf(twice)).toBe(await weightsOf(once));
    expect(await weightsOf(await trained({ ...asked, seed: 6 }))).not.toBe(await weightsOf(once));
  });

  describe('with another value', () => {
    let plain: string;
    beforeAll(async () => {
      plain = await weightsOf(await trained(least));
    });

    test.each([
      ['the batch sizes', { batchSizes: [20] }],
      ['the schedule', { schedule: 'constant' }],
      ['the augmentation', { augment: 'light' }],
      ['label smoothing', { labelSmoothing: 0.2 }],
      ['the longest gradient', { clipNorm: 0.01 }],
      ['the average of the weights', { averaging: 0.9 }],
    ] as const)('for %s comes to something else', async (_, asked) => {
      expect(await weightsOf(await trained({ ...least, ...asked }))).not.toBe(plain);
    });
  });

  test('lets rare classes count for more where that is asked for', async () => {
    // Of the first class nearly none is left.
    const places = [...train.labels.keys()].filter((i) => train.labels[i] !== 0 || i < 100);
    const data = {
      images: Uint8Array.from(places.flatMap((i) => [...train.images.subarray(i * 784, (i + 1) * 784)])),
      labels: Uint8Array.from(places, (i) => train.labels[i] ?? 0),
      count: places.length,
    };
    const zeros = async (classWeights: 'none' | 'balanced') => {
      const { model } = await trained({ preset: 'fast', data, classWeights, epochs: 2 });
      const answers = answersOf(await predict(model, held.images, allOf(held.count)), classes);
      return answers.filter((answer) => answer === 0).length;
    };
    expect(await zeros('balanced')).toBeGreaterThan(await zeros('none'));
  });

  test('keeps no tensors and no memory from step to step', async () => {
    const tensors: number[] = [];
    const bytes: number[] = [];
    await trained({
      ...few,
      epochs: 2,
      onStep: () => {
        tensors.push(tf.memory().numTensors);
        bytes.push(tf.memory().numBytes);
      },
    });
    expect(tensors.length).toBeGreaterThan(1);
    expect(new Set(tensors).size).toBe(1);
    expect(new Set(bytes).size).toBe(1);
  });

  test('reports its progress with the means so far', async () => {
    const steps: StepReport[] = [];
    const { history } = await trained({ onStep: (step) => steps.push(step) });
    expect(steps.length).toBeGreaterThan(1);
    expect(steps.at(-1)).toMatchObject({
      epoch: 1,
      imagesDone: 1100,
      imagesInAll: 1100,
      loss: history[0]?.loss,
    });
  });

  test('ends soon when it is interrupted', async () => {
    const controller = new AbortController();
    let seen = 0;
    const run = trained({
      epochs: 50,
      batchSizes: [20],
      signal: controller.signal,
      onStep: ({ imagesDone }) => {
        seen = imagesDone;
        controller.abort();
      },
    });
    await expect(run).rejects.toThrow(/abort/i);
    expect(seen).toBeLessThan(1100 * 5);
  });

  test('that diverges says so and what to do', async () => {
    const run = trained({ learningRate: 1e30 });
    await expect(run).rejects.toThrow(Diverged);
    await expect(run).rejects.toThrow(/--learning-rate 3e\+29/);
  });

  test('stops when nothing gets better, with the weights of the best epoch', async () => {
    const asked = { ...least, learningRate: 0.01, schedule: 'constant' } as const;
    const result = await trained({ ...asked, epochs: 40, patience: 2 });
    const scores = result.history.map(({ validationAccuracy }) => validationAccuracy);
    expect(result.history.length).toBeLessThan(40);
    expect(result.epoch).toBe(result.history.length - 2);
    expect(scores[result.epoch - 1]).toBe(Math.max(...scores));
    const asLong = await trained({ ...asked, epochs: result.epoch });
    expect(await weightsOf(result)).toBe(await weightsOf(asLong));
  });
});

describe('a training that was interrupted', () => {
  const asked = {
    ...few,
    batchSizes: [8],
    epochs: 3,
    averaging: 0.9,
    augment: 'light',
    patience: 3,
  } as const;
  const interrupted = newFolder();
  let whole: Awaited<ReturnType<typeof trained>>;

  beforeAll(async () => {
    whole = await trained(asked);
    const controller = new AbortController();
    const onStep = ({ epoch }: StepReport) => epoch === 2 && controller.abort();
    const run = trained({ ...asked, directory: interrupted, onStep, signal: controller.signal });
    await expect(run).rejects.toThrow(/abort/i);
  });

  test.each([
    ['goes on from its checkpoint to the same bits', 2],
    ['goes on with as many threads as it began with, whatever is asked for then', 1],
  ])('%s', async (_, threads) => {
    const directory = newFolder();
    cpSync(interrupted, directory, { recursive: true });
    const resumed: number[] = [];
    const again = await trained({ ...asked, threads, directory, onResume: (epoch) => resumed.push(epoch) });

    // Where epochs are short, the second one may have been over before it could be stopped.
    expect([[1], [2]]).toContainEqual(resumed);
    expect(again.threads).toBe(2);
    expect(await weightsOf(again)).toBe(await weightsOf(whole));
    expect(curve(again.history)).toEqual(curve(whole.history));
  });
});

describe('a trained model', () => {
  let model: LayersModel;
  let probabilities: Float32Array;
  beforeAll(async () => {
    ({ model } = await trained());
    probabilities = await predict(model, held.images, allOf(held.count));
  });

  test('answers as before once it is exported, alone and in batches, and keeps its contract', async () => {
    const exported = await ExportedModel.open(await toOnnx(await saveModel(model)));

    const parity = await parityOf(exported, held.images, probabilities, classes);
    expect(parity).toMatchObject({ images: 200, differentAnswers: 0 });
    expect(parity.largestDifference).toBeLessThan(1e-5);
    expect(parity.largestDifference).toBeGreaterThan(0);

    const lone = await exported.answer(Float32Array.from(held.images.subarray(0, 784), (grey) => grey / 255));
    for (const [i, value] of lone.entries()) expect(value).toBeCloseTo(probabilities[i] ?? Number.NaN, 5);
    expect(await contractCheckOf(exported, contractOf(classes))).toEqual({ rows: 200, failures: [] });
    await exported.close();
  });

  test('is told from another one that was exported', async () => {
    const other = buildModel({ preset: 'default', classes, seed: 9 });
    const exported = await ExportedModel.open(await toOnnx(await saveModel(other.model)));
    const parity = await parityOf(exported, held.images, probabilities, classes);
    expect(parity.largestDifference).toBeGreaterThan(1e-3);
    await exported.close();
  });

  test('is exported byte for byte the same each time', async () => {
    const file = await saveModel(model);
    expect(Buffer.from(await toOnnx(file)).equals(Buffer.from(await toOnnx(file)))).toBe(true);
  });

  test('gives the same answers when it is saved and loaded again', async () => {
    const again = await loadModel(await saveModel(model));
    expect(await predict(again, held.images, allOf(held.count))).toEqual(probabilities);
  });

  test('is saved with dropout named as the standard layer, so that it opens anywhere', async () => {
    const { json } = await saveModel(model);
    expect(Buffer.from(json).toString()).toContain('"class_name":"Dropout"');
  });
});
