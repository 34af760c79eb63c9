import { UserError } from '../cli/errors.ts';
import { type Digest, digestOf } from './digest.ts';
import { paths } from './paths.ts';
import { PreconditionFailed, type Store } from './store/store.ts';

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

/** Immutable content, named by its digest. */
export class Blobs {
  constructor(private readonly store: Store) {}

  /** Keeps the content; one that is there already, with the right size, is not written again. */
  async put(content: Uint8Array): Promise<Digest> {
    const digest = digestOf(content);
    const key = paths.blob(digest);
    const size = await this.store.size(key);
    if (size === content.length) return digest;
    if (size !== undefined) await this.store.delete(key); // cut short by a fault of the disk: mend it
    try {
      await this.store.put(key, content, { ifAbsent: true });
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

  async #read(
    digest: Digest,
  ): Promise<{ state: 'ok'; content: Uint8Array } | { state: Exclude<BlobState, 'ok'> }> {
    const found = await this.store.get(paths.blob(digest));
    if (found === undefined) return { state: 'missing' };
    return digestOf(found.body) === digest ? { state: 'ok', content: found.body } : { state: 'corrupt' };
  }
}
