import { z } from 'zod';

/** Element types that slipway's models take and give, by their ONNX names. */
const dtypeSchema = z.enum(['float32', 'float64', 'int32', 'int64', 'uint8', 'bool']);

/** A dimension of -1 is free; the first one is the batch. */
const tensorSpecSchema = z.strictObject({
  name: z.string().min(1).max(200),
  dtype: dtypeSchema,
  shape: z.array(z.int().min(-1)).max(8),
});

/** What a model takes and gives, in order. The server needs nothing else to decode a request. */
export const signatureSchema = z.strictObject({
  inputs: z.array(tensorSpecSchema).min(1),
  outputs: z.array(tensorSpecSchema).min(1),
});

export type TensorSpec = z.infer<typeof tensorSpecSchema>;
export type Signature = z.infer<typeof signatureSchema>;
