import type { Tensor } from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';

/** What the model answers to `x`. @throws when it has several outputs */
export function answerOf(model: LayersModel, x: Tensor, { training }: { training: boolean }): Tensor {
  const output = model.apply(x, { training });
  if (Array.isArray(output) || !('dataId' in output)) throw new Error('the model gives no single tensor');
  return output;
}
