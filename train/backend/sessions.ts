import { InferenceSession, type Tensor } from 'onnxruntime-node';
import { GraphBuilder } from './graph.ts';
import { lowerings } from './kernels/all.ts';
import { type Plan, planOf } from './plan.ts';
import type { Value } from './value.ts';

export interface SessionSettings {
  /** Threads within one operator. */
  readonly threads: number;
}

/** A training loop has a handful of structures (a step, its last shorter batch, prediction); more is a leak. */
const MAX_SESSIONS = 32;

/** Compiles recorded computations, each structure once, and runs them. The least recently used one goes first. */
export class Sessions {
  readonly #settings: SessionSettings;
  readonly #compiled = new Map<string, InferenceSession>();

  runs = 0;

  constructor(settings: SessionSettings) {
    this.#settings = settings;
  }

  /** Computes `values`, which become data. */
  async compute(values: readonly Value[]): Promise<void> {
    const plan = planOf(values);
    const session = await this.#session(plan, values);
    const feeds: Record<string, Tensor> = {};
    plan.feeds.forEach((value, i) => {
      if (value.source.kind === 'data') feeds[inputName(i)] = value.source.tensor;
    });
    this.runs += 1;
    const results = await session.run(feeds);
    values.forEach((value, i) => {
      const tensor = results[outputName(i)];
      if (tensor === undefined) throw new Error(`ONNX Runtime gave no ${outputName(i)}`);
      value.source = { kind: 'data', tensor };
    });
  }

  get count(): number {
    return this.#compiled.size;
  }

  close(): void {
    for (const session of this.#compiled.values()) void session.release();
    this.#compiled.clear();
  }

  async #session(plan: Plan, values: readonly Value[]): Promise<InferenceSession> {
    const known = this.#compiled.get(plan.key);
    if (known !== undefined) this.#compiled.delete(plan.key); // put back as the latest
    const session = known ?? (await this.#compile(plan, values));
    this.#compiled.set(plan.key, session);
    const [oldestKey, oldest] = this.#compiled.entries().next().value ?? [];
    if (this.#compiled.size > MAX_SESSIONS && oldestKey !== undefined) {
      this.#compiled.delete(oldestKey);
      await oldest?.release();
    }
    return session;
  }

  #compile(plan: Plan, values: readonly Value[]): Promise<InferenceSession> {
    const graph = new GraphBuilder(lowerings, plan);
    plan.feeds.forEach((value, i) => {
      graph.input(value, inputName(i));
    });
    const refs = values.map((value) => graph.ref(value));
    const outputs = values.map(({ dtype, shape }, i) => ({ name: outputName(i), type: dtype, shape }));
    return InferenceSession.create(graph.build(outputs, refs), {
      executionProviders: ['cpu'],
      intraOpNumThreads: this.#settings.threads,
      interOpNumThreads: 1,
      graphOptimizationLevel: 'all', // 1.7 times faster than without
      logSeverityLevel: 4, // its errors are thrown as well, and its warnings are about graphs with nothing to fold
    });
  }
}

const inputName = (place: number) => `in${place}`;
const outputName = (place: number) => `out${place}`;
