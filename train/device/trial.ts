import {
  conv2d,
  losses,
  matMul,
  maxPool,
  relu,
  reshape,
  type Scalar,
  tensor2d,
  tensor4d,
  train,
  type Variable,
  variable,
} from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-layers'; // registers TensorFlow.js's gradients
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { nextOf } from '../backend/next-of.ts';
import { useOnnxRuntime } from '../backend/register.ts';
import { trace } from '../backend/trace.ts';
import type { GpuDevice } from './devices.ts';

/** A small training step as an ONNX model, and what it starts from. */
export interface Trial {
  readonly model: Uint8Array;
  readonly feeds: Readonly<Record<string, Tensor>>;
}

const images = wave(4, 8, 8, 1);
const classes = {
  data: Float32Array.of(1, 0, 0, 0, 1, 0, 0, 0, 1, 1, 0, 0),
  shape: [4, 3] as [number, number],
};
const kernel = wave(3, 3, 1, 4);
const weights = wave(36, 3);

/** Records a step of gradient descent of a tiny network: convolution, ReLU, max-pool, dense, softmax. */
export async function recordTrial(): Promise<Trial> {
  const backend = await useOnnxRuntime({ threads: 1 });
  const x = tensor4d(images.data, images.shape);
  const y = tensor2d(classes.data, classes.shape);
  const k = variable(tensor4d(kernel.data, kernel.shape));
  const w = variable(tensor2d(weights.data, weights.shape));
  const lossOf = (): Scalar => {
    const pooled = maxPool(relu(conv2d(x, k, 1, 'valid')), 2, 2, 'valid'); // [4, 3, 3, 4]
    return losses.softmaxCrossEntropy(y, matMul(reshape(pooled, [4, 36]), w));
  };
  const { model } = await trace(backend, {
    inputs: { images: x, classes: y },
    state: new Map<string, Variable>([
      ['kernel', k],
      ['weights', w],
    ]),
    compute: () => ({ loss: train.sgd(0.02).minimize(lossOf, true) as Scalar }),
  });
  const feeds = Object.entries({ images, classes, kernel, weights }).map(
    ([name, { data, shape }]) => [name, new Tensor('float32', data, shape)] as const,
  );
  return { model, feeds: Object.fromEntries(feeds) };
}

/** The loss at each of the first steps on `device`, which tells on stderr where it places each operator. */
export async function lossesOn(device: 'cpu' | GpuDevice, { model, feeds }: Trial, steps: number) {
  const session = await InferenceSession.create(model, {
    executionProviders: device === 'cpu' ? ['cpu'] : [device, 'cpu'],
    intraOpNumThreads: 1,
    logSeverityLevel: device === 'cpu' ? 4 : 0,
  });
  const seen: number[] = [];
  let state = feeds;
  for (let step = 0; step < steps; step += 1) {
    const results = await session.run(state);
    seen.push(Number(results.loss?.data[0]));
    state = { ...feeds, kernel: result(results, 'kernel'), weights: result(results, 'weights') };
  }
  await session.release();
  return seen;
}

function result(results: InferenceSession.ReturnType, name: string): Tensor {
  const tensor = results[nextOf(name)];
  if (tensor === undefined) throw new Error(`the step gave no new ${name}`);
  return tensor as Tensor;
}

/** Numbers in [-1, 1] without a pattern that a wrong order of the axes would leave as it is. */
function wave<Shape extends number[]>(...shape: Shape): { data: Float32Array; shape: Shape } {
  const size = shape.reduce((product, length) => product * length);
  return { data: Float32Array.from({ length: size }, (_, i) => Math.sin(i * i + size)), shape };
}
