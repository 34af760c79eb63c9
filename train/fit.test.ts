import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { syntheticDigits } from './data/synthetic.ts';
import { startEngine } from './engine.ts';
import { contractCheckOf, contractOf, ExportedModel, parityOf, toOnnx } from './export.ts';
import { Diverged, fit as fitModel, type StepReport } from './fit.ts';
import { loadModel, saveModel } from './model/file.ts';
import { buildModel } from './model/presets.ts';
import { presets } from './options.ts';
import { accuracyOf, allOf, answersOf, predict } from './predict.ts';

const { train, test: held } = syntheticDigits({ seed: 3, train: 1200, test: 200 });
const classes = 10;

async function trained({ epochs = 1, learningRate = 0.002, seed = 5, onStep = (_: StepReport) => {} } = {}) {
  await startEngine('onnxruntime');
  const model = buildModel({ preset: 'default', classes, seed });
  const signal = new AbortController().signal;
  const history = await fitModel(model, train, {
    classes,
    epochs,
    batchSize: 100,
    learningRate,
    seed,
    onStep,
    signal,
  });
  return { model, history };
}

/** What doesn't depend on the clock. */
const curve = (history: Awaited<ReturnType<typeof fitModel>>) =>
  history.map(({ seconds: _s, imagesPerSecond: _i, ...figures }) => figures);

describe('the presets', () => {
  beforeAll(() => startEngine('onnxruntime'));
  const weights = { default: 225_034, seed: 804_554, 'mnist-node': 594_922 };

  test.each(presets)('%s has the weights it is said to have', (preset) => {
    const model = buildModel({ preset, classes, seed: 1 });
    expect(model.countParams()).toBe(weights[preset]);
    model.dispose();
  });

  test.each(presets)('%s trains, and answers with probabilities', async (preset) => {
    const model = buildModel({ preset, classes, seed: 1 });
    const few = {
      images: train.images.subarray(0, 60 * 784),
      labels: train.labels.subarray(0, 60),
      count: 60,
    };
    const signal = new AbortController().signal;
    await fitModel(model, few, {
      classes,
      epochs: 1,
      batchSize: 16,
      learningRate: 0.001,
      seed: 1,
      onStep: () => {},
      signal,
    });
    const probabilities = await predict(model, held.images, allOf(3));
    for (const row of [0, 1, 2]) {
      const sum = probabilities
        .subarray(row * classes, (row + 1) * classes)
        .reduce((total, p) => total + p, 0);
      expect(sum).toBeCloseTo(1, 5);
    }
    model.dispose();
  });
});

describe('training', () => {
  test('learns', async () => {
    const { model, history } = await trained({ epochs: 3 });
    expect(history.map(({ epoch }) => epoch)).toEqual([1, 2, 3]);
    expect(history[2]?.loss).toBeLessThan((history[0]?.loss ?? 0) / 2);
    const answers = answersOf(await predict(model, held.images, allOf(held.count)), classes);
    expect(accuracyOf(answers, held.labels)).toBeGreaterThan(0.8);
  });

  test('has the same curve and the same weights twice for one seed, and others for another', async () => {
    const [once, twice, other] = [await trained(), await trained(), await trained({ seed: 6 })].map(
      ({ history }) => curve(history),
    );
    expect(twice).toEqual(once);
    expect(other).not.toEqual(once);
  });

  test('keeps no tensors and no memory from step to step', async () => {
    const tensors: number[] = [];
    const bytes: number[] = [];
    await trained({
      epochs: 2,
      onStep: () => {
        tensors.push(tf.memory().numTensors);
        bytes.push(tf.memory().numBytes);
      },
    });
    expect(new Set(tensors.slice(2)).size).toBe(1);
    expect(Math.max(...bytes.slice(2))).toBe(bytes[2]);
  });

  test('reports each step with the means so far', async () => {
    const steps: StepReport[] = [];
    const { history } = await trained({ onStep: (step) => steps.push(step) });
    expect(steps).toHaveLength(11);
    expect(steps.at(-1)).toMatchObject({
      epoch: 1,
      imagesDone: 1100,
      imagesInAll: 1100,
      loss: history[0]?.loss,
    });
  });

  test('ends at once when it is interrupted', async () => {
    await startEngine('onnxruntime');
    const controller = new AbortController();
    let steps = 0;
    const onStep = () => {
      steps += 1;
      controller.abort();
    };
    const model = buildModel({ preset: 'default', classes, seed: 1 });
    const run = fitModel(model, train, {
      classes,
      epochs: 5,
      batchSize: 50,
      learningRate: 0.001,
      seed: 1,
      onStep,
      signal: controller.signal,
    });
    await expect(run).rejects.toThrow(/abort/i);
    expect(steps).toBe(1);
  });

  test('that diverges says so and what to do', async () => {
    const run = trained({ learningRate: 1e30 });
    await expect(run).rejects.toThrow(Diverged);
    await expect(run).rejects.toThrow(/lower --learning-rate/);
  });
});

describe('the exported model', () => {
  test('answers as the trained one did, alone and in batches, and keeps its contract', async () => {
    const { model } = await trained();
    const file = await saveModel(model);
    const probabilities = await predict(model, held.images, allOf(held.count));
    const exported = await ExportedModel.open(await toOnnx(file));

    const parity = await parityOf(exported, held.images, probabilities, classes);
    expect(parity).toMatchObject({ images: 200, differentAnswers: 0 });
    expect(parity.largestDifference).toBeLessThan(1e-5);
    expect(parity.largestDifference).toBeGreaterThan(0);

    const lone = await exported.answer(Float32Array.from(held.images.subarray(0, 784), (grey) => grey / 255));
    for (const [i, value] of lone.entries()) expect(value).toBeCloseTo(probabilities[i] ?? Number.NaN, 5);
    expect(await contractCheckOf(exported, contractOf(classes))).toEqual({ rows: 200, failures: [] });
    await exported.close();
  });

  test('of another model is found out', async () => {
    const { model } = await trained();
    const probabilities = await predict(model, held.images, allOf(held.count));
    const other = await ExportedModel.open(await toOnnx(await saveModel((await trained({ seed: 9 })).model)));
    const parity = await parityOf(other, held.images, probabilities, classes);
    expect(parity.largestDifference).toBeGreaterThan(1e-3);
    await other.close();
  });

  test('is written byte for byte the same from the same model', async () => {
    const file = await saveModel((await trained()).model);
    expect(Buffer.from(await toOnnx(file)).equals(Buffer.from(await toOnnx(file)))).toBe(true);
  });
});

describe('a saved model', () => {
  test('gives the same answers when it is loaded again', async () => {
    const { model } = await trained();
    const before = await predict(model, held.images, allOf(20));
    const again = await loadModel(await saveModel(model));
    expect(await predict(again, held.images, allOf(20))).toEqual(before);
  });

  test('names dropout as the standard layer, so that it opens anywhere', async () => {
    const { model } = await trained();
    const { json } = await saveModel(model);
    expect(Buffer.from(json).toString()).toContain('"class_name":"Dropout"');
  });
});
