import { fill, type Tensor, tidy } from '@tensorflow/tfjs-core';
import type { OnnxRuntimeBackend } from './backend.ts';
import { GraphBuilder } from './graph.ts';
import { lowerings } from './kernels/all.ts';
import { planOf } from './plan.ts';

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
export async function exportOnnx(
  backend: OnnxRuntimeBackend,
  apply: (rows: Tensor) => Tensor,
  { input, output, weights }: ExportOptions,
): Promise<Uint8Array> {
  await backend.flush(); // the weights must be data
  return tidy(() => {
    const rows = fill([BATCH, ...input.shape], 0);
    const x = backend.valueBehind(rows);
    const y = backend.valueBehind(apply(rows));
    const plan = planOf([y]);
    const names = new Map([...weights].map(([name, tensor]) => [backend.valueBehind(tensor), name]));

    const graph = new GraphBuilder(lowerings, plan, BATCH);
    graph.input(x, input.name, ['batch', ...input.shape]);
    plan.feeds.forEach((value, i) => {
      if (value.source.kind !== 'data') return;
      const { data } = value.source.tensor;
      if (!ArrayBuffer.isView(data)) throw new Error('a weight has no numeric data');
      const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
      graph.embed(value, names.get(value) ?? `constant${i}`, bytes);
    });
    const shape = ['batch', ...y.shape.slice(1)];
    return graph.build([{ name: output.name, type: y.dtype, shape }], [graph.ref(y)]);
  });
}
