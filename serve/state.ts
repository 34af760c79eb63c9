import { RequestError } from './errors.ts';
import type { LoadedModel } from './model.ts';

/** What the process serves at this moment: nothing until a model is warm, and no longer ready once it drains. */
export class Serving {
  model: LoadedModel | undefined;
  draining = false;

  get ready(): boolean {
    return this.model !== undefined && !this.draining;
  }

  /** @throws RequestError 503 while no model is loaded. A draining server still answers what reaches it. */
  get loaded(): LoadedModel {
    if (this.model) return this.model;
    throw new RequestError(503, 'the model is not loaded yet; ask again when the server is ready');
  }
}

/** What handlers leave for the metrics and the log. */
export interface RequestState {
  requestId: string;
  /** The protocol of a prediction or its feedback; health checks and the like have none. */
  protocol?: 'seldon' | 'v2' | 'image';
  /** Rows that were predicted. */
  rows?: number;
}

export interface Limits {
  /** Bytes of a request body; above it 413. */
  readonly bodyBytes: number;
  /** Rows of one request; above it 413. */
  readonly rows: number;
}

export const defaultLimits: Limits = { bodyBytes: 8 * 1024 * 1024, rows: 1024 };
