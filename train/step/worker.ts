/** A training thread: it takes its part of each batch, and keeps the weights in step with the other threads. */
import { parentPort, workerData } from 'node:worker_threads';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { Exchange, ExchangeStopped, isStopped } from './exchange.ts';
import type { FromWorker, StateValue, ToWorker, WorkerSetup } from './messages.ts';
import { type EpochPlan, type Part, partOf, stepsOf } from './plan.ts';
import { RowMaker } from './rows.ts';

if (parentPort === null) throw new Error('worker.ts is for worker threads');
const port = parentPort;
const { rank, ranks, memory, data, rows, session } = workerData as WorkerSetup;
const maker = new RowMaker(data, rows);
const exchange = new Exchange(memory, rank);
const sessions = new Map<string, InferenceSession>();
const state = new Map<string, Tensor>();

const compiled = (name: string): InferenceSession => {
  const found = sessions.get(name);
  if (found === undefined) throw new Error(`the training thread was given no graph "${name}"`);
  return found;
};

/** Runs a graph on what it needs of `feeds` and of the state. */
async function run(name: string, feeds: Readonly<Record<string, Tensor>>) {
  const graph = compiled(name);
  const needed = graph.inputNames.map((input) => [input, feeds[input] ?? state.get(input)]);
  return graph.run(Object.fromEntries(needed));
}

async function gradients(plan: EpochPlan, part: Part, step: number): Promise<Float32Array> {
  const places = plan.order.subarray(part.start, part.start + part.rows);
  const { vector } = await run(`gradients ${part.rows}`, {
    x: new Tensor('float32', maker.inputs(places, plan.epoch), [
      part.rows,
      data.images.length / data.labels.length,
    ]),
    y: new Tensor('float32', maker.answers(places), [part.rows, rows.classes]),
    draw: new Tensor('int32', [plan.firstStep + step, part.firstRow], [2]),
    share: scalar(part.rows / part.batchRows),
  });
  return vector?.data as Float32Array;
}

async function update(vector: Float32Array, plan: EpochPlan, step: number): Promise<Float32Array> {
  const results = await run('update', {
    vector: new Tensor('float32', vector, [vector.length]),
    learningRate: scalar(plan.learningRates[step] as number),
    averagingRate: scalar(plan.averagingRates[step] as number),
  });
  for (const name of state.keys()) {
    const next = results[`next:${name}`];
    if (next !== undefined) state.set(name, next as Tensor);
  }
  return results.figures?.data as Float32Array;
}

async function epoch(plan: EpochPlan, progress: Int32Array, figures: Float32Array): Promise<void> {
  for (let step = 0; step < stepsOf(plan); step += 1) {
    const part = partOf(plan, step, rank, ranks);
    const own = part.rows === 0 ? new Float32Array(memory.total.length) : await gradients(plan, part, step);
    const result = await update(exchange.sum(own), plan, step);
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
