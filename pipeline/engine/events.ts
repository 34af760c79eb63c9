import type { Progress } from './stage.ts';

/** What a run tells whoever watches it, in order. One renderer turns each into text; with `--json` it is a line. */
export type PipelineEvent =
  | RunEvent
  | ProgressEvent
  | NoteEvent
  | StageStartEvent
  | StageEndEvent
  | StageFailedEvent
  | WouldRunEvent
  | DoneEvent;

/** First: the run's name and the stages it looks at, in order. */
export interface RunEvent {
  readonly event: 'run';
  readonly run: string;
  readonly stages: readonly string[];
  readonly dryRun: boolean;
}

/** How far a stage is. May come before its `stage-start`, while its parameters are made ready. */
export interface ProgressEvent extends Progress {
  readonly event: 'progress';
  readonly stage: string;
}

/** Something that a person should know. */
export interface NoteEvent {
  readonly event: 'note';
  readonly stage: string;
  readonly text: string;
}

/** A stage is not cached and starts; `reason` says why it has to. */
export interface StageStartEvent {
  readonly event: 'stage-start';
  readonly stage: string;
  readonly reason: string;
}

/** A stage's output is there. */
export interface StageEndEvent {
  readonly event: 'stage-end';
  readonly stage: string;
  readonly outcome: Outcome;
  readonly seconds: number;
  readonly summary?: string;
}

/** A stage threw, or was interrupted; it is the last one of the run. */
export interface StageFailedEvent {
  readonly event: 'stage-failed';
  readonly stage: string;
  readonly interrupted: boolean;
  readonly seconds: number;
  readonly text: string;
}

/** In a dry run: a stage that would not be cached. */
export interface WouldRunEvent {
  readonly event: 'would-run';
  readonly stage: string;
  readonly reason: string;
}

/** Last, from the command that called the engine: what the pipeline as a whole has come to. */
export interface DoneEvent {
  readonly event: 'done';
  readonly model: string;
  readonly version: number;
  readonly alias: string;
  readonly metrics: Readonly<Record<string, number>>;
  readonly seconds: number;
  readonly stages: readonly StageTime[];
}

export interface StageTime {
  readonly name: string;
  readonly outcome: Outcome;
  readonly seconds: number;
}

export type Outcome = 'ran' | 'cached';
