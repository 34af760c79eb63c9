import type { GateDecision } from '../../registry/gate.ts';
import { files, type Manifest } from '../../registry/manifest.ts';
import type { Registry } from '../../registry/registry.ts';
import { evaluationSchema } from '../../train/records.ts';
import { measuredBy, type RunRecord, stageTimes, valuesOf } from '../engine/record.ts';
import type { MnistPipeline } from '../mnist.ts';
import { trainTimesSchema } from '../stages/train.ts';
import { renderReport } from './report.ts';
import type { ReportData } from './report-data.ts';

/** What a run came to: the version that it published, and what the gate said of it. */
export interface RunEnd {
  readonly manifest: Manifest;
  readonly alias: string;
  readonly decision: GateDecision;
  readonly promoted: boolean;
}

/** Writes the run's report into the registry; returns its key there. */
export async function writeReport(
  registry: Registry,
  pipeline: MnistPipeline,
  record: RunRecord,
  end: RunEnd,
): Promise<string> {
  const page = renderReport(await collect(registry, pipeline, record, end));
  const key = `reports/${record.id}.html`;
  await registry.store.put(key, Buffer.from(page), { ifAbsent: true });
  return key;
}

async function collect(
  registry: Registry,
  pipeline: MnistPipeline,
  record: RunRecord,
  { manifest, alias, decision, promoted }: RunEnd,
): Promise<ReportData> {
  const data = valuesOf(record, pipeline.data);
  const train = valuesOf(record, pipeline.train);
  const times = trainTimesSchema.parse(measuredBy(record, pipeline.train));
  const { parity, contract } = valuesOf(record, pipeline.export);
  const evaluation = evaluationSchema.parse(
    JSON.parse(Buffer.from(await registry.readFile(manifest, files.evaluation)).toString()),
  );
  return {
    run: record.id,
    started: record.started,
    seconds: record.seconds,
    code: manifest.code,
    model: manifest.model,
    version: manifest.version,
    alias,
    promoted,
    dataset: {
      name: data.name,
      title: data.title,
      synthetic: data.synthetic,
      train: train.trainImages,
      validation: train.validationImages,
      test: evaluation.images,
      trainDigest: data.trainDigest,
      testDigest: data.testDigest,
      figures: data.validation,
    },
    preset: String(manifest.parameters.preset),
    parameters: manifest.parameters,
    parameterCount: train.weights,
    backend: train.engine,
    epochs: train.epochs.map((epoch, i) => ({
      ...epoch,
      ...(times[i] ?? { seconds: 0, imagesPerSecond: 0 }),
    })),
    evaluation,
    championAccuracy: await championAccuracy(registry, manifest, decision),
    parity,
    contract,
    gate: decision,
    files: Object.entries(manifest.files).map(([path, { bytes, digest }]) => ({ path, bytes, digest })),
    stages: stageTimes(record),
    environment: manifest.environment,
  };
}

/** The accuracy to compare with, where the champion was tested on the same images. */
async function championAccuracy(
  registry: Registry,
  { model, dataset }: Manifest,
  { champion }: GateDecision,
): Promise<number | null> {
  if (champion === null) return null;
  const before = await registry.manifest(model, champion);
  return before.dataset.testDigest === dataset.testDigest ? before.metrics.accuracy : null;
}
