import { type NamedTensorMap, scalar, zeros } from '@tensorflow/tfjs-core';
import { Tensor } from 'onnxruntime-node';
import type { OnnxRuntimeBackend } from '../../train/backend/backend.ts';
import { createSession } from '../../train/backend/native.ts';
import { sessionOptions } from '../../train/backend/sessions.ts';
import { type Trace, trace } from '../../train/backend/trace.ts';
import { ROW_SIZE } from '../../train/model/presets.ts';
import type { StateValues } from '../../train/step/messages.ts';
import { CLASSES, type Training } from '../training.ts';

/**
 * The two graphs that `train/step/threads.ts` has each of its threads run in a step, here for a single thread, run
 * on the same feeds again and again: nothing but the calls of ONNX Runtime.
 */
export class BareStep implements Disposable {
  readonly #graphs: readonly Graph[];

  private constructor(graphs: readonly Graph[]) {
    this.#graphs = graphs;
  }

  static async of(
    { learner, draw }: Training,
    batch: number,
    backend: OnnxRuntimeBackend,
  ): Promise<BareStep> {
    const state = await learner.read();
    const [x, y, share] = [zeros([batch, ROW_SIZE]), zeros([batch, CLASSES]), scalar(1)];
    const inputs = { x, y, draw, share };
    const gradients = trace(backend, {
      inputs,
      state: learner.state,
      compute: () => ({ vector: learner.gradients({ x, y, share }) }),
    });
    const shard0 = zeros(gradients.outputs[0]?.shape as number[]);
    const [learningRate, averagingRate] = [scalar(0.001), scalar(0)];
    const fed = { shard0, learningRate, averagingRate };
    const update = trace(backend, {
      inputs: fed,
      state: learner.state,
      compute: () => ({ figures: learner.update([shard0], learningRate, averagingRate) }),
    });
    const graphs = [await graphOf(gradients, inputs, state), await graphOf(update, fed, state)];
    for (const tensor of [x, y, share, shard0, learningRate, averagingRate]) tensor.dispose();
    return new BareStep(graphs);
  }

  /** Runs so many steps; returns the milliseconds that they took. */
  run(steps: number): number {
    const started = performance.now();
    for (let step = 0; step < steps; step += 1) {
      for (const { session, feeds, wanted } of this.#graphs) session.run(feeds, wanted, {});
    }
    return performance.now() - started;
  }

  [Symbol.dispose](): void {
    for (const { session } of this.#graphs) session.dispose();
  }
}

type Graph = Awaited<ReturnType<typeof graphOf>>;

async function graphOf({ model, inputs, outputs }: Trace, fed: NamedTensorMap, state: StateValues) {
  const feeds: Record<string, Tensor> = {};
  for (const { name } of inputs) {
    const data = (await fed[name]?.data())?.slice() ?? state.get(name)?.data;
    const shape = fed[name]?.shape ?? state.get(name)?.shape;
    if (data === undefined || shape === undefined) throw new Error(`the step has an unknown input "${name}"`);
    feeds[name] =
      data instanceof Int32Array
        ? new Tensor('int32', data, shape)
        : new Tensor('float32', data as Float32Array, shape);
  }
  const wanted = Object.fromEntries(outputs.map(({ name }) => [name, null]));
  return { session: createSession(model, sessionOptions({ threads: 1 })), feeds, wanted };
}
