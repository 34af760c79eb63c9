import { Worker } from 'node:worker_threads';
import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { type OnnxRuntimeBackend, UnsupportedDtype } from './backend.ts';
import { KernelFailed } from './failure.ts';
import { useOnnxRuntime } from './register.ts';
import { values } from './testing.ts';

let backend: OnnxRuntimeBackend;
beforeEach(async () => {
  backend = await useOnnxRuntime({ threads: 1 });
});
afterAll(() => tf.removeBackend('onnxruntime'));

describe('recording', () => {
  test('nothing is computed before data is asked for, and then all that shares work in one run', async () => {
    const x = tf.tensor([1, 2, 3]);
    const y = tf.mul(tf.add(x, 1), x);
    const z = tf.sum(y);
    expect(backend.runs).toBe(0);
    expect(Array.from(await z.data())).toEqual([20]);
    expect(Array.from(await y.data())).toEqual([2, 6, 12]);
    expect(backend.runs).toBe(1);
    tf.dispose([x, y, z]);
  });

  test('what shares no work with what is read waits', async () => {
    const x = tf.tensor([4]);
    const [asked, other] = [tf.sqrt(x), tf.exp(x)];
    await asked.data();
    expect(backend.calls).toBe(1);
    expect((await other.data())[0]).toBeCloseTo(Math.exp(4), 4);
    expect(backend.calls).toBe(2);
    tf.dispose([x, asked, other]);
  });

  test('what shares work with what is read is computed with it, also by way of a third', async () => {
    const x = tf.tensor([4]);
    const [root, double] = [tf.sqrt(x), tf.add(x, x)];
    const asked = tf.add(root, 1);
    const between = tf.add(root, double);
    const far = tf.neg(double);
    tf.dispose([root, double]);
    await asked.data();
    expect({ runs: backend.runs, calls: backend.calls }).toEqual({ runs: 1, calls: 5 });
    expect([between.dataSync()[0], far.dataSync()[0]]).toEqual([10, -8]);
    expect(backend.runs).toBe(1);
    tf.dispose([x, asked, between, far]);
  });

  test('whatever is recorded, disposed and read in whatever order: right, and no call is run twice', () => {
    const { maximum, minimum, sub } = tf;
    const operations = { maximum, minimum, sub };
    const place = fc.nat({ max: 99 });
    const step = fc.oneof(
      fc.record({ do: fc.constantFrom('maximum', 'minimum', 'sub'), a: place, b: place }),
      fc.record({ do: fc.constantFrom('dispose', 'read'), a: place, b: place }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 25 }), (steps) => {
        const before = backend.calls;
        let recorded = 0;
        const expected = [1, 2, 3];
        const tensors = expected.map((value) => tf.tensor([value]));
        for (const { do: action, a, b } of steps) {
          const [i, j] = [a % tensors.length, b % tensors.length];
          const [x, y] = [tensors[i] as tf.Tensor, tensors[j] as tf.Tensor];
          const [u, v] = [expected[i] as number, expected[j] as number];
          if (action === 'dispose' && tensors.length > 1) {
            x.dispose();
            tensors.splice(i, 1);
            expected.splice(i, 1);
          } else if (action === 'maximum' || action === 'minimum' || action === 'sub') {
            recorded += 1;
            tensors.push(operations[action](x, y));
            expected.push(action === 'sub' ? u - v : action === 'maximum' ? Math.max(u, v) : Math.min(u, v));
          } else {
            expect(x.dataSync()[0]).toBe(u);
          }
        }
        expect(tensors.map((tensor) => tensor.dataSync()[0])).toEqual(expected);
        expect(backend.calls - before).toBeLessThanOrEqual(recorded);
        tf.dispose(tensors);
      }),
      { numRuns: 60, seed: 1 },
    );
    expect(backend.numDataIds()).toBe(0);
  });

  test('something counted up and never read does not grow for ever', () => {
    const one = tf.scalar(1);
    let count = tf.scalar(0);
    for (let step = 0; step < 4500; step += 1) {
      const next = tf.add<tf.Scalar>(count, one);
      count.dispose();
      count = next;
    }
    expect(backend.runs).toBe(2);
    expect(count.dataSync()[0]).toBe(4500);
    tf.dispose([count, one]);
  });

  test('a training step is one run, and after the first ones is not compiled again', async () => {
    const weights = tf.variable(tf.tensor2d(values(12), [4, 3]));
    const optimizer = tf.train.adam(0.1);
    const x = tf.tensor2d(values(20, 2), [5, 4]);
    const stepOnce = async () => {
      const loss = optimizer.minimize(() => tf.sum<tf.Scalar>(tf.square(tf.matMul(x, weights))), true);
      await loss?.data();
      loss?.dispose();
    };
    for (let step = 1; step <= 3; step += 1) await stepOnce();
    const { compiled } = backend;
    const { numTensors, numDataBuffers, numBytes } = tf.memory();
    for (let step = 4; step <= 8; step += 1) await stepOnce();
    expect({ runs: backend.runs, compiled: backend.compiled }).toEqual({ runs: 8, compiled });
    expect(tf.memory()).toMatchObject({ numTensors, numDataBuffers, numBytes });
    optimizer.dispose();
    tf.dispose([weights, x]);
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

describe('reading synchronously', () => {
  test('dataSync gives what data gives', async () => {
    const x = tf.tensor([1, 4, 9]);
    const roots = tf.sqrt(x);
    expect(roots.dataSync()).toEqual(Float32Array.of(1, 2, 3));
    expect(await roots.data()).toEqual(Float32Array.of(1, 2, 3));
    expect(backend.runs).toBe(1);
    tf.dispose([x, roots]);
  });

  test('it may come while another read is awaited', async () => {
    const x = tf.tensor([1, 4]);
    const roots = tf.sqrt(x);
    const reading = roots.data();
    expect(roots.dataSync()).toEqual(Float32Array.of(1, 2));
    expect(await reading).toEqual(Float32Array.of(1, 2));
    expect(backend.runs).toBe(1);
    tf.dispose([x, roots]);
  });

  test('data lets others have a turn before it computes', async () => {
    const x = tf.sqrt(tf.tensor([4]));
    const turns: string[] = [];
    setImmediate(() => turns.push(`${backend.runs} runs`));
    await x.data();
    expect(turns).toEqual(['0 runs']);
    x.dispose();
  });

  test('it works in a worker thread', async () => {
    const module = (name: string) => JSON.stringify(new URL(name, import.meta.url).href);
    const worker = new Worker(
      `(async () => {
        const { parentPort } = require('node:worker_threads');
        (await import(${JSON.stringify(import.meta.resolve('tsx/esm/api'))})).register();
        const { useOnnxRuntime } = await import(${module('./register.ts')});
        const tf = await import(${JSON.stringify(import.meta.resolve('@tensorflow/tfjs-core'))});
        await useOnnxRuntime({ threads: 1 });
        parentPort.postMessage(tf.sqrt(tf.tensor([4, 9])).dataSync());
      })()`,
      { eval: true, execArgv: [] },
    );
    const answer = await new Promise((resolve, reject) => {
      worker.once('message', resolve).once('error', reject);
    });
    await worker.terminate();
    expect(answer).toEqual(Float32Array.of(2, 3));
  });
});

describe('memory', () => {
  test('counts what is there, computed or not, and comes back to what it was', () => {
    const before = tf.memory();
    const x = tf.tensor2d([1, 2, 3, 4], [2, 2]);
    const y = tf.tidy(() => tf.add(tf.mul(x, 2), tf.mul(x, 3)));
    const copy = y.clone();
    const expected = {
      numTensors: before.numTensors + 3,
      numDataBuffers: before.numDataBuffers + 2,
      numBytes: before.numBytes + 48, // as TensorFlow.js counts it, a clone has bytes of its own
    };
    expect(tf.memory()).toMatchObject(expected);
    y.dataSync();
    expect(tf.memory()).toMatchObject(expected);
    tf.dispose([x, y]);
    expect(copy.dataSync()).toEqual(Float32Array.of(5, 10, 15, 20));
    copy.dispose();
    expect(tf.memory()).toEqual(before);
    expect(backend.numDataIds()).toBe(0);
  });

  test('the numbers given to a tensor may be used for something else once results are read', () => {
    const numbers = Float32Array.of(1, 2);
    const x = tf.tensor(numbers);
    const doubled = tf.mul(x, 2);
    doubled.dataSync();
    numbers.fill(7);
    expect(doubled.dataSync()).toEqual(Float32Array.of(2, 4));
    tf.dispose([x, doubled]);
  });
});

describe('what cannot be done', () => {
  test('a failure names the kernel, its shapes and attributes, and gives the reason', async () => {
    const x = tf.tensor2d([1, 2, 3, 4], [2, 2]);
    const bad = tf.neg(tf.gather(tf.add(x, 1), tf.tensor1d([0, 9], 'int32'), 1));
    const error = await bad.data().catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(KernelFailed);
    expect(String(error)).toMatch(
      /could not run GatherV2\(float32\[2,2\], int32\[2\]\) \{"axis":1.*\} -> float32\[2,2\]/,
    );
    expect(String(error)).toMatch(/indices element out of data bounds, idx=9/);
    tf.dispose([x, bad]);
  });

  test('text and complex numbers are refused when they become a tensor', () => {
    expect(() => tf.tensor(['a'])).toThrow(/no tensors of type string, only float32, int32 and bool/);
    expect(() => backend.write(new Float32Array(2), [1], 'complex64')).toThrow(UnsupportedDtype);
  });
});
