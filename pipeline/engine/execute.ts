import { z } from 'zod';
import { UserError } from '../../cli/errors.ts';
import { DamagedBlob } from '../../registry/blobs.ts';
import { paths } from '../../registry/paths.ts';
import type { CacheEntry, RegistryStorage, StageCache } from './cache.ts';
import { throughJson } from './canonical-json.ts';
import { outputDigest } from './fingerprint.ts';
import { asOutcome, type Examined, type Outcome } from './freshness.ts';
import { Scratch, scratchRoot } from './scratch.ts';
import type { PrepareContext, Stage, StageInput, StageOutput, StageResult, StoredFile } from './stage.ts';

interface Surroundings {
  readonly registry: RegistryStorage;
  readonly cache: StageCache;
  readonly inputs: Readonly<Record<string, StageOutput>>;
  readonly context: PrepareContext;
  readonly runId: string;
  /** Whether the stage's code is still what its fingerprint was made from. */
  readonly codeUnchanged: () => boolean;
}

/** Runs a stage and keeps what it makes; its scratch folder goes after that, and stays if it does not get so far. */
export async function execute(
  stage: Stage,
  examined: Examined,
  surroundings: Surroundings,
): Promise<Outcome> {
  const { fingerprint } = examined;
  const root = scratchRoot(surroundings.registry.store);
  await using scratch = await Scratch.open({ root, stage: stage.name, fingerprint });
  const outcome = await runAndKeep(stage, examined, surroundings, scratch.folder);
  await scratch.complete().catch(() => surroundings.context.note(`${scratch.folder} could not be removed`));
  return outcome;
}

/** Files first, the cache entry last, as that is the commit. */
async function runAndKeep(
  stage: Stage,
  { identity, fingerprint, slot }: Examined,
  { registry, cache, inputs, context, runId, codeUnchanged }: Surroundings,
  scratch: string,
): Promise<Outcome> {
  const result = await stage.run({
    ...context,
    inputs: Object.fromEntries(
      Object.entries(inputs).map(([name, output]) => [name, readable(name, output, registry)]),
    ),
    parameters: identity.parameters,
    fingerprint,
    runId,
    scratch,
  });
  const values = checkedValues(stage, result);
  const files = await putFiles(result.files ?? {}, registry);
  const made: CacheEntry = {
    format: 1,
    stage: stage.name,
    fingerprint,
    digest: outputDigest({ values, files }),
    values,
    files,
    ...(result.measured === undefined ? {} : { measured: throughJson(result.measured) }),
    summary: result.summary,
    run: runId,
  };
  if (!codeUnchanged()) {
    // A module that it imported late may be the edited one: the outcome can't be filed under the old code.
    context.note('its code was edited while it ran: the next run makes it again');
    return outcomeOf(stage, made);
  }
  return outcomeOf(stage, await cache.fill(slot, made));
}

function readable(name: string, output: StageOutput, registry: RegistryStorage): StageInput {
  return {
    ...output,
    async read(file) {
      const stored = output.files[file];
      if (stored) return await registry.blobs.get(stored.digest).catch((error) => removed(error, registry));
      const known = Object.keys(output.files).join(', ') || 'none';
      throw new Error(`The input ${name} has no file "${file}"; its files: ${known}`);
    },
  };
}

/** A file that is damaged goes, as only one that is not there makes its stage run again. Never returns. */
async function removed(error: unknown, { store }: RegistryStorage): Promise<never> {
  if (!(error instanceof DamagedBlob)) throw error;
  const key = paths.blob(error.digest);
  await store.delete(key);
  throw new UserError(
    `${key} in ${store.url} was ${error.state}, and what is left of it is removed. ` +
      'Run the pipeline again: the stage that made it makes it again.',
  );
}

function checkedValues(stage: Stage, { values }: StageResult<unknown>): CacheEntry['values'] {
  const stored = throughJson(values);
  const checked = stage.output.safeParse(stored);
  if (checked.success) return stored;
  throw new Error(
    `The stage ${stage.name} gave values that it doesn't allow:\n${z.prettifyError(checked.error)}`,
  );
}

async function putFiles(
  files: Readonly<Record<string, Uint8Array>>,
  registry: RegistryStorage,
): Promise<Record<string, StoredFile>> {
  const stored: Record<string, StoredFile> = {};
  for (const [name, content] of Object.entries(files))
    stored[name] = { digest: await registry.blobs.put(content), bytes: content.byteLength };
  return stored;
}

function outcomeOf(stage: Stage, entry: CacheEntry): Outcome {
  const outcome = asOutcome(stage, entry);
  if (outcome) return outcome;
  throw new Error(`The stage ${stage.name} has an outcome in the cache that its own schema refuses`);
}
