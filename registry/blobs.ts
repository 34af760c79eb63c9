import { UserError } from '../cli/errors.ts';
import { type Digest, digestOf } from './digest.ts';
import { paths } from './paths.ts';
import { type ETag, PreconditionFailed, type Store } from './store/store.ts';

export type BlobState = 'ok' | 'missing' | 'corrupt';

/** The store lost a blob or its content is not what its name says. None of it is ever handed out. */
export class DamagedBlob extends UserError {
  override readonly name = 'DamagedBlob';
  constructor(
    readonly digest: Digest,
    readonly state: Exclude<BlobState, 'ok'>,
    store: string,
  ) {
    const what = state === 'missing' ? 'is missing' : 'has other content than its name says';
    super(`${paths.blob(digest)} in ${store} ${what}. Restore it from a copy of the registry.`);
  }
}

type ReadBlob =
  | { readonly state: 'ok'; readonly content: Uint8Array }
  | { readonly state: 'missing' }
  | { readonly state: 'corrupt'; readonly etag: ETag };

/** Immutable content, named by its digest. */
export class Blobs {
  constructor(private readonly store: Store) {}

  /** Keeps the content. What is there already is read, and replaced if it is damaged, but not written again. */
  async put(content: Uint8Array): Promise<Digest> {
    const digest = digestOf(content);
    const read = await this.#read(digest);
    if (read.state === 'ok') return digest;
    const when = read.state === 'corrupt' ? { ifMatch: read.etag } : ({ ifAbsent: true } as const);
    try {
      await this.store.put(paths.blob(digest), content, when);
    } catch (error) {
      if (!(error instanceof PreconditionFailed)) throw error; // somebody else has just written the same
    }
    return digest;
  }

  /** @throws DamagedBlob when it is missing, or isn't what its digest says. */
  async get(digest: Digest): Promise<Uint8Array> {
    const read = await this.#read(digest);
    if (read.state !== 'ok') throw new DamagedBlob(digest, read.state, this.store.url);
    return read.content;
  }

  async has(digest: Digest): Promise<boolean> {
    return (await this.store.size(paths.blob(digest))) !== undefined;
  }

  /** Reads every byte. */
  async check(digest: Digest): Promise<BlobState> {
    return (await this.#read(digest)).state;
  }

  async #read(digest: Digest): Promise<ReadBlob> {
    const found = await this.store.get(paths.blob(digest));
    if (found === undefined) return { state: 'missing' };
    if (digestOf(found.body) !== digest) return { state: 'corrupt', etag: found.etag };
    return { state: 'ok', content: found.body };
  }
}
