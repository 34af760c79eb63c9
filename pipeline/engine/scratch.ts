import { randomUUID } from 'node:crypto';
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import { UserError } from '../../cli/errors.ts';
import { codeOf, ignoring } from '../../registry/store/directory-errors.ts';
import { makeFolder } from '../../registry/store/durable.ts';
import type { Store } from '../../registry/store/store.ts';
import { defaultCacheFolder } from '../../train/data/download.ts';
import { Claim, lookAtClaims } from './claim.ts';
import type { Fingerprint } from './fingerprint.ts';

/** What nobody came back for in this time goes, when the same stage runs from something else. */
const lifetimeMs = 14 * 24 * 60 * 60 * 1000;

interface ScratchRequest {
  readonly root: string;
  readonly stage: string;
  readonly fingerprint: Fingerprint;
}

/**
 * A stage's folder for what it wants to find again after it was interrupted, such as checkpoints:
 *
 *     <root>/<stage>/<fingerprint>/files/      the folder
 *     <root>/<stage>/<fingerprint>/claims/     who uses it: see `claim.ts`
 *     <root>/<stage>/<fingerprint>.<id>/       the same, of a run that came while another one used the first
 *
 * Runs don't wait for each other: of two at once that make the same, the second one starts with an empty folder of
 * its own, which is not kept.
 */
export class Scratch implements AsyncDisposable {
  readonly #place: string;
  readonly #claim: Claim;
  readonly #kept: boolean;

  private constructor(place: string, claim: Claim, kept: boolean) {
    this.#place = place;
    this.#claim = claim;
    this.#kept = kept;
  }

  /** @throws UserError when the folder can't be made. */
  static async open({ root, stage, fingerprint }: ScratchRequest): Promise<Scratch> {
    const folder = join(root, stage);
    try {
      await makeFolder(folder);
      await removeOld(folder, fingerprint).catch(() => undefined); // what can't be removed is in nobody's way
      const shared = await claimed(join(folder, fingerprint), true);
      const scratch = shared ?? (await claimed(join(folder, `${fingerprint}.${randomUUID()}`), false));
      if (!scratch) throw new Error(`A scratch folder that nobody else knows is in use: ${folder}`);
      await mkdir(scratch.folder, { recursive: true });
      return scratch;
    } catch (error) {
      const code = codeOf(error);
      if (code === undefined) throw error;
      throw new UserError(
        `The stage ${stage} can't have its scratch folder in ${folder} (${code}). Make that folder writable and free ` +
          'some space, or choose another place with --registry; SLIPWAY_CACHE_DIR where the registry is no folder.',
        { cause: error },
      );
    }

    async function claimed(place: string, kept: boolean): Promise<Scratch | undefined> {
      const claim = await Claim.make(join(place, 'claims'));
      return claim && new Scratch(place, claim, kept);
    }
  }

  get folder(): string {
    return join(this.#place, 'files');
  }

  /** Removes it: the stage is finished. In one step first, so that nobody finds a part of it. */
  async complete(): Promise<void> {
    this.#claim.abandon();
    const gone = `${this.#place}${goneMark}${randomUUID()}`;
    await ignoring(['ENOENT'], rename(this.#place, gone));
    await rm(gone, { recursive: true, force: true });
  }

  /** Leaves it to the next run of the same. After `complete` there is nothing more to do. */
  async [Symbol.asyncDispose](): Promise<void> {
    // What went wrong in the stage must not be hidden; that its process is gone says as much as the claim.
    await (this.#kept ? this.#claim[Symbol.asyncDispose]() : this.complete()).catch(() => undefined);
  }
}

/** Beside what a registry in a folder holds, or in the cache folder of this machine where the registry is elsewhere. */
export function scratchRoot({ url }: Pick<Store, 'url'>): string {
  return isAbsolute(url) ? join(url, '.scratch') : join(defaultCacheFolder(), 'scratch');
}

const goneMark = '.gone-';

async function removeOld(folder: string, fingerprint: Fingerprint): Promise<void> {
  for (const name of await readdir(folder)) {
    if (name === fingerprint) continue;
    const place = join(folder, name);
    const made = await ignoring(['ENOENT'], stat(place)); // before its first claim is there, it counts from then
    const { held, lastUsedMs } = await lookAtClaims(join(place, 'claims'));
    const idleMs = Date.now() - Math.max(lastUsedMs, made?.mtimeMs ?? 0);
    if (!held && (name.includes(goneMark) || idleMs > lifetimeMs))
      await rm(place, { recursive: true, force: true });
  }
}
