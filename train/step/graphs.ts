import { backend, scalar, type Tensor, type Variable, zeros } from '@tensorflow/tfjs-core';
import { OnnxRuntimeBackend } from '../backend/backend.ts';
import { blockFor, type SessionSettings } from '../backend/sessions.ts';
import { type Trace, trace } from '../backend/trace.ts';
import type { Layout } from './layout.ts';
import type { Learner } from './learner.ts';

interface GradientsOptions extends Required<Pick<SessionSettings, 'device'>> {
  readonly learner: Learner;
  /** What the model's random layers draw by: the step, and where in the batch the rows begin. */
  readonly draw: Variable;
  readonly rows: number;
  /** Of a row. */
  readonly pixels: number;
  readonly classes: number;
}

/** `learner.gradients` as a graph from x [rows, pixels], y [rows, classes], draw, share and the state to what it gives. */
export function gradientsGraph({ learner, draw, rows, pixels, classes, device }: GradientsOptions): Trace {
  const [x, y, share] = [zeros([rows, pixels]), zeros([rows, classes]), scalar(1)];
  return recorded([x, y, share], {
    inputs: { x, y, draw, share },
    state: learner.state,
    block: blockFor({ device }),
    compute: () => learner.gradients({ x, y, share }),
  });
}

/** Of the outputs of a graph in which no size is open. */
export function layoutOf({ outputs }: Trace): Layout {
  return outputs.map(({ name, shape }) => {
    const sizes = shape.filter((size) => typeof size === 'number');
    if (sizes.length < shape.length) throw new Error(`${name} has an open size: [${shape}]`);
    return { name, shape: sizes };
  });
}

interface UpdateOptions extends Required<Pick<SessionSettings, 'device'>> {
  readonly learner: Learner;
  /** Of what `gradientsGraph` gives. */
  readonly layout: Layout;
}

/** `learner.update` as a graph from the sums, learningRate, averagingRate and the state to the state. */
export function updateGraph({ learner, layout, device }: UpdateOptions): Trace {
  const [learningRate, averagingRate] = [scalar(0), scalar(0)];
  const sums = Object.fromEntries(layout.map(({ name, shape }) => [name, zeros([...shape])]));
  return recorded([learningRate, averagingRate, ...Object.values(sums)], {
    inputs: { ...sums, learningRate, averagingRate },
    state: learner.state,
    block: blockFor({ device }),
    compute: () => {
      learner.update(sums, learningRate, averagingRate);
      return {};
    },
  });
}

function recorded(placeholders: readonly Tensor[], request: Parameters<typeof trace>[1]): Trace {
  const recorder = backend();
  if (!(recorder instanceof OnnxRuntimeBackend)) {
    throw new Error('training in threads needs the onnxruntime backend to record the step');
  }
  try {
    return trace(recorder, request);
  } finally {
    for (const placeholder of placeholders) placeholder.dispose();
  }
}
