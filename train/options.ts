/** What a training run is asked for. Light to load: the command line reads it before any of the engine is there. */

export const presets = ['default', 'seed', 'mnist-node'] as const;
/** A network of `model/presets.ts`. */
export type Preset = (typeof presets)[number];

export const engines = ['onnxruntime', 'tensorflow'] as const;
/** What computes: ONNX Runtime, or TensorFlow's own library where it is installed. */
export type Engine = (typeof engines)[number];

export interface TrainOptions {
  readonly preset: Preset;
  readonly epochs: number;
  readonly batchSize: number;
  /** The schedule's highest. */
  readonly learningRate: number;
  /** Draws the first weights, the order of the batches and what is dropped. */
  readonly seed: number;
  readonly engine: Engine;
}

export const trainDefaults: TrainOptions = {
  preset: 'default',
  epochs: 4, // 99.1 % on MNIST; three just reach 99.0
  batchSize: 128,
  learningRate: 0.003, // with four epochs, better than 0.002 and as steady
  seed: 42,
  engine: 'onnxruntime',
};
