import { type Tensor, zeros } from '@tensorflow/tfjs-core';
import type { OnnxRuntimeBackend } from './backend.ts';
import { trace } from './trace.ts';

export interface ExportOptions {
  /** `shape` is one row's, without the batch. */
  readonly input: { readonly name: string; readonly shape: readonly number[] };
  readonly output: { readonly name: string };
  /** Names for the weights in the file. */
  readonly weights: ReadonlyMap<string, Tensor>;
}

/** A prime that no shape of a real model is a multiple of: where it shows up, the batch does. */
const BATCH = 7919;

/**
 * Writes the function `apply` (rows in, [batch, ...] out) as an ONNX model with a free batch dimension: it is
 * recorded once with a batch of an unmistakable size, and nothing is computed.
 */
export function exportOnnx(
  backend: OnnxRuntimeBackend,
  apply: (rows: Tensor) => Tensor,
  { input, output, weights }: ExportOptions,
): Uint8Array {
  const rows = zeros([BATCH, ...input.shape]);
  try {
    const { model } = trace(backend, {
      inputs: { [input.name]: rows },
      compute: () => ({ [output.name]: apply(rows) }),
      constants: weights,
      freeBatch: BATCH,
    });
    return model;
  } finally {
    rows.dispose();
  }
}
