import { z } from 'zod';
import { digestSchema } from './digest.ts';
import { filePathSchema, modelNameSchema, versionSchema } from './names.ts';
import { signatureSchema } from './signature.ts';

/** The data a version was trained and tested on. `synthetic` data never stands in for real data at the gate. */
const datasetRecordSchema = z.strictObject({
  name: z.string(),
  synthetic: z.boolean(),
  trainDigest: digestSchema,
  testDigest: digestSchema,
});

/** What was measured on the test set. `accuracy` in [0,1]; `loss` mean cross-entropy in nats; `ece` in [0,1]. */
const metricsSchema = z.looseObject({
  accuracy: z.number().min(0).max(1),
  loss: z.number().min(0),
  ece: z.number().min(0).max(1),
});

/** Proof that the exported file answers as the trained model did, on every test image. */
export const paritySchema = z.strictObject({
  images: z.int().min(1),
  largestDifference: z.number().min(0),
  differentAnswers: z.int().min(0),
});

/** Rows made from the contract, answered by the exported file and checked against the contract's targets. */
export const contractCheckSchema = z.strictObject({ rows: z.int().min(1), failures: z.array(z.string()) });

const fileSchema = z.strictObject({ digest: digestSchema, bytes: z.int().min(0) });

/** What a publisher knows before the registry gives the version its number. */
export const draftSchema = z.strictObject({
  /** Fingerprint of everything the version was made from: publishing the same one again changes nothing. */
  fingerprint: digestSchema,
  run: z.string(),
  dataset: datasetRecordSchema,
  parameters: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()])),
  metrics: metricsSchema,
  parity: paritySchema,
  contract: contractCheckSchema,
  signature: signatureSchema,
  code: z.strictObject({ commit: z.string().nullable(), clean: z.boolean().nullable() }),
  environment: z.record(z.string(), z.string()),
});

/** One published version: written once, last, after all its files. `format` is raised when this layout changes. */
export const manifestSchema = draftSchema.extend({
  format: z.literal(1),
  model: modelNameSchema,
  version: versionSchema,
  created: z.iso.datetime(),
  files: z.record(filePathSchema, fileSchema),
});

export type DatasetRecord = z.infer<typeof datasetRecordSchema>;
export type Metrics = z.infer<typeof metricsSchema>;
export type Parity = z.infer<typeof paritySchema>;
export type ContractCheck = z.infer<typeof contractCheckSchema>;
export type Draft = z.infer<typeof draftSchema>;
export type Manifest = z.infer<typeof manifestSchema>;

/** The files that every version has; a version may carry more. */
export const files = {
  model: 'model.onnx',
  contract: 'contract.json',
  layersModel: 'layers/model.json',
  layersWeights: 'layers/weights.bin',
  evaluation: 'evaluation.json',
  /** One byte an image of the test set: whether the answer was right (1) or wrong (0). */
  correct: 'correct.u8',
} as const;

/** How a data set is called wherever people see it: what was generated never passes for real data. */
export function datasetLabel(dataset: DatasetRecord): string {
  return dataset.synthetic ? 'synthetic-digits' : dataset.name;
}
