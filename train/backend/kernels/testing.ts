import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { values } from '../testing.ts';

export function tensor(shape: readonly number[], seed = 1): tf.Tensor {
  return tf.tensor(values(tf.util.sizeFromShape([...shape]), seed), [...shape]);
}

/** The result and all gradients of `f`, weighted so that not all elements count the same. */
export function withGradients(f: (...inputs: tf.Tensor[]) => tf.Tensor, inputs: tf.Tensor[]): tf.Tensor[] {
  const result = f(...inputs);
  return [result, ...tf.grads(f)(inputs, tensor(result.shape, 77))];
}

/** The kernels that TensorFlow.js calls for a computation, as its plain `cpu` backend reports them. */
export async function kernelsOf(compute: () => tf.Tensor[]): Promise<string[]> {
  await tf.setBackend('cpu');
  const { kernelNames } = await tf.profile(() => tf.tidy(() => void compute()));
  return [...new Set(kernelNames)].sort();
}

/** Paddings of an image as TensorFlow.js takes them: by name, or as `[[0, 0], [top, bottom], [left, right], [0, 0]]`. */
export type Padding = 'same' | 'valid' | tf.backend_util.ExplicitPadding;

/** An image's size and windows over it, of which at least one fits. */
export interface Scene {
  readonly batch: number;
  readonly size: [number, number];
  readonly window: [number, number];
  readonly strides: [number, number];
  readonly pad: Padding;
}

const pair = (min: number, max: number) =>
  fc.tuple(fc.integer({ min, max }), fc.integer({ min, max })) as fc.Arbitrary<[number, number]>;

/** Scenes small enough for TensorFlow.js's plain backend, with every kind of padding smaller than the window. */
export const scenes: fc.Arbitrary<Scene> = fc
  .record({
    batch: fc.integer({ min: 1, max: 3 }),
    size: pair(4, 9),
    window: pair(1, 4),
    strides: pair(1, 4),
    before: pair(0, 3),
    after: pair(0, 3),
    padding: fc.constantFrom('same', 'valid', 'explicit'),
  })
  .map(({ before, after, padding, ...scene }) => ({
    ...scene,
    pad: paddingOf(padding, before, after, scene.window),
  }));

function paddingOf(
  kind: string,
  before: readonly [number, number],
  after: readonly [number, number],
  [height, width]: readonly [number, number],
): Padding {
  if (kind === 'same' || kind === 'valid') return kind;
  const side = (axis: 0 | 1, window: number): [number, number] => [
    Math.min(before[axis], window - 1),
    Math.min(after[axis], window - 1),
  ];
  return [[0, 0], side(0, height), side(1, width), [0, 0]];
}
