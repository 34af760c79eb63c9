import type { Registry } from '../registry/registry.ts';
import type { TrainOptions } from '../train/options.ts';
import { type DataOptions, dataStage } from './stages/data.ts';
import { evaluateStage } from './stages/evaluate.ts';
import { exportStage } from './stages/export.ts';
import { promoteStage } from './stages/promote.ts';
import { registerStage } from './stages/register.ts';
import { smokeStage } from './stages/smoke.ts';
import { trainStage } from './stages/train.ts';

export interface PipelineOptions {
  readonly registry: Registry;
  readonly data: DataOptions;
  readonly train: TrainOptions;
  /** The alias that a version gets when the gate lets it pass. */
  readonly alias: string;
}

/** From images to a served model: what runs, in which order, and what each stage needs. */
export function mnistPipeline({ registry, alias, ...options }: PipelineOptions) {
  const { device } = options.train;
  const data = dataStage(options.data);
  const train = trainStage({ data }, options.train);
  const evaluate = evaluateStage({ data, train }, { device });
  const exported = exportStage({ data, train, evaluate });
  const register = registerStage({ data, train, evaluate, export: exported }, registry, options.train);
  const promote = promoteStage({ data, register }, registry, alias);
  const smoke = smokeStage({ promote }, registry);
  return { data, train, evaluate, export: exported, register, promote, smoke };
}

export type MnistPipeline = ReturnType<typeof mnistPipeline>;
