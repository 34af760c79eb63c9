import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import type { OnnxRuntimeBackend } from './backend.ts';
import { useOnnxRuntime } from './register.ts';

let backend: OnnxRuntimeBackend;
beforeEach(async () => {
  backend = await useOnnxRuntime({ threads: 1 });
});
afterAll(() => tf.removeBackend('onnxruntime'));

describe('recording', () => {
  test('nothing is computed before data is asked for, and then all of it in one run', async () => {
    const x = tf.tensor([1, 2, 3]);
    const y = tf.mul(tf.add(x, 1), x);
    const z = tf.sum(y);
    expect(backend.runs).toBe(0);
    expect(Array.from(await z.data())).toEqual([20]);
    expect(Array.from(await y.data())).toEqual([2, 6, 12]);
    expect(backend.runs).toBe(1);
    tf.dispose([x, y, z]);
  });

  test('what was disposed is not computed for its own sake', async () => {
    const x = tf.tensor([4]);
    const unused = tf.log(x);
    unused.dispose();
    const y = tf.sqrt(x);
    expect(Array.from(await y.data())).toEqual([2]);
    expect(backend.runs).toBe(1);
    tf.dispose([x, y]);
    expect(backend.numDataIds()).toBe(0);
  });

  test('a graph of the same structure is compiled once', async () => {
    for (let step = 0; step < 5; step += 1) {
      const loss = tf.tidy(() => tf.sum(tf.square(tf.tensor([step, step + 1]))));
      expect(Array.from(await loss.data())).toEqual([step ** 2 + (step + 1) ** 2]);
      loss.dispose();
    }
    expect(backend.compiled).toBe(1);
  });

  test('reading a pending tensor synchronously says what to do instead', () => {
    const x = tf.add(tf.tensor([1]), 1);
    expect(() => x.dataSync()).toThrow(/await tensor.data\(\)/);
    x.dispose();
  });

  test('reads at the same time are answered from one run', async () => {
    const [a, b] = [tf.add(tf.tensor([1]), 1), tf.add(tf.tensor([2]), 1)];
    expect(await Promise.all([a.data(), b.data()])).toEqual([Float32Array.of(2), Float32Array.of(3)]);
    expect(backend.runs).toBe(1);
    tf.dispose([a, b]);
  });

  test('a failed run is reported to its reader and does not stop the next', async () => {
    const x = tf.tensor([1, 2, 3, 4]);
    const bad = tf.gather(x, tf.tensor1d([9], 'int32'));
    await expect(bad.data()).rejects.toThrow(/indices element out of data bounds/);
    bad.dispose();
    const good = tf.add(x, 1);
    expect(Array.from(await good.data())).toEqual([2, 3, 4, 5]);
  });

  test('what was recorded before a failed run can still be read after it', async () => {
    const x = tf.tensor([1, 2, 3, 4]);
    const good = tf.add(x, 1);
    const bad = tf.gather(x, tf.tensor1d([9], 'int32'));
    await expect(bad.data()).rejects.toThrow(/out of data bounds/);
    bad.dispose();
    expect(Array.from(await good.data())).toEqual([2, 3, 4, 5]);
  });

  test('a tensor may be disposed while it is read', async () => {
    const x = tf.tensor([1, 2]);
    const doubled = tf.mul(x, 2);
    const reading = doubled.data();
    doubled.dispose();
    expect(Array.from(await reading)).toEqual([2, 4]);
    const tidied: Promise<unknown>[] = [];
    tf.tidy(() => {
      tidied.push(tf.add(x, 1).data());
    });
    expect(await Promise.all(tidied)).toEqual([Float32Array.of(2, 3)]);
  });

  test('graphs that differ only in NaN, an infinity or the sign of 0 are not taken for one another', async () => {
    const numbers = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0, -0];
    for (const number of numbers)
      expect(Array.from(await tf.fill([2], number).data())).toEqual([number, number]);
  });
});
