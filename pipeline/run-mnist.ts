import { join } from 'node:path';
import type { GateDecision } from '../registry/gate.ts';
import { GateRefused } from '../registry/promote.ts';
import type { PipelineEvent } from './engine/events.ts';
import { RunLog, type RunRecord, stageTimes, valuesOf } from './engine/record.ts';
import { chooseRenderer } from './engine/render/choose.ts';
import { runPipeline } from './engine/run.ts';
import type { RunOptions } from './engine/selection.ts';
import { type MnistPipeline, mnistPipeline, type PipelineOptions } from './mnist.ts';
import { type RunEnd, writeReport } from './report/write.ts';
import { summaryOf } from './summary.ts';

export interface MnistRun extends PipelineOptions {
  readonly select: RunOptions;
  /** Events as JSON lines instead of text for people. */
  readonly json: boolean;
}

/**
 * Runs the pipeline where somebody watches: shows it on standard output, writes the report, and says what came out
 * and what to do next. Ctrl-C ends it cleanly.
 * @throws GateRefused when the version may not go live; it is registered all the same.
 */
export async function runMnist({ select, json, ...options }: MnistRun): Promise<void> {
  const { registry, alias } = options;
  const pipeline = mnistPipeline(options);
  const renderer = chooseRenderer(process.stdout, { json, env: process.env });
  const interrupted = interruption();
  let run = '';
  const emit = (event: PipelineEvent) => {
    if (event.event === 'run') run = event.run;
    renderer.show(event);
  };
  try {
    const stages = Object.values(pipeline);
    const record = await runPipeline({ stages, registry, options: select, emit, signal: interrupted });
    if (select.dryRun || select.only !== undefined) return;

    const { decision } = valuesOf(record, pipeline.promote);
    const { manifest, report } = await reportOn(options, pipeline, record, decision, true);
    const { model, version, metrics } = manifest;
    const { accuracy, loss, ece } = metrics;
    emit({
      event: 'done',
      model,
      version,
      alias,
      metrics: { accuracy, loss, ece },
      seconds: record.seconds,
      stages: stageTimes(record),
    });
    renderer.close();
    if (!json)
      process.stdout.write(summaryOf({ manifest, alias, decision, report, registry: registry.store.url }));
  } catch (error) {
    renderer.close();
    if (error instanceof GateRefused) {
      const record = await new RunLog(registry.store).read(run);
      const { report } = await reportOn(options, pipeline, record, error.promotion.decision, false);
      if (!json) process.stdout.write(`\nThe report says more: ${report}\n`);
    }
    throw error;
  }
}

async function reportOn(
  { registry, alias }: PipelineOptions,
  pipeline: MnistPipeline,
  record: RunRecord,
  decision: GateDecision,
  promoted: boolean,
) {
  const { model, version } = valuesOf(record, pipeline.register);
  const manifest = await registry.manifest(model, version);
  const end: RunEnd = { manifest, alias, decision, promoted };
  const key = await writeReport(registry, pipeline, record, end);
  return { manifest, report: join(registry.store.url, key) };
}

/** Aborted by the first Ctrl-C or SIGTERM; the second one ends the process as usual. */
function interruption(): AbortSignal {
  const controller = new AbortController();
  process.once('SIGINT', () => controller.abort());
  process.once('SIGTERM', () => controller.abort());
  return controller.signal;
}
