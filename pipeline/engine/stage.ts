import type { z } from 'zod';
import type { Digest } from '../../registry/digest.ts';
import type { Fingerprint } from './fingerprint.ts';

/**
 * One step of a pipeline: what it needs, what decides its outcome, and how to make it. `run` and `stillHolds`
 * are methods so that stages of different types fit in one list; each gets only what its own schemas describe.
 */
export interface Stage<
  Schema extends z.ZodType = z.ZodType,
  Needed extends Needs = Needs,
  Parameters = unknown,
> {
  /** Unique in the pipeline; lower-case letters, digits and `-`, as it becomes part of a key in the store. */
  readonly name: string;

  /** `import.meta.url` of the module that this stage's code starts from: see `code.ts` for what counts. */
  readonly code: string;

  /** The stages whose outputs it reads, by the names it reads them under. */
  readonly needs: Needed;

  /** Plain JSON that enters the fingerprint. Called once in each run, also when the stage proves to be cached. */
  parameters(context: PrepareContext): Promise<Parameters>;

  /** Describes `values`: checked when the stage ends and each time they are read from the cache. */
  readonly output: Schema;

  /** Makes the output. Ends soon after `signal` is aborted; may be killed at any line and started again. */
  run(context: RunContext<Needed, Parameters>): Promise<StageResult<z.input<Schema>>>;

  /**
   * For a stage with an effect outside the cache (a version published, an alias moved): whether that effect is
   * still there. If not, the stage runs again, with the same fingerprint.
   */
  stillHolds?(output: StageOutput<z.output<Schema>>): Promise<boolean>;
}

export interface Needs {
  readonly [name: string]: Stage;
}

/** What a stage hands back. `files` go into the store by content; `values` stay small, they are in each record. */
export interface StageResult<Values> {
  readonly values: Values;
  readonly files?: Readonly<Record<string, Uint8Array>>;
  /** What was measured on the way, such as times: kept and shown, but no part of the output's identity. */
  readonly measured?: unknown;
  /** One line for people: "60,000 train, 10,000 test; mnist". */
  readonly summary?: string;
}

export interface StoredFile {
  readonly digest: Digest;
  readonly bytes: number;
}

/** What a stage has made, as it lies in the store. */
export interface StageOutput<Values = unknown> {
  readonly values: Values;
  readonly files: Readonly<Record<string, StoredFile>>;
  /** Over values and files: equal outputs have equal digests, whichever run made them. */
  readonly digest: Digest;
}

/** A needed stage's output. */
export interface StageInput<Values = unknown> extends StageOutput<Values> {
  /** A file's content, checked against its digest. */
  read(file: string): Promise<Uint8Array>;
}

export interface PrepareContext {
  /** Cheap enough to be called for every batch: most calls are dropped. */
  progress(progress: Progress): void;
  /** Tells the person who runs it something that they should know. */
  note(text: string): void;
  /** Aborted when the run is interrupted. */
  readonly signal: AbortSignal;
  /** Nothing may be written or fetched: say what is known without. */
  readonly dryRun: boolean;
}

export interface RunContext<Needed extends Needs = Needs, Parameters = unknown> extends PrepareContext {
  readonly inputs: { readonly [Name in keyof Needed]: StageInput<z.output<Needed[Name]['output']>> };
  readonly parameters: Parameters;
  readonly fingerprint: Fingerprint;
  readonly runId: string;
  /**
   * A folder for what it wants to find again when it was interrupted or killed and the same is made again, such as
   * checkpoints: kept for the next run with this fingerprint, removed when the stage completes, and after 14 days in
   * which nobody came back. On this machine (`<registry>/.scratch`, or the cache folder where the registry is none),
   * so it may be empty at any time. Nobody else writes to it: of two runs at once of the same, one gets a folder of
   * its own. Write whole files only: whoever is killed leaves what was there.
   */
  readonly scratch: string;
}

export interface Progress {
  readonly done: number;
  readonly total: number;
  /** What is counted, in the plural: "images", "bytes". */
  readonly unit: string;
  /** Units per second, and seconds to go: measured by the engine where the stage doesn't say. */
  readonly rate?: number;
  readonly secondsLeft?: number;
  /** What is being done: "epoch 2/5". */
  readonly text?: string;
  /** Figures to watch: loss, accuracy. */
  readonly metrics?: Readonly<Record<string, number>>;
}

/** A stage as it is written: `parameters` are a value, or a function where slow work comes first (a download). */
export interface StageDefinition<Schema extends z.ZodType, Needed extends Needs, Parameters>
  extends Omit<Stage<Schema, Needed, Parameters>, 'parameters'> {
  readonly parameters: Parameters | Prepare<Parameters>;
}

type Prepare<Parameters> = (context: PrepareContext) => Promise<Parameters>;

export function defineStage<Schema extends z.ZodType, Needed extends Needs, Parameters>(
  definition: StageDefinition<Schema, Needed, Parameters>,
): Stage<Schema, Needed, Parameters> {
  const { parameters } = definition;
  return {
    ...definition,
    parameters: async (context) => (isFunction(parameters) ? parameters(context) : parameters),
  };
}

function isFunction<Value>(parameters: Value | Prepare<Value>): parameters is Prepare<Value> {
  return typeof parameters === 'function';
}
