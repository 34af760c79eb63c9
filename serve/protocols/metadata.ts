import { readFileSync } from 'node:fs';
import { z } from 'zod';
import type { Manifest } from '../../registry/manifest.ts';
import type { TensorSpec } from '../../registry/signature.ts';
import type { Dtype } from '../tensor.ts';

/** Of slipway itself. */
export const serverVersion = z
  .object({ version: z.string() })
  .parse(JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))).version;

const datatypes: Record<Dtype, string> = {
  float32: 'FP32',
  float64: 'FP64',
  int32: 'INT32',
  int64: 'INT64',
  uint8: 'UINT8',
  bool: 'BOOL',
};

/** The name of an element type in the Open Inference Protocol, which Seldon's metadata uses too. */
export function datatypeOf(dtype: Dtype): string {
  return datatypes[dtype];
}

/** A model's metadata as both protocols give it; -1 is a free dimension. */
export function modelMetadata({ model, version, signature }: Manifest) {
  const describe = ({ name, dtype, shape }: TensorSpec) => ({ name, datatype: datatypeOf(dtype), shape });
  return {
    name: model,
    versions: [String(version)],
    platform: 'onnxruntime_onnx',
    inputs: signature.inputs.map(describe),
    outputs: signature.outputs.map(describe),
  };
}
