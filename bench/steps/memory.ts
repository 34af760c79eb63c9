import { memory } from '@tensorflow/tfjs-core';

export interface MemoryMarks {
  readonly steps: number;
  /** Resident memory of the process in MB (10^6 bytes), at ten marks as far apart. */
  readonly residentMB: readonly number[];
  /** Tensors of TensorFlow.js that are alive, at the same marks. */
  readonly tensors: readonly number[];
}

const MARKS = 10;

/** Trains so many steps and looks at the memory on the way. */
export async function memoryOver(
  steps: number,
  train: (steps: number) => Promise<number>,
): Promise<MemoryMarks> {
  const [residentMB, tensors]: [number[], number[]] = [[], []];
  for (let mark = 0; mark < MARKS; mark += 1) {
    await train(Math.ceil(steps / MARKS));
    residentMB.push(Math.round(process.memoryUsage.rss() / 1e6));
    tensors.push(memory().numTensors);
  }
  return { steps: Math.ceil(steps / MARKS) * MARKS, residentMB, tensors };
}
