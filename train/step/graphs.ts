import { backend, scalar, type Tensor, type Variable, zeros } from '@tensorflow/tfjs-core';
import { OnnxRuntimeBackend } from '../backend/backend.ts';
import { blockFor, type SessionSettings } from '../backend/sessions.ts';
import { type Trace, trace } from '../backend/trace.ts';
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

/** `learner.gradients` as a graph from x [rows, pixels], y [rows, classes], draw, share and the state to `vector`. */
export function gradientsGraph({ learner, draw, rows, pixels, classes, device }: GradientsOptions): Trace {
  const [x, y, share] = [zeros([rows, pixels]), zeros([rows, classes]), scalar(1)];
  return recorded([x, y, share], {
    inputs: { x, y, draw, share },
    state: learner.state,
    block: blockFor({ device }),
    compute: () => ({ vector: learner.gradients({ x, y, share }) }),
  });
}

interface UpdateOptions extends Required<Pick<SessionSettings, 'device'>> {
  readonly learner: Learner;
  /** Of the vector. */
  readonly size: number;
}

/** `learner.update` as a graph from vector, learningRate, averagingRate and the state to `figures` and the state. */
export function updateGraph({ learner, size, device }: UpdateOptions): Trace {
  const [vector, learningRate, averagingRate] = [zeros([size]), scalar(0), scalar(0)];
  return recorded([vector, learningRate, averagingRate], {
    inputs: { vector, learningRate, averagingRate },
    state: learner.state,
    block: blockFor({ device }),
    compute: () => ({ figures: learner.update(vector, learningRate, averagingRate) }),
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
