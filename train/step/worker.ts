/** A training thread: it takes its part of each batch, and keeps the weights in step with the other threads. */
import { parentPort, workerData } from 'node:worker_threads';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { nextOf } from '../backend/next-of.ts';
import { sizeOf } from '../backend/value.ts';
import { Exchange, ExchangeStopped, isStopped } from './exchange.ts';
import { partsOf } from './layout.ts';
import type { FromWorker, StateValue, ToWorker, WorkerSetup } from './messages.ts';
import { type EpochPlan, type Part, partOf, pixelsOf, stepsOf } from './plan.ts';
import { RowMaker } from './rows.ts';

if (parentPort === null) throw new Error('worker.ts is for worker threads');
const port = parentPort;
const { rank, ranks, memory, layout, data, rows, session } = workerData as WorkerSetup;
const maker = new RowMaker(data, rows);
const exchange = new Exchange(memory, rank);
const sessions = new Map<string, InferenceSession>();
const state = new Map<string, Tensor>();
/** What the state was a step ago: the next one is written there. */
const spare = new Map<string, Tensor>();
/** What this thread's part would change, and then the sum of that over the whole batch. */
const vector = new Float32Array(memory.total.length);
const parts = partsOf(vector, layout);
/** The same, as tensors. */
const sums = Object.fromEntries(
  layout.map(({ name, shape }) => [name, new Tensor('float32', parts.get(name) as Float32Array, shape)]),
);

const compiled = (name: string): InferenceSession => {
  const found = sessions.get(name);
  if (found === undefined) throw new Error(`the training thread was given no graph "${name}"`);
  return found;
};

/**
 * Runs a graph on what it needs of `feeds` and of the state, and writes what it gives of `results` into those tensors:
 * new ones for each step would be memory that the system has to find and clear each time. Resolves to their names.
 */
async function run(
  name: string,
  feeds: Readonly<Record<string, Tensor>>,
  results: Readonly<Record<string, Tensor>>,
): Promise<ReadonlySet<string>> {
  const graph = compiled(name);
  const needed = graph.inputNames.map((input) => [input, feeds[input] ?? state.get(input)]);
  const wanted = graph.outputNames.filter((output) => output in results);
  await graph.run(
    Object.fromEntries(needed),
    Object.fromEntries(wanted.map((output) => [output, results[output] as Tensor])),
  );
  return new Set(wanted);
}

/** Puts what the part's rows would change into the vector. */
async function gradients(plan: EpochPlan, part: Part, step: number): Promise<void> {
  const places = plan.order.subarray(part.start, part.start + part.rows);
  const feeds = {
    x: new Tensor('float32', maker.inputs(places, plan), [part.rows, pixelsOf(data)]),
    y: new Tensor('float32', maker.answers(places), [part.rows, rows.classes]),
    draw: new Tensor('int32', [plan.firstStep + step, part.firstRow], [2]),
    share: scalar(part.rows / part.batchRows),
  };
  await run(`gradients ${part.rows}`, feeds, sums);
}

/** Changes the state by the sums in the vector. */
async function update(plan: EpochPlan, step: number): Promise<void> {
  const next = Object.fromEntries(
    [...state].map(([name, { type, dims }]) => [nextOf(name), spare.get(name) ?? empty(type, dims)]),
  );
  const feeds = {
    ...sums,
    learningRate: scalar(plan.learningRates[step] as number),
    averagingRate: scalar(plan.averagingRates[step] as number),
  };
  const changed = await run('update', feeds, next);
  for (const [name, old] of state) {
    if (!changed.has(nextOf(name))) continue;
    state.set(name, next[nextOf(name)] as Tensor);
    spare.set(name, old);
  }
}

async function epoch(plan: EpochPlan, progress: Int32Array, figures: Float32Array): Promise<void> {
  for (let step = 0; step < stepsOf(plan); step += 1) {
    const part = partOf(plan, step, rank, ranks);
    if (part.rows === 0) vector.fill(0);
    else await gradients(plan, part, step);
    exchange.sum(vector);
    await update(plan, step);
    const result = parts.get('figures') as Float32Array;
    if (rank === 0) {
      figures.set(result, step * 2);
      Atomics.store(progress, 0, step + 1);
    }
    if (!Number.isFinite(result[0])) break; // all see the same figures, so all stop here
    if (isStopped(memory)) throw new ExchangeStopped();
  }
}

const handlers: {
  [Kind in ToWorker['kind']]: (message: Extract<ToWorker, { kind: Kind }>) => Promise<FromWorker>;
} = {
  async compile({ name, model }) {
    sessions.set(name, await InferenceSession.create(model, session));
    return { kind: 'done' };
  },
  async restore({ values }) {
    spare.clear();
    for (const [name, { dtype, data, shape }] of values)
      state.set(name, new Tensor(dtype, data, shape) as Tensor);
    return { kind: 'done' };
  },
  async epoch({ plan, progress, figures }) {
    await epoch(plan, progress, figures);
    return { kind: 'done' };
  },
  async state() {
    return { kind: 'state', values: new Map([...state].map(([name, tensor]) => [name, stateValue(tensor)])) };
  },
};

function stateValue({ type, data, dims }: Tensor): StateValue {
  return { dtype: type, data, shape: dims } as StateValue;
}

function empty(type: Tensor.Type, dims: readonly number[]): Tensor {
  const size = sizeOf(dims);
  return type === 'int32'
    ? new Tensor('int32', new Int32Array(size), dims)
    : new Tensor('float32', new Float32Array(size), dims);
}

function scalar(value: number): Tensor {
  return new Tensor('float32', [value], []);
}

port.on('message', async (message: ToWorker) => {
  const handle = handlers[message.kind] as (message: ToWorker) => Promise<FromWorker>;
  const answer = await handle(message).catch(
    (error: unknown): FromWorker =>
      error instanceof ExchangeStopped
        ? { kind: 'stopped' }
        : { kind: 'failed', reason: error instanceof Error ? error.message : String(error) },
  );
  port.postMessage(answer);
});
