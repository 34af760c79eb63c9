import { z } from 'zod';
import { digestOf } from '../../registry/digest.ts';
import { files } from '../../registry/manifest.ts';
import type { Registry } from '../../registry/registry.ts';
import type { TrainOptions } from '../../train/options.ts';
import { readEnvironment, readGitState } from '../engine/environment.ts';
import { defineStage } from '../engine/stage.ts';
import type { DataStage } from './data.ts';
import type { EvaluateStage } from './evaluate.ts';
import type { ExportStage } from './export.ts';
import type { TrainStage } from './train.ts';

const outputSchema = z.strictObject({ model: z.string(), version: z.int() });

interface Needs {
  readonly data: DataStage;
  readonly train: TrainStage;
  readonly evaluate: EvaluateStage;
  readonly export: ExportStage;
}

/** Publishes what was made as the next version of the model, with all that it came from. */
export function registerStage(
  needs: { [K in keyof Needs]: Needs[K] },
  registry: Registry,
  options: TrainOptions,
) {
  return defineStage({
    name: 'register',
    code: import.meta.url,
    needs,
    parameters: { registry: registry.store.url },
    output: outputSchema,
    stillHolds: async ({ values: { model, version } }) => (await registry.versions(model)).includes(version),
    async run({ inputs: { data, train, evaluate, export: exported }, runId }) {
      const { name, synthetic, trainDigest, testDigest, model } = data.values;
      const { accuracy, loss, ece } = evaluate.values;
      const { signature, parity, contract } = exported.values;
      const { node, platform, arch, packages } = await readEnvironment();

      const manifest = await registry.publish(
        model,
        {
          // Of what was made, not of how: the same outcome published twice is one version.
          fingerprint: digestOf([data, train, evaluate, exported].map(({ digest }) => digest).join()),
          run: runId,
          dataset: { name, synthetic, trainDigest, testDigest },
          parameters: { ...options, batchSizes: options.batchSizes.join() },
          metrics: { accuracy, loss, ece },
          parity,
          contract,
          signature,
          code: await readGitState(),
          environment: { engine: train.values.engine, node, platform: `${platform}-${arch}`, ...packages },
        },
        {
          [files.model]: await exported.read(files.model),
          [files.contract]: await exported.read(files.contract),
          [files.layersModel]: await train.read(files.layersModel),
          [files.layersWeights]: await train.read(files.layersWeights),
          [files.evaluation]: await evaluate.read(files.evaluation),
          [files.correct]: await evaluate.read(files.correct),
        },
      );
      return {
        values: { model: manifest.model, version: manifest.version },
        summary: `${manifest.model} version ${manifest.version}`,
      };
    },
  });
}

export type RegisterStage = ReturnType<typeof registerStage>;
