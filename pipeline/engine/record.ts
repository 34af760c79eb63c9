import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { digestSchema } from '../../registry/digest.ts';
import type { ETag, Store } from '../../registry/store/store.ts';
import { storedFileSchema } from './cache.ts';
import { environmentSchema, gitStateSchema } from './environment.ts';
import type { StageTime } from './events.ts';
import type { Stage } from './stage.ts';

/** When it started (UTC) and six random digits: sorts by time, and two runs in one second stay apart. */
const runIdSchema = z
  .string()
  .regex(/^\d{8}T\d{6}Z-[0-9a-f]{6}$/, 'a run looks like 20261123T081500Z-ab12cd');

const finishedStageSchema = z.strictObject({
  name: z.string(),
  outcome: z.enum(['ran', 'cached']),
  seconds: z.number().min(0),
  /** Why it ran; null for a cached stage. */
  reason: z.string().nullable(),
  fingerprint: digestSchema,
  code: digestSchema,
  parameters: z.json(),
  inputs: z.record(z.string(), digestSchema),
  values: z.json(),
  measured: z.json().optional(),
  files: z.record(z.string(), storedFileSchema),
});

const stoppedStageSchema = z.strictObject({
  name: z.string(),
  outcome: z.enum(['failed', 'interrupted']),
  seconds: z.number().min(0),
  error: z.string(),
});

/** What a run did and from what: `runs/<id>.json`. It stays `running` when the process is killed. */
export const runRecordSchema = z.strictObject({
  format: z.literal(1),
  id: runIdSchema,
  status: z.enum(['running', 'done', 'failed', 'interrupted']),
  started: z.iso.datetime(),
  seconds: z.number().min(0),
  stages: z.array(z.discriminatedUnion('outcome', [finishedStageSchema, stoppedStageSchema])),
  git: gitStateSchema,
  environment: environmentSchema,
});

export type RunRecord = z.infer<typeof runRecordSchema>;
export type FinishedStage = z.infer<typeof finishedStageSchema>;
export type StageRecord = RunRecord['stages'][number];

export function newRunId(now: Date): string {
  const time = now.toISOString().replace(/[-:]|\.\d+/g, '');
  return `${time}-${randomBytes(3).toString('hex')}`;
}

/** The `stages` of the final event. */
export function stageTimes(record: RunRecord): StageTime[] {
  return record.stages.filter(isFinished).map(({ name, outcome, seconds }) => ({ name, outcome, seconds }));
}

/** What `stage` made or had made in this run. @throws when it is not among the run's finished stages. */
export function valuesOf<Schema extends z.ZodType>(
  record: RunRecord,
  stage: Pick<Stage<Schema>, 'name' | 'output'>,
): z.output<Schema> {
  const found = record.stages.filter(isFinished).find(({ name }) => name === stage.name);
  if (!found) throw new Error(`Run ${record.id} has no outcome of the stage ${stage.name}`);
  return stage.output.parse(found.values);
}

/** What `stage` measured when it ran, in this run or in the one that its outcome is from. */
export function measuredBy(record: RunRecord, stage: Pick<Stage, 'name'>): unknown {
  return record.stages.filter(isFinished).find(({ name }) => name === stage.name)?.measured;
}

function isFinished(stage: StageRecord): stage is FinishedStage {
  return stage.outcome === 'ran' || stage.outcome === 'cached';
}

/** The records in the store. */
export class RunLog {
  readonly #store: Store;
  readonly #etags = new Map<string, ETag>();
  #recent: Promise<RunRecord[]> | undefined;
  constructor(store: Store) {
    this.#store = store;
  }

  /** Writes the record, or replaces what this log wrote of the same run before. */
  async save(record: RunRecord): Promise<void> {
    const etag = this.#etags.get(record.id);
    const body = Buffer.from(`${JSON.stringify(record, null, 2)}\n`);
    const when = etag === undefined ? ({ ifAbsent: true } as const) : { ifMatch: etag };
    this.#etags.set(record.id, await this.#store.put(keyOf(record.id), body, when));
  }

  /** The record of a run as it was last written. @throws when there is none that can be read. */
  async read(id: string): Promise<RunRecord> {
    const stored = await this.#store.get(keyOf(runIdSchema.parse(id)));
    if (!stored) throw new Error(`Run ${id} has no record in ${this.#store.url}`);
    return runRecordSchema.parse(JSON.parse(Buffer.from(stored.body).toString()));
  }

  /** How the stage last finished, in any of the latest runs before this log was made. */
  async lastFinished(stage: string): Promise<FinishedStage | undefined> {
    this.#recent ??= this.#latest(20); // enough for a reason to show; it decides nothing
    const records = await this.#recent;
    return records
      .flatMap((record) => record.stages.filter(isFinished))
      .find((finished) => finished.name === stage);
  }

  /** Newest first. Whatever isn't a record of this format is passed over. */
  async #latest(count: number): Promise<RunRecord[]> {
    const keys = (await this.#store.list('runs/')).slice(-count).reverse();
    const bodies = await Promise.all(keys.map(async (key) => (await this.#store.get(key))?.body));
    return bodies.flatMap((body) => {
      try {
        return body ? [runRecordSchema.parse(JSON.parse(Buffer.from(body).toString()))] : [];
      } catch {
        return [];
      }
    });
  }
}

function keyOf(id: string): string {
  return `runs/${id}.json`;
}
