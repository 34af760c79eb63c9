import { once } from 'node:events';
import { Worker } from 'node:worker_threads';

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
    const separate = await rateOf(this.#separate, seconds / 2);
    const together = await rateOf(this.#together, seconds / 2);
    return Math.max(separate, together);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#separate, ...this.#together].map((worker) => worker.terminate()));
  }
}

function multiplier(threads: number): Worker {
  return new Worker(new URL('start-multiplier.js', import.meta.url), { workerData: { threads } });
}

async function rateOf(workers: readonly Worker[], seconds: number): Promise<number> {
  const rates = await Promise.all(
    workers.map(async (worker) => {
      worker.postMessage(seconds);
      const [rate] = (await once(worker, 'message')) as [number]; // rejects if the worker fails
      return rate;
    }),
  );
  return rates.reduce((sum, rate) => sum + rate, 0);
}
