import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { InferenceSession, Tensor as OnnxTensor } from 'onnxruntime-node';
import { afterAll, describe, expect, test } from 'vitest';
import type { OnnxRuntimeBackend } from './backend.ts';
import { exportOnnx } from './export.ts';
import { useOnnxRuntime } from './register.ts';
import { values } from './testing.ts';

const { layers } = tfl;
afterAll(() => tf.removeBackend('onnxruntime'));

/** Relative to the largest value of what is compared. */
const TOLERANCE = 2e-5;
const ROWS = 64;

/** A small model around the layer in question: rows of `input`, no batch, to what its last layer gives. */
interface Subject {
  readonly input: number[];
  /** What the rows are made of; default: seeded numbers in [-1, 1). */
  readonly whole?: number;
  /** Default: 8. None where TensorFlow.js cannot train the layer on any backend. */
  readonly trainedRows?: number;
  readonly build: () => tfl.LayersModel;
}

/** A trainable layer before, so that the layer's own gradient matters, and one behind, so that its result does. */
function around(input: number[], ...subject: (() => tfl.layers.Layer)[]): Subject {
  return {
    input,
    build: () =>
      stacked(
        layers.dense({ units: input.at(-1) ?? 1, inputShape: input }),
        ...subject.map((make) => make()),
      ),
  };
}

/** The layers, and behind them one that gives three numbers a row. */
function stacked(...subject: tfl.layers.Layer[]): tfl.LayersModel {
  const model = tfl.sequential({ layers: subject });
  if (model.outputs[0]?.shape.length !== 2) model.add(layers.flatten());
  model.add(layers.dense({ units: 3 }));
  return model;
}

/** Two branches of one input that the layer brings together. */
function merging(merge: () => tfl.layers.Layer, units: [number, number] = [4, 4]): Subject {
  return {
    input: [5],
    build: () => {
      const input = tfl.input({ shape: [5] });
      const branches = units.map((size) => layers.dense({ units: size }).apply(input) as tfl.SymbolicTensor);
      const merged = merge().apply(branches) as tfl.SymbolicTensor;
      const output = layers.dense({ units: 3 }).apply(merged) as tfl.SymbolicTensor;
      return tfl.model({ inputs: input, outputs: output });
    },
  };
}

const embedding = (whole: number, ...behind: (() => tfl.layers.Layer)[]): Subject => ({
  input: [5],
  whole,
  build: () =>
    stacked(
      layers.embedding({ inputDim: whole, outputDim: 4, inputLength: 5 }),
      ...behind.map((make) => make()),
    ),
});

const image = [6, 5, 3];
const sequence = [5, 3];
const cells = { units: 4, returnSequences: true } as const;
const activations = [
  'elu',
  'hardSigmoid',
  'linear',
  'relu',
  'relu6',
  'selu',
  'sigmoid',
  'softmax',
  'softplus',
  'softsign',
  'swish',
  'mish',
  'gelu',
  'gelu_new',
  'tanh',
] as const;

const subjects: Record<string, Subject> = {
  dense: around([4], () => layers.dense({ units: 5, activation: 'relu' })),
  'dense on sequences': around(sequence, () => layers.dense({ units: 5, activation: 'tanh' })),
  conv1d: around(sequence, () => layers.conv1d({ filters: 4, kernelSize: 3, activation: 'relu' })),
  'conv1d, same, strides 2': around(sequence, () =>
    layers.conv1d({ filters: 4, kernelSize: 3, padding: 'same', strides: 2 }),
  ),
  conv2d: around(image, () => layers.conv2d({ filters: 4, kernelSize: 3, activation: 'relu' })),
  'conv2d, same, strides 2': around(image, () =>
    layers.conv2d({ filters: 4, kernelSize: 3, padding: 'same', strides: 2, activation: 'elu' }),
  ),
  separableConv2d: around(image, () =>
    layers.separableConv2d({ filters: 4, kernelSize: 3, depthMultiplier: 2 }),
  ),
  depthwiseConv2d: around(image, () => layers.depthwiseConv2d({ kernelSize: 3, depthMultiplier: 2 })),
  conv2dTranspose: around(image, () => layers.conv2dTranspose({ filters: 2, kernelSize: 3, strides: 2 })),
  maxPooling1d: around(sequence, () => layers.maxPooling1d({ poolSize: 2 })),
  averagePooling1d: around(sequence, () => layers.averagePooling1d({ poolSize: 2 })),
  globalMaxPooling1d: around(sequence, () => layers.globalMaxPooling1d({})),
  globalAveragePooling1d: around(sequence, () => layers.globalAveragePooling1d({})),
  maxPooling2d: around(image, () => layers.maxPooling2d({ poolSize: 2 })),
  'maxPooling2d, overlapping': around(image, () => layers.maxPooling2d({ poolSize: 3, strides: 1 })),
  averagePooling2d: around(image, () => layers.averagePooling2d({ poolSize: 2 })),
  globalMaxPooling2d: around(image, () => layers.globalMaxPooling2d({})),
  globalAveragePooling2d: around(image, () => layers.globalAveragePooling2d({})),
  'batchNormalization on images': around(image, () => layers.batchNormalization()),
  'batchNormalization on vectors': around([4], () => layers.batchNormalization()),
  'batchNormalization, neither scaled nor moved': {
    ...around(image, () => layers.batchNormalization({ scale: false, center: false })),
    trainedRows: 0,
  },
  layerNormalization: around(sequence, () => layers.layerNormalization()),
  dropout: around([20], () => layers.dropout({ rate: 0.4, seed: 3 })),
  'embedding, more words than one hot row would be good for': embedding(9000),
  embedding: embedding(7),
  simpleRNN: around(sequence, () => layers.simpleRNN(cells)),
  gru: around(sequence, () => layers.gru({ ...cells, recurrentActivation: 'sigmoid' })),
  lstm: around(sequence, () => layers.lstm(cells)),
  'lstm, its last state': around(sequence, () => layers.lstm({ units: 4 })),
  'stacked cells': around(sequence, () =>
    layers.rnn({
      cell: [layers.lstmCell({ units: 3 }), layers.gruCell({ units: 2, recurrentActivation: 'sigmoid' })],
    }),
  ),
  bidirectional: around(sequence, () =>
    layers.bidirectional({ layer: layers.lstm(cells) as tfl.RNN, mergeMode: 'concat' }),
  ),
  timeDistributed: around(sequence, () => layers.timeDistributed({ layer: layers.dense({ units: 2 }) })),
  'embedding, lstm': embedding(7, () => layers.lstm({ units: 4 })),
  'masked lstm': {
    ...around(
      sequence,
      () => layers.masking({ maskValue: 0 }),
      () => layers.lstm({ units: 4 }),
    ),
    trainedRows: 0,
  },
  // One row: with more, the cpu backend takes the gradient of all but the first from the wrong place.
  upSampling2d: { ...around(image, () => layers.upSampling2d({ size: [2, 3] })), trainedRows: 1 },
  'upSampling2d, bilinear': around([4, 4, 2], () =>
    layers.upSampling2d({ size: [2, 2], interpolation: 'bilinear' }),
  ),
  zeroPadding2d: around(image, () =>
    layers.zeroPadding2d({
      padding: [
        [1, 2],
        [0, 1],
      ],
    }),
  ),
  cropping2D: around(image, () =>
    layers.cropping2D({
      cropping: [
        [1, 0],
        [2, 1],
      ],
    }),
  ),
  rescaling: around(image, () => layers.rescaling({ scale: 0.5, offset: 1 })),
  reshape: around(image, () => layers.reshape({ targetShape: [9, 10] })),
  permute: around(image, () => layers.permute({ dims: [3, 1, 2] })),
  repeatVector: around([4], () => layers.repeatVector({ n: 3 })),
  concatenate: merging(() => layers.concatenate(), [4, 2]),
  add: merging(() => layers.add()),
  multiply: merging(() => layers.multiply()),
  average: merging(() => layers.average()),
  maximum: merging(() => layers.maximum()),
  minimum: merging(() => layers.minimum()),
  dot: merging(() => layers.dot({ axes: -1 })),
  'dot, normalized': merging(() => layers.dot({ axes: -1, normalize: true })),
  prelu: around(sequence, () => layers.prelu()),
  leakyReLU: around(sequence, () => layers.leakyReLU({ alpha: 0.2 })),
  reLU: around(sequence, () => layers.reLU({ maxValue: 0.5 })),
  elu: around(sequence, () => layers.elu()),
  softmax: around(sequence, () => layers.softmax({ axis: -1 })),
  thresholdedReLU: { ...around(sequence, () => layers.thresholdedReLU({ theta: 0.3 })), trainedRows: 0 },
  ...Object.fromEntries(
    activations.map((activation) => [
      `activation ${activation}`,
      around(sequence, () => layers.activation({ activation })),
    ]),
  ),
};

/** Rows for `subject` [count, ...input]. */
function rowsOf({ input, whole }: Subject, count: number): tf.Tensor {
  const shape = [count, ...input];
  const rows = tf.tensor(values(tf.util.sizeFromShape(shape), 9), shape);
  return whole === undefined ? rows : tf.minimum(tf.floor(tf.mul(tf.add(rows, 1), whole / 2)), whole - 1);
}

/** Gives `model` the same weights whatever the backend; variances are positive. */
function fillWeights(model: tfl.LayersModel): void {
  model.weights.forEach((weight, i) => {
    const size = tf.util.sizeFromShape(weight.shape as number[]);
    const start = values(size, i + 1).map((value) =>
      weight.originalName.includes('variance') ? 0.5 + Math.abs(value) : value / 2,
    );
    weight.write(tf.tensor(start, weight.shape as number[]));
  });
}

interface Lesson {
  readonly optimizer: tf.Optimizer;
  readonly loss: string | ((labels: tf.Tensor, answers: tf.Tensor) => tf.Tensor);
  readonly metrics?: tfl.ModelCompileArgs['metrics'];
  readonly targets?: (count: number) => tf.Tensor;
  readonly steps?: number;
}

interface Result {
  readonly answers: Float32Array;
  /** The losses and metrics of each step. */
  readonly measured: number[];
  readonly weights: Float32Array[];
}

/** What the model answers, and what becomes of its weights in a few steps of training, on the current backend. */
async function work(subject: Subject, lesson: Lesson): Promise<Result> {
  const model = subject.build();
  tf.tidy(() => fillWeights(model));
  const rows = tf.tidy(() => rowsOf(subject, ROWS));
  const outputs = tf.tidy(() => model.apply(rows, { training: false }) as tf.Tensor);
  const answers = Float32Array.from(await outputs.data());

  const {
    optimizer,
    loss,
    metrics = [],
    steps = subject.trainedRows === 0 ? 0 : 1,
    targets = seededTargets,
  } = lesson;
  model.compile({ optimizer, loss: loss as string, metrics });
  const { trainedRows = 8 } = subject;
  const x = tf.tidy(() => tf.slice(rows, 0, trainedRows));
  const y = tf.tidy(() => targets(trainedRows));
  const measured: number[] = [];
  for (let step = 0; step < steps; step += 1) measured.push(...[await model.trainOnBatch(x, y)].flat());
  const weights = await Promise.all(
    model.weights.map(async (weight) => Float32Array.from(await weight.read().data())),
  );
  tf.dispose([rows, outputs, x, y]);
  model.dispose();
  optimizer.dispose();
  return { answers, measured, weights };
}

const seededTargets = (count: number) => tf.tensor(values(count * 3, 5), [count, 3]);

function expectClose(actual: ArrayLike<number>, expected: ArrayLike<number>, what: string): void {
  expect(actual.length, what).toBe(expected.length);
  const scale = Math.max(1e-3, ...Array.from(expected, Math.abs));
  for (let i = 0; i < expected.length; i += 1) {
    const difference = Math.abs((actual[i] ?? Number.NaN) - (expected[i] ?? Number.NaN));
    if (!(difference <= TOLERANCE * scale))
      expect.fail(`${what}, element ${i}: expected ${expected[i]}, got ${actual[i]}, scale ${scale}`);
  }
}

/** The same work on both backends; what the plain one gave. */
async function expectSameWork(subject: Subject, lesson: () => Lesson): Promise<Result> {
  await tf.setBackend('cpu');
  const expected = await work(subject, lesson());
  await useOnnxRuntime({ threads: 1 });
  const actual = await work(subject, lesson());
  expectClose(actual.answers, expected.answers, 'answers');
  expectClose(actual.measured, expected.measured, 'loss and metrics');
  expected.weights.forEach((weight, i) => {
    expectClose(actual.weights[i] ?? [], weight, `weight ${i} after training`);
  });
  return expected;
}

/** Exports the model, and compares what plain ONNX Runtime answers with `answers` [ROWS, ...]. */
async function expectSameExported(subject: Subject, answers: Float32Array): Promise<void> {
  const backend: OnnxRuntimeBackend = await useOnnxRuntime({ threads: 1 });
  const model = subject.build();
  tf.tidy(() => fillWeights(model));
  const onnx = exportOnnx(backend, (rows) => model.apply(rows, { training: false }) as tf.Tensor, {
    input: { name: 'x', shape: subject.input },
    output: { name: 'y' },
    weights: new Map(model.weights.map((weight) => [weight.originalName, weight.read()])),
  });
  const rows = tf.tidy(() => rowsOf(subject, ROWS));
  const data = Float32Array.from(await rows.data());
  rows.dispose();
  model.dispose();
  const session = await InferenceSession.create(onnx, { logSeverityLevel: 4 });
  for (const batch of [1, 7, ROWS]) {
    const x = new OnnxTensor('float32', data.slice(0, (data.length / ROWS) * batch), [
      batch,
      ...subject.input,
    ]);
    const { y } = await session.run({ x });
    const expected = answers.subarray(0, (answers.length / ROWS) * batch);
    expectClose(y?.data as Float32Array, expected, `exported, batch ${batch}`);
  }
  await session.release();
}

const regression = (): Lesson => ({ optimizer: tf.train.sgd(0.1), loss: 'meanSquaredError' });

describe('a model with this layer answers, trains and exports as on the plain cpu backend', () => {
  test.each(Object.entries(subjects))('%s', async (_, subject) => {
    const { answers } = await expectSameWork(subject, regression);
    await expectSameExported(subject, answers);
  });
});

const small = around([4], () => layers.dense({ units: 5, activation: 'tanh' }));

const optimizers: Record<string, () => tf.Optimizer> = {
  sgd: () => tf.train.sgd(0.1),
  momentum: () => tf.train.momentum(0.1, 0.9),
  'momentum, nesterov': () => tf.train.momentum(0.1, 0.9, true),
  adagrad: () => tf.train.adagrad(0.1),
  adadelta: () => tf.train.adadelta(0.1),
  adam: () => tf.train.adam(0.01),
  adamax: () => tf.train.adamax(0.01),
  rmsprop: () => tf.train.rmsprop(0.01),
  'rmsprop, momentum': () => tf.train.rmsprop(0.01, 0.9, 0.5),
  // TensorFlow.js subtracts the last number but one under a root: it must be small beside the squared gradients.
  'rmsprop, centered': () => tf.train.rmsprop(0.01, 0.9, 0, 1e-14, true),
};

describe('three steps give the same weights as on the plain cpu backend', () => {
  test.each(Object.entries(optimizers))('with %s', async (_, optimizer) => {
    await expectSameWork(small, () => ({ optimizer: optimizer(), loss: 'meanSquaredError', steps: 3 }));
  });
});

const classes = (count: number) =>
  tf.cast(tf.oneHot(tf.cast(tf.mod(tf.range(0, count), 3), 'int32'), 3), 'float32');
const probabilities = { ...small, build: () => answering('softmax') };
const logits = { ...small, build: () => answering('sigmoid') };

function answering(activation: 'softmax' | 'sigmoid'): tfl.LayersModel {
  return tfl.sequential({
    layers: [
      layers.dense({ units: 5, inputShape: [4], activation: 'tanh' }),
      layers.dense({ units: 3, activation }),
    ],
  });
}

const layersLosses = [
  'meanSquaredError',
  'meanAbsoluteError',
  'meanAbsolutePercentageError',
  'meanSquaredLogarithmicError',
  'squaredHinge',
  'hinge',
  'categoricalHinge',
  'logcosh',
  'categoricalCrossentropy',
  'binaryCrossentropy',
  'kullbackLeiblerDivergence',
  'poisson',
  'cosineProximity',
];
const coreLosses: Record<string, Lesson['loss']> = {
  absoluteDifference: tf.losses.absoluteDifference,
  cosineDistance: (labels, answers) => tf.losses.cosineDistance(labels, answers, -1),
  hingeLoss: tf.losses.hingeLoss,
  huberLoss: tf.losses.huberLoss,
  logLoss: tf.losses.logLoss,
  meanSquaredError: tf.losses.meanSquaredError,
  sigmoidCrossEntropy: tf.losses.sigmoidCrossEntropy,
  softmaxCrossEntropy: tf.losses.softmaxCrossEntropy,
};

describe('a loss and its gradient are the same as on the plain cpu backend', () => {
  test.each(layersLosses)('%s of the layers', async (loss) => {
    await expectSameWork(probabilities, () => ({ optimizer: tf.train.sgd(0.1), loss, targets: classes }));
  });

  test('sparseCategoricalCrossentropy of the layers', async () => {
    const targets = (count: number) => tf.reshape(tf.argMax(classes(count), -1), [count, 1]);
    await expectSameWork(probabilities, () => ({
      optimizer: tf.train.sgd(0.1),
      loss: 'sparseCategoricalCrossentropy',
      metrics: ['accuracy'],
      targets: (count) => tf.cast(targets(count), 'float32'),
    }));
  });

  test.each(Object.entries(coreLosses))('%s of the core', async (_, loss) => {
    await expectSameWork(logits, () => ({ optimizer: tf.train.sgd(0.1), loss, targets: classes }));
  });
});

const metrics = [
  'accuracy',
  'binaryAccuracy',
  'categoricalAccuracy',
  'precision',
  'categoricalCrossentropy',
  'mse',
  'mae',
  'mape',
  'cosine',
];
const metricFunctions = {
  recall: tfl.metrics.recall,
  binaryCrossentropy: tfl.metrics.binaryCrossentropy,
  r2Score: tfl.metrics.r2Score,
};

describe('a metric is the same as on the plain cpu backend', () => {
  test.each([...metrics.map((metric) => [metric, metric] as const), ...Object.entries(metricFunctions)])(
    '%s',
    async (_, metric) => {
      await expectSameWork(probabilities, () => ({
        optimizer: tf.train.sgd(0.1),
        loss: 'categoricalCrossentropy',
        metrics: [metric] as tfl.ModelCompileArgs['metrics'],
        targets: classes,
      }));
    },
  );
});

const { regularizers, constraints } = tfl;
const governed: Record<string, Parameters<typeof layers.dense>[0]> = {
  'the regularizer l1': { units: 5, kernelRegularizer: regularizers.l1({ l1: 0.1 }) },
  'the regularizer l2': { units: 5, kernelRegularizer: regularizers.l2({ l2: 0.1 }) },
  'the regularizer l1l2': { units: 5, kernelRegularizer: regularizers.l1l2({ l1: 0.1, l2: 0.2 }) },
  'the constraint maxNorm': { units: 5, kernelConstraint: constraints.maxNorm({ maxValue: 0.5 }) },
  'the constraint unitNorm': { units: 5, kernelConstraint: constraints.unitNorm({}) },
  'the constraint nonNeg': { units: 5, kernelConstraint: constraints.nonNeg() },
  'the constraint minMaxNorm': {
    units: 5,
    kernelConstraint: constraints.minMaxNorm({ minValue: 0.6, maxValue: 0.9 }),
  },
};

describe('a step keeps to it as on the plain cpu backend', () => {
  test.each(Object.entries(governed))('%s', async (_, config) => {
    await expectSameWork(
      around([4], () => layers.dense(config)),
      regression,
    );
  });
});

describe('weights start as on the plain cpu backend', () => {
  const { initializers } = tfl;
  test.each(
    Object.entries({
      zeros: () => initializers.zeros(),
      ones: () => initializers.ones(),
      constant: () => initializers.constant({ value: 3 }),
      identity: () => initializers.identity({ gain: 2 }),
      randomUniform: () => initializers.randomUniform({ seed: 1 }),
      randomNormal: () => initializers.randomNormal({ seed: 1 }),
      truncatedNormal: () => initializers.truncatedNormal({ seed: 1 }),
      glorotUniform: () => initializers.glorotUniform({ seed: 1 }),
      glorotNormal: () => initializers.glorotNormal({ seed: 1 }),
      heNormal: () => initializers.heNormal({ seed: 1 }),
      heUniform: () => initializers.heUniform({ seed: 1 }),
      leCunNormal: () => initializers.leCunNormal({ seed: 1 }),
      leCunUniform: () => initializers.leCunUniform({ seed: 1 }),
      orthogonal: () => initializers.orthogonal({ seed: 1 }),
    }),
  )('%s', async (_, make) => {
    const start = async () => {
      const weights = tf.tidy(() => make().apply([4, 4]));
      const data = Float32Array.from(await weights.data());
      weights.dispose();
      return data;
    };
    await tf.setBackend('cpu');
    const expected = await start();
    await useOnnxRuntime({ threads: 1 });
    expectClose(await start(), expected, 'weights');
  });
});
