import type { InferenceSession } from 'onnxruntime-node';
import type { SavedTensor } from '../checkpoint/format.ts';
import type { ExchangeMemory } from './exchange.ts';
import type { Layout } from './layout.ts';
import type { EpochPlan, RowOptions, SharedImages } from './plan.ts';

/** What a training thread starts with. */
export interface WorkerSetup {
  readonly rank: number;
  readonly ranks: number;
  readonly memory: ExchangeMemory;
  /** Of the vector that is exchanged: what the graphs of the gradients give. */
  readonly layout: Layout;
  readonly data: SharedImages;
  readonly rows: RowOptions;
  readonly session: InferenceSession.SessionOptions;
}

export type StateValue = SavedTensor;

/** The values of a learner's state, by name. */
export type StateValues = ReadonlyMap<string, StateValue>;

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
