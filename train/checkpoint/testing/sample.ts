import type { Checkpoint } from '../format.ts';

/** A checkpoint all of whose content follows from its epoch; the score is highest at epoch 2. */
export function sampleCheckpoint(epoch: number, elements = 6): Checkpoint {
  return {
    epoch,
    score: 1 / (1 + Math.abs(epoch - 2)),
    progress: { history: [{ epoch, loss: 1 / epoch }] },
    tensors: new Map([
      [
        'dense/kernel',
        { dtype: 'float32', shape: [elements / 2, 2], data: new Float32Array(elements).fill(epoch) },
      ],
      ['adam/steps', { dtype: 'int32', shape: [], data: Int32Array.of(epoch) }],
    ]),
  };
}
