import { Worker } from 'node:worker_threads';
import type { Variable } from '@tensorflow/tfjs-core';
import { type SessionSettings, sessionOptions } from '../backend/sessions.ts';
import type { Trace } from '../backend/trace.ts';
import { type ExchangeMemory, exchangeMemory, stopExchange } from './exchange.ts';
import { gradientsGraph, layoutOf, updateGraph } from './graphs.ts';
import { type Layout, vectorSize } from './layout.ts';
import type { Learner } from './learner.ts';
import type { FromWorker, StateValues, ToWorker, WorkerSetup } from './messages.ts';
import { type EpochPlan, partSizes, pixelsOf, type RowOptions, type SharedImages, stepsOf } from './plan.ts';
import type { Trainer } from './trainer.ts';

export interface ThreadsOptions {
  readonly learner: Learner;
  /** What the model's random layers draw by: the step, and where in the batch the rows begin. */
  readonly draw: Variable;
  readonly data: SharedImages;
  readonly rows: RowOptions;
  readonly threads: number;
  /** The largest batch of all epochs. */
  readonly batchSize: number;
  readonly device: Exclude<SessionSettings['device'], undefined>;
}

/** How often the progress of the threads is looked at, in milliseconds. */
const LOOK_EVERY = 50;

/**
 * Data-parallel training: each thread takes its part of every batch through a recorded graph, the gradients are
 * exchanged through shared memory and summed in the order of the threads, and each thread makes the same update.
 * This thread only watches, so that progress and signals stay live.
 */
export class Threads implements Trainer {
  readonly #options: ThreadsOptions;
  readonly #memory: ExchangeMemory;
  readonly #workers: readonly ThreadHandle[];
  readonly #compiled = new Set<number>();

  private constructor(options: ThreadsOptions, layout: Layout) {
    const { threads: ranks, data, rows, device } = options;
    const session = sessionOptions({ threads: 1, device });
    const memory = exchangeMemory(ranks, vectorSize(layout));
    this.#options = options;
    this.#memory = memory;
    this.#workers = startAll(
      ranks,
      (rank) => new ThreadHandle({ rank, ranks, memory, layout, data, rows, session }),
    );
  }

  static async start(options: ThreadsOptions): Promise<Threads> {
    const { learner, threads: ranks, batchSize, device } = options;
    const rows = Math.ceil(batchSize / ranks);
    const gradients = gradientsGraph({ ...shapesOf(options), rows });
    const layout = layoutOf(gradients);
    const started = new Threads(options, layout);
    try {
      await started.#compile(`gradients ${rows}`, gradients);
      started.#compiled.add(rows);
      await started.#compile('update', updateGraph({ learner, layout, device }));
      await started.restore(await learner.read());
    } catch (error) {
      await started.close();
      throw error;
    }
    return started;
  }

  async epoch(
    plan: EpochPlan,
    onSteps: (done: number, figures: Float32Array) => void,
    signal: AbortSignal,
  ): Promise<Float32Array> {
    signal.throwIfAborted();
    for (const rows of partSizes(plan, this.#options.threads)) {
      if (this.#compiled.has(rows)) continue;
      await this.#compile(`gradients ${rows}`, gradientsGraph({ ...shapesOf(this.#options), rows }));
      this.#compiled.add(rows);
    }
    signal.throwIfAborted();
    const progress = new Int32Array(new SharedArrayBuffer(4));
    const figures = new Float32Array(new SharedArrayBuffer(stepsOf(plan) * 2 * 4));
    const stop = () => stopExchange(this.#memory);
    const listenerFailures: unknown[] = [];
    const look = () => {
      try {
        onSteps(Atomics.load(progress, 0), figures);
      } catch (error) {
        listenerFailures.push(error); // in a timer it would end the process
        stop();
      }
    };
    const timer = setInterval(look, LOOK_EVERY);
    signal.addEventListener('abort', stop);
    try {
      await this.#all({ kind: 'epoch', plan, progress, figures });
    } finally {
      clearInterval(timer);
      signal.removeEventListener('abort', stop);
    }
    signal.throwIfAborted();
    look();
    if (listenerFailures.length > 0) throw listenerFailures[0];
    return figures.slice(0, Atomics.load(progress, 0) * 2);
  }

  async state(): Promise<StateValues> {
    const [first] = this.#workers;
    const answer = await first?.ask({ kind: 'state' });
    if (answer?.kind !== 'state') throw new Error('a training thread gave no state');
    return answer.values;
  }

  restore(values: StateValues): Promise<void> {
    return this.#all({ kind: 'restore', values });
  }

  async close(): Promise<void> {
    stopExchange(this.#memory);
    await Promise.all(this.#workers.map((worker) => worker.close()));
  }

  #compile(name: string, { model }: Trace): Promise<void> {
    return this.#all({ kind: 'compile', name, model });
  }

  /** Asks all; waits for all of them, so that none is at work any more when the first failure is told. */
  async #all(message: ToWorker): Promise<void> {
    const answers = await Promise.allSettled(this.#workers.map((worker) => this.#ask(worker, message)));
    const failures = answers.flatMap((answer) =>
      answer.status === 'rejected' ? [answer.reason as unknown] : [],
    );
    if (failures.length > 0) throw failures[0];
  }

  async #ask(worker: ThreadHandle, message: ToWorker): Promise<void> {
    try {
      await worker.ask(message);
    } catch (error) {
      stopExchange(this.#memory); // whoever waits for a thread that died would wait for ever
      throw error;
    }
  }
}

/** All or none: a thread that is left over would keep the process alive. */
function startAll(count: number, start: (rank: number) => ThreadHandle): ThreadHandle[] {
  const started: ThreadHandle[] = [];
  try {
    for (let rank = 0; rank < count; rank += 1) started.push(start(rank));
    return started;
  } catch (error) {
    for (const thread of started) void thread.close();
    throw error;
  }
}

function shapesOf({ learner, draw, data, rows, device }: ThreadsOptions) {
  return { learner, draw, device, pixels: pixelsOf(data), classes: rows.classes };
}

/** One worker thread, asked one thing at a time. */
class ThreadHandle {
  readonly #worker: Worker;
  /** Rejects when the thread ends without having been told to. */
  readonly died: Promise<never>;
  #closing = false;

  constructor(setup: WorkerSetup) {
    this.#worker = new Worker(new URL('./start-worker.js', import.meta.url), {
      workerData: setup,
      name: `training thread ${setup.rank + 1} of ${setup.ranks}`,
    });
    this.died = new Promise((_, reject) => {
      const ended = (why: string) => {
        if (!this.#closing) reject(new Error(`A training thread ended unexpectedly: ${why}`));
      };
      this.#worker.once('error', (error) => ended(error.message));
      this.#worker.once('exit', (code) => ended(`exit code ${code}`));
    });
    this.died.catch(() => undefined); // seen by whoever asks
  }

  async ask(message: ToWorker): Promise<FromWorker> {
    let answer: FromWorker | undefined;
    // The race itself must come to nothing: `died` would keep all that it is ever raced with.
    await Promise.race([
      this.died,
      this.#answerTo(message).then((given) => {
        answer = given;
      }),
    ]);
    if (answer === undefined) throw new Error('a training thread did not answer');
    if (answer.kind === 'failed') throw new Error(`A training thread failed: ${answer.reason}`);
    return answer;
  }

  #answerTo(message: ToWorker): Promise<FromWorker> {
    return new Promise((resolve) => {
      this.#worker.once('message', resolve);
      this.#worker.postMessage(message);
    });
  }

  async close(): Promise<void> {
    this.#closing = true;
    await this.#worker.terminate();
  }
}
