import { Tensor } from 'onnxruntime-node';
import { createSession } from '../../train/backend/native.ts';
import { sessionOptions } from '../../train/backend/sessions.ts';
import type { Trace } from '../../train/backend/trace.ts';
import { sizeOf } from '../../train/backend/value.ts';
import { ROW_SIZE } from '../../train/model/presets.ts';
import { gradientsGraph, layoutOf, updateGraph } from '../../train/step/graphs.ts';
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

  static async of({ learner, draw }: Training, batch: number): Promise<BareStep> {
    const state = await learner.read();
    const gradients = gradientsGraph({
      learner,
      draw,
      rows: batch,
      pixels: ROW_SIZE,
      classes: CLASSES,
      device: 'cpu',
    });
    const update = updateGraph({ learner, layout: layoutOf(gradients), device: 'cpu' });
    const graphs = [graphOf(gradients, state), graphOf(update, state)];
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

type Graph = ReturnType<typeof graphOf>;

/** Fed with the state, and with zeros for the rest: no operator here is faster or slower for it. */
function graphOf({ model, inputs, outputs }: Trace, state: StateValues) {
  const feeds = Object.fromEntries(
    inputs.map(({ name, dtype, shape }) => {
      const known = state.get(name);
      const dims = shape as readonly number[];
      const size = sizeOf(dims);
      const data = known?.data ?? (dtype === 'int32' ? new Int32Array(size) : new Float32Array(size));
      return [
        name,
        new Tensor(data instanceof Int32Array ? 'int32' : 'float32', data as never, dims) as Tensor,
      ];
    }),
  );
  const wanted = Object.fromEntries(outputs.map(({ name }) => [name, null]));
  return { session: createSession(model, sessionOptions({ threads: 1 })), feeds, wanted };
}
