import type { InferenceSession } from 'onnxruntime-node';
import type { ExchangeMemory } from './exchange.ts';
import type { EpochPlan, RowOptions, SharedImages } from './plan.ts';

/** What a training thread starts with. */
export interface WorkerSetup {
  readonly rank: number;
  readonly ranks: number;
  readonly memory: ExchangeMemory;
  readonly data: SharedImages;
  readonly rows: RowOptions;
  readonly session: InferenceSession.SessionOptions;
}

export interface StateValue {
  readonly dtype: 'float32' | 'int32';
  readonly shape: readonly number[];
  readonly data: Float32Array | Int32Array;
}

/** The values of a learner's state, by name. */
export type StateValues = ReadonlyMap<string, StateValue>;

/** The name of the output that holds the new value of the state `name`: as `backend/trace.ts` has it. */
export const nextOf = (name: string) => `next:${name}`;

/** Each message is answered by one of `FromWorker`. */
export type ToWorker =
  | { readonly kind: 'compile'; readonly name: string; readonly model: Uint8Array }
  | { readonly kind: 'restore'; readonly values: StateValues }
  | {
      readonly kind: 'epoch';
      readonly plan: EpochPlan;
      /** Steps done, counted by the first thread. */
      readonly progress: Int32Array;
      /** Loss and accuracy of each step done. */
      readonly figures: Float32Array;
    }
  | { readonly kind: 'state' };

export type FromWorker =
  | { readonly kind: 'done' }
  | { readonly kind: 'state'; readonly values: StateValues }
  /** The exchange was stopped: nothing more came of it. */
  | { readonly kind: 'stopped' }
  | { readonly kind: 'failed'; readonly reason: string };
