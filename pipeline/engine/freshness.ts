import type { Digest } from '../../registry/digest.ts';
import type { CacheEntry, Slot, StageCache } from './cache.ts';
import { type Fingerprint, fingerprintOf, type StageIdentity } from './fingerprint.ts';
import { reasonToRun } from './reason.ts';
import type { RunLog } from './record.ts';
import type { PrepareContext, Stage, StageOutput } from './stage.ts';

/** What a stage's outcome is made from, and where it is kept. */
export interface Examined {
  readonly identity: StageIdentity;
  readonly fingerprint: Fingerprint;
  readonly slot: Slot;
  /** The cached output if it is as good as a new one; else why the stage must run. */
  readonly verdict: { readonly fresh: Outcome } | { readonly stale: string };
}

/** One state of a stage's output: as it is stored, and as it is read. */
export interface Outcome {
  readonly entry: CacheEntry;
  readonly output: StageOutput;
}

interface Surroundings {
  readonly code: Digest;
  readonly inputs: Readonly<Record<string, StageOutput>>;
  readonly forced: boolean;
  readonly cache: StageCache;
  readonly log: RunLog;
  readonly context: PrepareContext;
}

/** Whether a stage has to run: all the rules of freshness, in order. */
export async function examine(
  stage: Stage,
  { code, inputs, forced, cache, log, context }: Surroundings,
): Promise<Examined> {
  const identity: StageIdentity = {
    stage: stage.name,
    code,
    parameters: await stage.parameters(context),
    inputs: Object.fromEntries(Object.entries(inputs).map(([name, { digest }]) => [name, digest])),
  };
  const fingerprint = fingerprintOf(identity);
  const slot = await cache.look(stage.name, fingerprint, context.note);
  const examined = { identity, fingerprint, slot };
  if (forced) return { ...examined, verdict: { stale: 'forced' } };

  const cached = slot.entry && asOutcome(stage, slot.entry);
  if (!cached) {
    const reason = reasonToRun(identity, await log.lastFinished(stage.name));
    return { ...examined, verdict: { stale: reason } };
  }
  if (stage.stillHolds && !(await stage.stillHolds(cached.output)))
    return { ...examined, verdict: { stale: 'no longer holds' } };
  return { ...examined, verdict: { fresh: cached } };
}

/** Undefined where the stage's schema refuses what is stored: of no use, like a damaged entry. */
export function asOutcome(stage: Stage, entry: CacheEntry): Outcome | undefined {
  const values = stage.output.safeParse(entry.values);
  if (!values.success) return undefined;
  return { entry, output: { values: values.data, files: entry.files, digest: entry.digest } };
}
