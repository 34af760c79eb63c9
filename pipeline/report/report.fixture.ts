import type { Evaluation, Mistake } from '../../train/records.ts';
import type { ReportData } from './report-data.ts';

/** Errors of a good CNN on MNIST's test set, as [actual, predicted, times]. */
// biome-ignore format: a table
const errors = [
  [0, 6, 2], [0, 8, 1], [1, 7, 1], [1, 3, 1], [2, 7, 5], [2, 0, 1], [2, 3, 1], [3, 5, 6], [3, 8, 2], [4, 9, 11],
  [4, 6, 2], [5, 3, 5], [5, 6, 2], [6, 0, 4], [6, 5, 3], [6, 1, 2], [7, 2, 7], [7, 1, 4], [7, 9, 2], [8, 9, 3],
  [8, 2, 2], [8, 0, 2], [9, 4, 8], [9, 7, 5], [9, 5, 3], [9, 8, 3],
] as const;
const testCounts = [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009];
const trainCounts = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949];
const digest = (letter: string) => letter.repeat(64);

export function sampleMistakes(howMany: number): Mistake[] {
  return Array.from({ length: howMany }, (_, i) => ({
    index: 100 + 37 * i,
    actual: i % 10,
    predicted: (i + 5) % 10,
    probability: 0.9998 - 0.017 * i,
    pixels: Buffer.from(Uint8Array.from({ length: 784 }, (_, at) => (at * (i + 3)) % 256)).toString('base64'),
  }));
}

export function sampleEvaluation(): Evaluation {
  const confusion = testCounts.map((images, row) =>
    testCounts.map((_, column) => (row === column ? images : 0)),
  );
  for (const [actual, predicted, times] of errors) {
    const row = confusion[actual] ?? [];
    row[predicted] = times;
    row[actual] = (row[actual] ?? 0) - times;
  }
  return {
    images: 10_000,
    accuracy: 0.9912,
    loss: 0.02713,
    ece: 0.00231,
    confusion,
    classes: testCounts.map((images, c) => {
      const right = confusion[c]?.[c] ?? 0;
      const predicted = confusion.reduce((sum, row) => sum + (row[c] ?? 0), 0);
      return { name: String(c), images, precision: right / predicted, recall: right / images };
    }),
    calibration: [
      { confidence: 0.341, accuracy: 0.5, images: 4 },
      { confidence: 0.447, accuracy: 0.36, images: 22 },
      { confidence: 0.552, accuracy: 0.569, images: 51 },
      { confidence: 0.651, accuracy: 0.618, images: 55 },
      { confidence: 0.753, accuracy: 0.797, images: 64 },
      { confidence: 0.856, accuracy: 0.899, images: 109 },
      { confidence: 0.9962, accuracy: 0.9989, images: 9695 },
    ],
    mistakes: sampleMistakes(24),
  };
}

/** A run as it should look: five epochs, promoted over a champion. */
export function sampleReport(): ReportData {
  return {
    run: '20251123-082211-3f9a',
    started: '2025-11-23T08:22:11.512Z',
    seconds: 94.27,
    code: { commit: '501cff4a1d9b8e0c7f6a5b4c3d2e1f0a9b8c7d6e', clean: true },
    model: 'mnist',
    version: 4,
    alias: 'live',
    promoted: true,
    dataset: {
      name: 'mnist',
      title: 'MNIST handwritten digits',
      synthetic: false,
      train: 54_000,
      validation: 6_000,
      test: 10_000,
      trainDigest: digest('a'),
      testDigest: digest('b'),
      figures: {
        train: {
          count: 60_000,
          perClass: trainCounts,
          imbalance: 1.244,
          pixels: { min: 0, max: 255, mean: 33.32, std: 78.57 },
          blank: 0,
          duplicates: 0,
        },
        test: {
          count: 10_000,
          perClass: testCounts,
          imbalance: 1.272,
          pixels: { min: 0, max: 255, mean: 33.79, std: 79.17 },
          blank: 0,
          duplicates: 0,
        },
        duplicatesAcross: 0,
        problems: [],
      },
    },
    preset: 'default',
    parameters: {
      epochs: 5,
      'batch-size': 128,
      'learning-rate': 0.002,
      schedule: 'cosine',
      dropout: 0.4,
      seed: 1337,
    },
    parameterCount: 225_034,
    backend: 'onnxruntime 1.30 cpu, 2 threads',
    epochs: [
      [0.2514, 0.9224, 0.0712, 0.9785, 0.002],
      [0.0781, 0.9762, 0.0489, 0.9855, 0.0018],
      [0.0542, 0.9833, 0.0391, 0.9883, 0.0012],
      [0.0418, 0.9871, 0.0346, 0.9902, 0.0006],
      [0.0351, 0.9894, 0.0331, 0.9907, 0.00005],
    ].map(([loss = 0, accuracy = 0, validationLoss = 0, validationAccuracy = 0, learningRate = 0], i) => ({
      epoch: i + 1,
      loss,
      accuracy,
      validationLoss,
      validationAccuracy,
      learningRate,
      seconds: 14.2 + 0.1 * i,
      imagesPerSecond: 3803 - 20 * i,
    })),
    evaluation: sampleEvaluation(),
    championAccuracy: 0.9894,
    parity: { images: 10_000, largestDifference: 3.58e-7, differentAnswers: 0 },
    contract: { rows: 100, failures: [] },
    gate: {
      passed: true,
      candidate: 4,
      champion: 3,
      rules: [
        { rule: 'accuracy', passed: true, measured: '99.12 %', required: 'at least 98.50 %' },
        {
          rule: 'champion',
          passed: true,
          measured: '18 more right than v3 (p = 0.02)',
          required: 'not worse than v3',
        },
        { rule: 'parity', passed: true, measured: '3.6e-7', required: 'at most 1e-4' },
        { rule: 'contract', passed: true, measured: '0 of 100 rows failed', required: 'no row fails' },
      ],
    },
    files: [
      { path: 'model.onnx', bytes: 902_144, digest: digest('c') },
      { path: 'contract.json', bytes: 1_482, digest: digest('d') },
      { path: 'layers/model.json', bytes: 3_911, digest: digest('e') },
      { path: 'layers/weights.bin', bytes: 900_136, digest: digest('f') },
      { path: 'evaluation.json', bytes: 31_007, digest: digest('0') },
      { path: 'correct.u8', bytes: 10_000, digest: digest('1') },
    ],
    stages: [
      { name: 'data', outcome: 'cached', seconds: 0.02 },
      { name: 'train', outcome: 'ran', seconds: 73.41 },
      { name: 'evaluate', outcome: 'ran', seconds: 4.92 },
      { name: 'export', outcome: 'ran', seconds: 6.11 },
      { name: 'register', outcome: 'ran', seconds: 0.34 },
      { name: 'promote', outcome: 'ran', seconds: 0.05 },
      { name: 'smoke', outcome: 'ran', seconds: 2.87 },
    ],
    environment: {
      node: '20.20.0',
      slipway: '0.1.0',
      'onnxruntime-node': '1.30.0',
      '@tensorflow/tfjs-core': '4.22.0',
      '@tensorflow/tfjs-layers': '4.22.0',
      platform: 'linux x64',
    },
  };
}
