import { UserError } from '../../cli/errors.ts';
import type { Digest } from '../../registry/digest.ts';
import { type RegistryStorage, StageCache } from './cache.ts';
import { throughJson } from './canonical-json.ts';
import { SourceCode } from './code.ts';
import { readEnvironment, readGitState } from './environment.ts';
import type { Outcome as OutcomeName, PipelineEvent } from './events.ts';
import { execute } from './execute.ts';
import { type Examined, examine, type Outcome } from './freshness.ts';
import { progressOf } from './progress.ts';
import { newRunId, RunLog, type RunRecord } from './record.ts';
import { closure, notCached, type RunOptions, type Selection, selectStages } from './selection.ts';
import type { PrepareContext, Stage, StageOutput } from './stage.ts';

export interface PipelineRequest {
  /** In the order in which they run: each needs only earlier ones. */
  readonly stages: readonly Stage[];
  readonly registry: RegistryStorage;
  readonly options?: RunOptions;
  readonly emit: (event: PipelineEvent) => void;
  /** Ends the run soon after it is aborted. */
  readonly signal?: AbortSignal;
}

/** The run was ended from outside. What was finished is kept. */
export class Interrupted extends UserError {
  override readonly name = 'Interrupted';
  override readonly exitCode = 130; // as a shell reports a process that SIGINT has ended
  constructor() {
    super(
      'Interrupted. The same command goes on from there: after the stages that are finished, and a training after its last whole epoch.',
    );
  }
}

/**
 * Runs the stages one after the other, each only if it has no usable outcome in the cache. The record is in the
 * store when this returns or throws; a dry run writes none, and returns one of the cached stages only.
 * @throws what a stage threw; `Interrupted`; `UsageError` and `UserError` for options that can't be followed.
 */
export async function runPipeline(request: PipelineRequest): Promise<RunRecord> {
  const selection = selectStages(request.stages, request.options ?? {});
  const started = new Date();
  const [git, environment] = await Promise.all([readGitState(), readEnvironment()]);
  const run = new Run(request, selection, {
    format: 1,
    id: newRunId(started),
    status: 'running',
    started: started.toISOString(),
    seconds: 0,
    stages: [],
    git,
    environment,
  });
  return run.complete();
}

class Run {
  readonly #selection: Selection;
  readonly #registry: RegistryStorage;
  readonly #emit: (event: PipelineEvent) => void;
  readonly #signal: AbortSignal;
  readonly #dryRun: boolean;
  readonly #cache: StageCache;
  readonly #log: RunLog;
  readonly #record: RunRecord;
  readonly #code: ReadonlyMap<Stage, Digest>;
  readonly #outputs = new Map<Stage, StageOutput>();
  readonly #begun = performance.now();

  constructor({ registry, emit, signal, options }: PipelineRequest, selection: Selection, record: RunRecord) {
    this.#selection = selection;
    this.#registry = registry;
    this.#emit = emit;
    this.#signal = signal ?? new AbortController().signal;
    this.#dryRun = options?.dryRun ?? false;
    this.#cache = new StageCache(registry);
    this.#log = new RunLog(registry.store);
    this.#record = record;
    // All at once and first: what runs is the code as it was when the process loaded it.
    const source = new SourceCode();
    this.#code = new Map(selection.stages.map((stage) => [stage, codeOf(stage, source)]));
  }

  async complete(): Promise<RunRecord> {
    const stages = this.#selection.stages.map(({ name }) => name);
    this.#emit({ event: 'run', run: this.#record.id, stages, dryRun: this.#dryRun });
    for (const stage of this.#selection.stages) {
      if (this.#signal.aborted) {
        await this.#save('interrupted');
        throw new Interrupted();
      }
      await this.#advance(stage);
    }
    await this.#save('done');
    return this.#record;
  }

  async #advance(stage: Stage): Promise<void> {
    const begun = performance.now();
    const forced = this.#selection.forced.has(stage);
    if (this.#dryRun) {
      const reason = forced ? 'forced' : this.#unknownInputs(stage);
      if (reason !== undefined) return this.#emit({ event: 'would-run', stage: stage.name, reason });
    }
    const inputs = this.#inputsOf(stage);
    const context = this.#contextOf(stage);
    const code = this.#codeOf(stage);
    const examined = await this.#attempt(stage, begun, () =>
      examine(stage, { code, inputs, forced, cache: this.#cache, log: this.#log, context }),
    );
    const { verdict } = examined;
    if ('fresh' in verdict) return this.#finish(stage, 'cached', examined, verdict.fresh, begun);
    const reason = verdict.stale;
    const { only } = this.#selection;
    if (only && only !== stage) throw notCached(stage, reason, only);
    if (this.#dryRun) return this.#emit({ event: 'would-run', stage: stage.name, reason });

    await this.#attempt(stage, begun, async () => {
      this.#emit({ event: 'stage-start', stage: stage.name, reason });
      await this.#save('running'); // whatever the stage publishes names this run: its record comes first
      const outcome = await execute(stage, examined, {
        registry: this.#registry,
        cache: this.#cache,
        inputs,
        context,
        runId: this.#record.id,
        codeUnchanged: () => codeOf(stage, new SourceCode()) === code,
      });
      this.#finish(stage, 'ran', examined, outcome, begun);
    });
  }

  /** Runs a part of a stage; if it throws, the record says so before the run ends. */
  async #attempt<Result>(stage: Stage, begun: number, part: () => Promise<Result>): Promise<Result> {
    try {
      return await part();
    } catch (error) {
      const { aborted: interrupted } = this.#signal;
      const text = error instanceof Error ? error.message : String(error);
      const seconds = secondsSince(begun);
      const { name } = stage;
      this.#emit({ event: 'stage-failed', stage: name, interrupted, seconds, text });
      const status = interrupted ? 'interrupted' : 'failed';
      this.#record.stages.push({ name, outcome: status, seconds, error: text });
      // The store may be what failed: the first error says more than that its record can't be written either.
      await this.#save(status).catch(() => {});
      throw interrupted ? new Interrupted() : error;
    }
  }

  #finish(stage: Stage, how: OutcomeName, examined: Examined, outcome: Outcome, begun: number): void {
    const { identity, fingerprint, verdict } = examined;
    const { entry, output } = outcome;
    this.#outputs.set(stage, output);
    const seconds = secondsSince(begun);
    this.#record.stages.push({
      name: stage.name,
      outcome: how,
      seconds,
      reason: 'stale' in verdict ? verdict.stale : null,
      fingerprint,
      code: identity.code,
      parameters: throughJson(identity.parameters),
      inputs: { ...identity.inputs },
      values: entry.values,
      ...(entry.measured === undefined ? {} : { measured: entry.measured }),
      files: entry.files,
    });
    const summary = entry.summary === undefined ? {} : { summary: entry.summary };
    this.#emit({ event: 'stage-end', stage: stage.name, outcome: how, seconds, ...summary });
  }

  async #save(status: RunRecord['status']): Promise<void> {
    this.#record.status = status;
    this.#record.seconds = secondsSince(this.#begun);
    if (!this.#dryRun) await this.#log.save(this.#record);
  }

  #codeOf(stage: Stage): Digest {
    const code = this.#code.get(stage);
    if (code === undefined) throw new Error(`${stage.name} is not a stage of this run`);
    return code;
  }

  #inputsOf(stage: Stage): Record<string, StageOutput> {
    const inputs: Record<string, StageOutput> = {};
    for (const [name, needed] of Object.entries(stage.needs)) {
      const output = this.#outputs.get(needed);
      if (!output) throw new Error(`${stage.name} comes before ${needed.name}, which it needs`);
      inputs[name] = output;
    }
    return inputs;
  }

  /** In a dry run: why nothing can be said of a stage but that it would run. */
  #unknownInputs(stage: Stage): string | undefined {
    const unknown = Object.values(stage.needs).filter((needed) => !this.#outputs.has(needed));
    if (unknown.length === 0) return undefined;
    return `needs ${unknown.map(({ name }) => name).join(', ')}, which would run`;
  }

  #contextOf({ name: stage }: Stage): PrepareContext {
    return {
      progress: progressOf(stage, this.#emit),
      note: (text) => this.#emit({ event: 'note', stage, text }),
      signal: this.#signal,
      dryRun: this.#dryRun,
    };
  }
}

/** The modules of the needed stages are left out: what these make is in the fingerprint by their outputs. */
function codeOf(stage: Stage, source: SourceCode): Digest {
  const needed = [...closure(stage)].filter((other) => other !== stage);
  return source.digest(
    stage.code,
    needed.map(({ code }) => code),
  );
}

function secondsSince(begun: number): number {
  return Math.round(performance.now() - begun) / 1000;
}
