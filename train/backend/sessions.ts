import type { InferenceSession, Tensor } from 'onnxruntime-node';
import { blockWidth } from './block-width.ts';
import { callsByNode, explained } from './failure.ts';
import { GraphBuilder } from './graph.ts';
import { lowerings } from './kernels/all.ts';
import { createSession, type NativeSession } from './native.ts';
import { type Plan, planOf } from './plan.ts';
import type { Value } from './value.ts';

export interface SessionSettings {
  /** Threads within one operator. */
  readonly threads: number;
  /** What computes; what a GPU's provider lacks is computed on the CPU. Default: cpu. */
  readonly device?: 'cpu' | 'webgpu' | 'cuda';
}

/** A training loop has a handful of structures (a step, its last shorter batch, prediction); more is a leak. */
const MAX_SESSIONS = 32;

interface Compiled {
  readonly session: NativeSession;
  readonly calls: ReadonlyMap<string, string>;
}

/** Compiles recorded computations, each structure once, and runs them. The least recently used one goes first. */
export class Sessions {
  readonly #settings: SessionSettings;
  readonly #compiled = new Map<string, Compiled>();

  runs = 0;
  /** Kernel calls computed in these runs. */
  calls = 0;

  constructor(settings: SessionSettings) {
    this.#settings = settings;
  }

  /** Computes `values`, which become data. Throws a `KernelFailed` where ONNX Runtime can't. */
  compute(values: readonly Value[]): void {
    const plan = planOf(values);
    const { session, calls } = this.#session(plan, values);
    const feeds: Record<string, Tensor> = {};
    plan.feeds.forEach((value, i) => {
      if (value.source.kind === 'data') feeds[inputName(i)] = value.source.tensor;
    });
    const wanted = Object.fromEntries(values.map((_, i) => [outputName(i), null]));
    this.runs += 1;
    const results = attempt('run', calls, () => session.run(feeds, wanted, {}));
    this.calls += plan.calls;
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
    for (const { session } of this.#compiled.values()) session.dispose();
    this.#compiled.clear();
  }

  #session(plan: Plan, values: readonly Value[]): Compiled {
    const known = this.#compiled.get(plan.key);
    if (known !== undefined) this.#compiled.delete(plan.key); // put back as the latest
    const compiled = known ?? this.#compile(plan, values);
    this.#compiled.set(plan.key, compiled);
    const [oldestKey, oldest] = this.#compiled.entries().next().value ?? [];
    if (this.#compiled.size > MAX_SESSIONS && oldestKey !== undefined) {
      this.#compiled.delete(oldestKey);
      oldest?.session.dispose();
    }
    return compiled;
  }

  #compile(plan: Plan, values: readonly Value[]): Compiled {
    const graph = new GraphBuilder(lowerings, plan, { block: blockFor(this.#settings) });
    plan.feeds.forEach((value, i) => {
      graph.input(value, inputName(i));
    });
    const refs = values.map((value) => graph.ref(value));
    const outputs = values.map(({ dtype, shape }, i) => ({ name: outputName(i), type: dtype, shape }));
    const model = graph.build(outputs, refs);
    const calls = callsByNode(graph);
    return {
      session: attempt('compile', calls, () => createSession(model, sessionOptions(this.#settings))),
      calls,
    };
  }
}

/** The channels in a block of its convolutions; undefined for devices that have none. */
export function blockFor({ device = 'cpu' }: Pick<SessionSettings, 'device'>): number | undefined {
  return device === 'cpu' ? blockWidth() : undefined;
}

/** How ONNX Runtime is set up, for graphs that the backend made. */
export function sessionOptions({
  device = 'cpu',
  threads,
}: SessionSettings): InferenceSession.SessionOptions {
  return {
    executionProviders: device === 'cpu' ? ['cpu'] : [device, 'cpu'],
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    graphOptimizationLevel: 'all', // 1.7 times faster than without
    logSeverityLevel: 4, // its errors are thrown as well, and its warnings are about graphs with nothing to fold
  };
}

function attempt<T>(doing: 'compile' | 'run', calls: ReadonlyMap<string, string>, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw explained(error, doing, calls);
  }
}

const inputName = (place: number) => `in${place}`;
const outputName = (place: number) => `out${place}`;
