import { tensor2d, tidy } from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { answerOf } from './model/answer.ts';
import { ROW_SIZE } from './model/presets.ts';

const BATCH = 500;

/** Grey values 0..255 of the chosen images as rows of input in [0,1]: [places.length, 784]. */
export function inputRows(images: Uint8Array, places: ArrayLike<number>): Float32Array {
  const rows = new Float32Array(places.length * ROW_SIZE);
  for (let row = 0; row < places.length; row += 1) {
    const from = (places[row] ?? 0) * ROW_SIZE;
    for (let i = 0; i < ROW_SIZE; i += 1) rows[row * ROW_SIZE + i] = (images[from + i] ?? 0) / 255;
  }
  return rows;
}

/** The places of all of `count` images. */
export function allOf(count: number): Uint32Array {
  return Uint32Array.from({ length: count }, (_, place) => place);
}

/** The model's probabilities for the chosen images: [places.length, classes], row by row. */
export async function predict(
  model: LayersModel,
  images: Uint8Array,
  places: Uint32Array,
  onProgress: (done: number) => void = () => undefined,
): Promise<Float32Array> {
  const batches: Float32Array[] = [];
  for (let start = 0; start < places.length; start += BATCH) {
    const chosen = places.subarray(start, start + BATCH);
    const answer = tidy(() =>
      answerOf(model, tensor2d(inputRows(images, chosen), [chosen.length, ROW_SIZE]), { training: false }),
    );
    batches.push(Float32Array.from(await answer.data()));
    answer.dispose();
    onProgress(Math.min(start + BATCH, places.length));
  }
  return concatenated(batches);
}

function concatenated(parts: readonly Float32Array[]): Float32Array {
  const whole = new Float32Array(parts.reduce((size, part) => size + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** The place of the largest of each row's `classes` probabilities. */
export function answersOf(probabilities: Float32Array, classes: number): Uint8Array {
  return Uint8Array.from({ length: probabilities.length / classes }, (_, row) => {
    const scores = probabilities.subarray(row * classes, (row + 1) * classes);
    return scores.reduce((best, score, i) => (score > (scores[best] ?? 0) ? i : best), 0);
  });
}

/** Mean cross-entropy in nats of the given probabilities; one of 0 counts as 1e-7, as TensorFlow.js has it. */
export function crossEntropy(probabilities: Float32Array, labels: Uint8Array, classes: number): number {
  const total = labels.reduce((sum, label, row) => {
    const probability = probabilities[row * classes + label] ?? 0;
    return sum - Math.log(Math.max(probability, 1e-7));
  }, 0);
  return total / labels.length;
}

/** The share of labels that the answers agree with. */
export function accuracyOf(answers: Uint8Array, labels: Uint8Array): number {
  return answers.reduce((right, answer, i) => right + Number(answer === labels[i]), 0) / labels.length;
}
