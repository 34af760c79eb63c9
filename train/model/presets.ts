import { tensor1d, type Variable, variable } from '@tensorflow/tfjs-core';
import type * as tfl from '@tensorflow/tfjs-layers';
import { initializers, layers, sequential } from '@tensorflow/tfjs-layers';
import { imageSize } from '../data/datasets.ts';
import type { Preset } from '../options.ts';
import { SeededDropout } from './dropout.ts';

/** Values in a row of input: the image's grey values, row by row, from 0 (background) to 1 (ink). */
export const ROW_SIZE = imageSize * imageSize;

/** The layers of each network between the image and the answer; shapes are [batch, height, width, channels]. */
const networks = {
  /** The smallest way to 99 % on MNIST: two epochs. */
  fast: (add: LayerFactory) => [
    add.conv(24, { kernelSize: 5 }), // [B,24,24,24]
    add.pool(), // [B,12,12,24]
    add.conv(32), // [B,10,10,32]
    add.pool(), // [B,5,5,32]
    add.flatten(), // [B,800]
    add.dense(128),
  ],
  /** 99.5 % on MNIST in about two minutes of two cores. */
  default: (add: LayerFactory) => [
    add.conv(32), // [B,26,26,32]
    add.pool(), // [B,13,13,32]
    add.conv(64), // [B,11,11,64]
    add.pool(), // [B,5,5,64]
    add.flatten(), // [B,1600]
    add.dense(128),
    add.dropout(0.5),
  ],
  /** 99.7 % on MNIST in 20 minutes of two cores. */
  accurate: (add: LayerFactory) => [
    ...add.normalizedConv(16), // [B,26,26,16]
    ...add.normalizedConv(16, { pooled: true }), // [B,12,12,16]
    ...add.normalizedConv(32, { padding: 'same' }), // [B,12,12,32]
    ...add.normalizedConv(32, { padding: 'same' }), // [B,12,12,32]
    ...add.normalizedConv(32, { padding: 'same', pooled: true }), // [B,6,6,32]
    add.dropout(0.1),
    ...add.normalizedConv(64, { padding: 'same' }), // [B,6,6,64]
    ...add.normalizedConv(64, { padding: 'same' }), // [B,6,6,64]
    ...add.normalizedConv(64, { padding: 'same', pooled: true }), // [B,3,3,64]
    add.dropout(0.1),
    ...add.normalizedConv(128, { padding: 'same' }), // [B,3,3,128]
    ...add.normalizedConv(128), // [B,1,1,128]
    add.flatten(), // [B,128]
    add.dense(128),
    add.dropout(0.3),
  ],
  /** The network of Seldon's `keras_mnist` example. */
  seed: (add: LayerFactory) => [
    add.conv(32, { padding: 'same' }), // [B,28,28,32]
    add.dropout(0.2),
    add.pool(), // [B,14,14,32]
    add.flatten(), // [B,6272]
    add.dense(128),
    add.dropout(0.5),
  ],
  /** The network of TensorFlow.js's own MNIST example for Node: 594,922 parameters. */
  'mnist-node': (add: LayerFactory) => [
    add.conv(32), // [B,26,26,32]
    add.conv(32), // [B,24,24,32]
    add.pool(), // [B,12,12,32]
    add.conv(64), // [B,10,10,64]
    add.conv(64), // [B,8,8,64]
    add.pool(), // [B,4,4,64]
    add.flatten(), // [B,1024]
    add.dropout(0.25),
    add.dense(512),
    add.dropout(0.5),
  ],
} satisfies Record<Preset, (add: LayerFactory) => tfl.layers.Layer[]>;

export interface ModelOptions {
  readonly preset: Preset;
  readonly classes: number;
  /** Draws the first weights and what is dropped: the same seed gives the same model. */
  readonly seed: number;
}

export interface BuiltModel {
  /** From rows [batch, 784] in [0,1] to probabilities [batch, classes]. */
  readonly model: tfl.Sequential;
  /** What its random layers draw by, to be set before each step: the step, and where in the batch the rows begin. */
  readonly draw: Variable;
}

export function buildModel({ preset, classes, seed }: ModelOptions): BuiltModel {
  const draw = variable(tensor1d([0, 0], 'int32'), false);
  const add = layerFactory(seed, draw);
  const model = sequential({
    name: preset,
    layers: [
      layers.reshape({ name: 'image', inputShape: [ROW_SIZE], targetShape: [imageSize, imageSize, 1] }),
      ...networks[preset](add),
      add.dense(classes, 'softmax'),
    ],
  });
  return { model, draw };
}

interface ConvolutionOptions {
  readonly kernelSize?: number;
  readonly padding?: 'valid' | 'same';
}

interface NormalizedConvolutionOptions extends ConvolutionOptions {
  readonly pooled?: boolean;
}

type LayerFactory = ReturnType<typeof layerFactory>;

/** Makes named layers, each with a seed of its own. */
function layerFactory(seed: number, draw: Variable) {
  let made = 0;
  const next = (kind: string) => {
    made += 1;
    return { name: `${kind}${made}`, seed: seed * 1000 + made };
  };
  const weights = (kind: string) => {
    const { name, seed: layerSeed } = next(kind);
    return { name, kernelInitializer: initializers.glorotUniform({ seed: layerSeed }) };
  };
  const pool = () => layers.maxPooling2d({ name: next('pool').name, poolSize: 2 });
  const linear = (filters: number, { kernelSize = 3, padding = 'valid' }: ConvolutionOptions) =>
    layers.conv2d({ ...weights('conv'), filters, kernelSize, padding, useBias: false });
  return {
    conv: (filters: number, { kernelSize = 3, padding = 'valid' }: ConvolutionOptions = {}) =>
      layers.conv2d({ ...weights('conv'), filters, kernelSize, padding, activation: 'relu' }),
    /** A convolution, batch normalization and ReLU; pooled before it is normalized, of which there is less to do then. */
    normalizedConv: (
      filters: number,
      { pooled = false, ...options }: NormalizedConvolutionOptions = {},
    ): tfl.layers.Layer[] => [
      linear(filters, options),
      ...(pooled ? [pool()] : []),
      layers.batchNormalization({ name: next('normalization').name }),
      layers.reLU({ name: next('relu').name }),
    ],
    pool,
    flatten: () => layers.flatten({ name: next('flatten').name }),
    dense: (units: number, activation: 'relu' | 'softmax' = 'relu') =>
      layers.dense({ ...weights('dense'), units, activation }),
    dropout: (rate: number) => new SeededDropout({ ...next('dropout'), rate, draw }),
  };
}
