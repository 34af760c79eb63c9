import type { PipelineEvent } from '../events.ts';

/** Turns a run's events into what somebody reads. */
export interface Renderer {
  show(event: PipelineEvent): void;
  /** Leaves the output as it was found (the cursor); call it however the run ends. More than once is fine. */
  close(): void;
}

/** Where a renderer writes: standard output, or a test. */
export interface Output {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  /** Of a terminal; it may change between two writes. */
  readonly columns?: number;
}
