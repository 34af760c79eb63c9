import { once } from 'node:events';
import type { Worker } from 'node:worker_threads';
import { memory, removeBackend, setBackend, tensor1d, type Variable, variable } from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { initializers, type LayersModel, layers, regularizers, sequential } from '@tensorflow/tfjs-layers';
import { afterEach, describe, expect, test } from 'vitest';
import { BACKEND_NAME, useOnnxRuntime } from '../backend/register.ts';
import { augmentations } from '../data/augment.ts';
import { SeededDropout } from '../model/dropout.ts';
import { Eager } from './eager.ts';
import { Learner, type LearnerOptions } from './learner.ts';
import type { StateValues } from './messages.ts';
import type { EpochPlan, RowOptions, SharedImages } from './plan.ts';
import { Threads } from './threads.ts';
import type { Trainer } from './trainer.ts';

const SIDE = 6;
const CLASSES = 3;
const rows: RowOptions = { classes: CLASSES, seed: 1, augmentation: augmentations.none, labelSmoothing: 0.1 };
const never = new AbortController().signal;

function sharedImages(count: number): SharedImages {
  const images = new Uint8Array(new SharedArrayBuffer(count * SIDE * SIDE));
  const labels = new Uint8Array(new SharedArrayBuffer(count));
  for (let i = 0; i < count; i += 1) {
    labels[i] = i % CLASSES;
    for (let p = 0; p < SIDE * SIDE; p += 1)
      images[i * SIDE * SIDE + p] = (p * 7 + i * 13 + (i % CLASSES) * 40) % 256;
  }
  return { images, labels };
}

function plan(count: number, batchSize: number, epoch = 1): EpochPlan {
  const order = new Uint32Array(new SharedArrayBuffer(count * 4)).map((_, i) => (i * 5) % count);
  const steps = Math.ceil(count / batchSize);
  return {
    epoch,
    order,
    batchSize,
    firstStep: (epoch - 1) * steps,
    learningRates: new Float32Array(steps).fill(0.01),
    plain: false,
    averagingRates: new Float32Array(steps).fill(0.25),
  };
}

interface Network {
  readonly model: LayersModel;
  readonly draw: Variable;
}

/** One of each kind of layer that a step has to treat with care: moving averages, a penalty, dropout. */
function network({ dropout = true, norm = true } = {}): Network {
  const draw = variable(tensor1d([0, 0], 'int32'), false);
  const seeded = (seed: number) => initializers.glorotUniform({ seed });
  const model = sequential({
    layers: [
      layers.reshape({ inputShape: [SIDE * SIDE], targetShape: [SIDE, SIDE, 1] }),
      // Before the convolution: after it, the gradient of its bias would be nothing but rounding.
      ...(norm ? [layers.batchNormalization({ name: 'norm' })] : []),
      layers.conv2d({
        filters: 4,
        kernelSize: 3,
        activation: 'relu',
        kernelInitializer: seeded(1),
        name: 'conv',
      }),
      layers.maxPooling2d({ poolSize: 2 }),
      layers.flatten(),
      ...(dropout ? [new SeededDropout({ name: 'dropout', rate: 0.3, seed: 9, draw })] : []),
      layers.dense({
        units: CLASSES,
        activation: 'softmax',
        kernelInitializer: seeded(2),
        kernelRegularizer: regularizers.l2({ l2: 0.01 }),
        name: 'dense',
      }),
    ],
  });
  return { model, draw };
}

const learning: LearnerOptions = { averaging: true, clipNorm: 0.5 };
const open: Trainer[] = [];

async function threads(
  count: number,
  data: SharedImages,
  { model, draw }: Network,
  batchSize = 8,
): Promise<Threads> {
  await useOnnxRuntime({ threads: 1 });
  const started = await Threads.start({
    learner: new Learner(model, learning),
    draw,
    data,
    rows,
    threads: count,
    batchSize,
    device: 'cpu',
  });
  open.push(started);
  return started;
}

afterEach(async () => {
  await Promise.all(open.splice(0).map((trainer) => trainer.close()));
  removeBackend(BACKEND_NAME);
});

/** Epochs over the same images. */
function plans(epochs: number, images = 40, batchSize = 8): EpochPlan[] {
  return Array.from({ length: epochs }, (_, i) => plan(images, batchSize, i + 1));
}

async function trained(
  count: number,
  epochs: readonly EpochPlan[],
  kind: Parameters<typeof network>[0] = {},
) {
  const images = Math.max(...epochs.map(({ order }) => order.length));
  const batchSize = Math.max(...epochs.map((epoch) => epoch.batchSize));
  const trainer = await threads(count, sharedImages(images), network(kind), batchSize);
  const figures: Float32Array[] = [];
  for (const epoch of epochs) figures.push(await trainer.epoch(epoch, () => {}, never));
  return { state: await trainer.state(), figures };
}

function expectSameCurve(
  actual: readonly Float32Array[],
  expected: readonly Float32Array[],
  digits: number,
): void {
  expect(actual.map(({ length }) => length)).toEqual(expected.map(({ length }) => length));
  actual.forEach((epoch, which) => {
    epoch.forEach((figure, i) => {
      expect(figure).toBeCloseTo(expected[which]?.[i] ?? Number.NaN, digits);
    });
  });
}

function expectClose(actual: StateValues, expected: StateValues, tolerance: number): void {
  expect([...actual.keys()]).toEqual([...expected.keys()]);
  for (const [name, { data }] of expected) {
    const scale = Math.max(1, ...Array.from(data, Math.abs));
    const got = actual.get(name)?.data ?? [];
    data.forEach((value, i) => {
      const difference = Math.abs((got[i] as number) - value);
      if (!(difference <= tolerance * scale)) expect.fail(`${name}[${i}]: ${got[i]} instead of ${value}`);
    });
  }
}

describe('training in threads', () => {
  test('comes to what TensorFlow.js comes to, kernel by kernel, on its own backend', async () => {
    const { state, figures } = await trained(1, plans(2), { dropout: false });

    await setBackend('cpu');
    const { model, draw } = network({ dropout: false });
    const eager = new Eager(new Learner(model, learning), draw, sharedImages(40), rows);
    const expected: Float32Array[] = [];
    for (const epoch of plans(2)) expected.push(await eager.epoch(epoch, () => {}, never));

    expectClose(state, await eager.state(), 1e-4);
    expectSameCurve(figures, expected, 4);
  });

  test('learns: the loss falls, and the moving averages of batch normalization move', async () => {
    const { state, figures } = await trained(2, plans(12));
    const losses = figures.map((epoch) =>
      epoch.filter((_, i) => i % 2 === 0).reduce((sum, loss) => sum + loss, 0),
    );
    expect(losses.at(-1)).toBeLessThan((losses[0] ?? 0) * 0.8);
    expect(state.get('norm/moving_mean')?.data.some((value) => value !== 0)).toBe(true);
    expect(state.get('norm/moving_variance')?.data.some((value) => value !== 1)).toBe(true);
  });

  test('the statistics of batch normalization, and their averages, are the mean over the threads', async () => {
    const four = plan(4, 4);
    const twice = { ...plan(8, 8), order: Uint32Array.of(...four.order, ...four.order) };
    const [one, two] = [
      await trained(1, [four, four], { dropout: false }),
      await trained(2, [twice, twice], { dropout: false }),
    ];
    expectClose(two.state, one.state, 1e-5);
    for (const name of ['norm/moving_mean', 'average/norm/moving_mean'])
      expect(two.state.get(name)?.data.some((value) => value > 0)).toBe(true);
  });

  test.each([1, 3])('with %i threads, the same training gives the same bits', async (count) => {
    expect(await trained(count, plans(2))).toEqual(await trained(count, plans(2)));
  });

  test.each([
    ['2 threads come to what one does, also where batches do not divide evenly', 2, plans(2, 19, 7)],
    [
      '3 threads come to what one does, also where batches have fewer rows than there are threads',
      3,
      [plan(19, 7, 1), plan(16, 7, 2), plan(15, 7, 3), plan(5, 2, 4)],
    ],
  ] as const)('%s', async (_, count, epochs) => {
    // Masks and the statistics of batch normalization are each thread's own.
    const kind = { dropout: false, norm: false };
    const [one, several] = [await trained(1, epochs, kind), await trained(count, epochs, kind)];
    expectClose(several.state, one.state, 1e-5);
    expectSameCurve(several.figures, one.figures, 5);
  });

  test('goes on from a state to the same bits as without the interruption', async () => {
    const data = sharedImages(40);
    const [first, ...others] = plans(3) as [EpochPlan, ...EpochPlan[]];
    const whole = await threads(2, data, network());
    await whole.epoch(first, () => {}, never);
    const saved = structuredClone(await whole.state());
    for (const epoch of others) await whole.epoch(epoch, () => {}, never);

    const second = await threads(2, data, network());
    await second.restore(saved);
    for (const epoch of others) await second.epoch(epoch, () => {}, never);
    expect(await second.state()).toEqual(await whole.state());
  });

  test('leaves no tensor behind', async () => {
    const trainer = await threads(2, sharedImages(40), network());
    const { numTensors } = memory();
    await trainer.epoch(plan(40, 8, 1), () => {}, never);
    await trainer.epoch(plan(40, 6, 2), () => {}, never);
    await trainer.state();
    expect(memory().numTensors).toBe(numTensors);
  });
});

describe('a training that is cut short', () => {
  test('by its signal ends with the reason, soon', async () => {
    const trainer = await threads(2, sharedImages(4000), network());
    const controller = new AbortController();
    let steps = 0;
    const running = trainer.epoch(
      plan(4000, 4),
      (done) => {
        steps = done;
        if (done > 0) controller.abort(new Error('enough'));
      },
      controller.signal,
    );
    await expect(running).rejects.toThrow('enough');
    expect(steps).toBeGreaterThan(0);
    expect(steps).toBeLessThan(1000);
  });

  test('by its signal while graphs are compiled ends with the reason, before the first step', async () => {
    const trainer = await threads(1, sharedImages(4000), network());
    const controller = new AbortController();
    const told: number[] = [];
    const running = trainer.epoch(plan(4000, 2), (done) => told.push(done), controller.signal);
    controller.abort(new Error('enough'));
    await expect(running).rejects.toThrow('enough');
    expect(told).toEqual([]);
  });

  test('by a thread that dies in the middle of an epoch says so, and the other does not wait for ever', async () => {
    const born = once(process, 'worker') as Promise<[Worker]>;
    const trainer = await threads(2, sharedImages(4000), network());
    const [thread] = await born;
    const told: number[] = [];
    const running = trainer.epoch(
      plan(4000, 4),
      (done) => {
        told.push(done);
        if (done > 0) thread.postMessage({ kind: 'nothing that it knows' }); // no thread survives that
      },
      never,
    );
    await expect(running).rejects.toThrow(/training thread ended unexpectedly.*not a function/s);
    expect(Math.max(...told)).toBeGreaterThan(0);
    expect(Math.max(...told)).toBeLessThan(1000);
  });

  test('by a thread that dies when it starts says so, and ends the others', async () => {
    await useOnnxRuntime({ threads: 1 });
    const { model, draw } = network();
    const run = Threads.start({
      learner: new Learner(model, learning),
      draw,
      data: sharedImages(8),
      rows: { ...rows, augmentation: { ...augmentations.none, shift: -1 } }, // no thread survives that
      threads: 2,
      batchSize: 8,
      device: 'cpu',
    });
    await expect(run).rejects.toThrow(/training thread ended unexpectedly.*shift/s);
  });

  test('by a graph that fails in one thread tells why, and the other thread does not wait for ever', async () => {
    const trainer = await threads(2, sharedImages(40), network());
    const state = await trainer.state();
    const wrong = { dtype: 'int32', shape: [1], data: Int32Array.of(1) } as const;
    await trainer.restore(new Map([...state, ['dense/kernel', wrong]]));
    await expect(trainer.epoch(plan(40, 8), () => {}, never)).rejects.toThrow(
      /training thread failed.*Unexpected input data type/s,
    );
  });
});
