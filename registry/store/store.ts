/**
 * Where bytes live. A key is a relative path of safe segments (`blobs/sha256/ab12...`); a store knows nothing
 * of models or versions. Every store passes the contract suite in `store-contract.ts`.
 */
export interface Store {
  /** Where this store is, for messages: a folder, later `s3://bucket/prefix`. */
  readonly url: string;

  /** The object, or undefined if there is none. */
  get(key: string): Promise<StoredObject | undefined>;

  /**
   * Writes all of `body` or nothing, durable when it returns.
   * @throws PreconditionFailed when the object's state is not what `when` says; nothing is changed then.
   */
  put(key: string, body: Uint8Array, when: WriteCondition): Promise<ETag>;

  /** The keys that start with `prefix`, sorted by code unit. Unfinished writes never appear. */
  list(prefix: string): Promise<string[]>;

  /** Whether the object is there, and its size in bytes, without reading it. */
  size(key: string): Promise<number | undefined>;

  /** Removes the object; no error if there is none. Not to be called while somebody replaces it. */
  delete(key: string): Promise<void>;
}

/** Identifies one state of an object; opaque. */
export type ETag = string & { readonly __brand: 'ETag' };

export interface StoredObject {
  readonly body: Uint8Array;
  readonly etag: ETag;
}

/** `absent`: only create. An ETag: only replace that very state. */
export type WriteCondition = { readonly ifAbsent: true } | { readonly ifMatch: ETag };

/** The object was not in the state that the write was conditioned on: somebody else was first. */
export class PreconditionFailed extends Error {
  override readonly name = 'PreconditionFailed';
  constructor(
    readonly key: string,
    readonly store: string,
  ) {
    super(`${key} in ${store} was changed by someone else`);
  }
}
