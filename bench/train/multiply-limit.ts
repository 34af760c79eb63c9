import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { encodeModel } from '../../train/backend/onnx.ts';
import { sessionOptions } from '../../train/backend/sessions.ts';

/** [ROWS, INNER] x [INNER, COLUMNS]: as large as the products of a training step. */
const [ROWS, INNER, COLUMNS] = [512, 1600, 1024];
const GIGAFLOP = (2 * ROWS * INNER * COLUMNS) / 1e9;

/**
 * How fast this machine multiplies matrices of 32-bit floats when it does nothing else, with ONNX Runtime's own
 * kernels: in as many threads as it has cores, each with products of its own, or all at work on one product.
 */
export class MultiplyLimit implements AsyncDisposable {
  readonly #separate: readonly Worker[];
  readonly #together: readonly Worker[];

  constructor(cores: number) {
    this.#separate = Array.from({ length: cores }, () => multiplier(1));
    this.#together = cores === 1 ? [] : [multiplier(cores)];
  }

  /** GFLOP/s of the faster way, over so many seconds in all. */
  async measure(seconds: number): Promise<number> {
    const separate = await runsPerSecond(this.#separate, seconds / 2);
    const together = await runsPerSecond(this.#together, seconds / 2);
    return Math.max(separate, together) * GIGAFLOP;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#separate, ...this.#together].map((worker) => worker.terminate()));
  }
}

function multiplier(threads: number): Worker {
  const workerData = {
    model: product(),
    options: sessionOptions({ threads }),
    values: filled(ROWS * INNER),
    shape: [ROWS, INNER],
  };
  return new Worker(new URL('multiplier.js', import.meta.url), { workerData });
}

/** The second factor is a constant, which ONNX Runtime arranges for its kernel beforehand. */
function product(): Uint8Array {
  const bytes = new Uint8Array(filled(INNER * COLUMNS).buffer);
  return encodeModel({
    nodes: [{ op: 'MatMul', name: 'product', inputs: ['a', 'b'], outputs: ['c'], attributes: {} }],
    initializers: [{ name: 'b', type: 'float32', shape: [INNER, COLUMNS], bytes }],
    inputs: [{ name: 'a', type: 'float32', shape: [ROWS, INNER] }],
    outputs: [{ name: 'c', type: 'float32', shape: [ROWS, COLUMNS] }],
  });
}

function filled(size: number): Float32Array<ArrayBuffer> {
  return Float32Array.from({ length: size }, (_, place) => ((place % 97) - 48) / 97);
}

async function runsPerSecond(workers: readonly Worker[], seconds: number): Promise<number> {
  const rates = await Promise.all(
    workers.map(async (worker) => {
      worker.postMessage(seconds);
      const [rate] = (await once(worker, 'message')) as [number]; // rejects if the worker fails
      return rate;
    }),
  );
  return rates.reduce((sum, rate) => sum + rate, 0);
}
