import { randomUUID } from 'node:crypto';
import type { BigIntStats } from 'node:fs';
import { type FileHandle, link, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { explain, hasCode, ignoring } from './directory-errors.ts';
import { makeFolder, syncFolder, writeDurably } from './durable.ts';
import { checkKey, checkPrefix, isKey } from './key.ts';
import { type StateName, States } from './states.ts';
import {
  type ETag,
  PreconditionFailed,
  type Store,
  type StoredObject,
  type WriteCondition,
} from './store.ts';

/** No write takes this long: what is older was left by a process that was killed. */
const temporaryLifetimeMs = 60 * 60 * 1000;

/**
 * A store in a folder, shared by any number of processes without a lock.
 *
 *     <folder>/<key>                  the object; of one that was replaced, its newest state
 *     <folder>/.states/<key>/<n>      state n = 0, 1, 2, ... of an object that was replaced
 *     <folder>/.tmp/<id>              writes that are not finished
 *
 * `link` is the only step that decides anything: it fails if the name is there, so for each name one process wins.
 * - Creating links `<key>`.
 * - Replacing state n keeps it, if that was not done yet, by linking `<key>` as state n; then it links state n + 1.
 *   Whoever read state n can make that one name only, so of all who compared with state n one wins, and states are
 *   neither skipped nor overwritten. That link is the commit.
 * - A killed writer leaves either no link or the whole new state. No lock is left, nobody has to find out who is
 *   dead, and it holds between machines that share the folder as well.
 *
 * `<key>` then becomes another name of the newest state, by rename. It decides nothing: if its writer was killed
 * before that, readers still take the newest state, and mend `<key>` on the way.
 *
 * A `<key>` that is the same file as none of its states came after them: it was created again after somebody had
 * removed `<key>` by hand, or it is a copy that somebody restored. It is the object, and follows the last state.
 */
export class DirectoryStore implements Store {
  readonly url: string;
  readonly #states: States;
  #cleaned: Promise<void> | undefined;

  constructor(
    folder: string,
    private readonly now: () => number = Date.now,
  ) {
    this.url = resolve(folder);
    this.#states = new States(join(this.url, '.states'));
  }

  async get(key: string): Promise<StoredObject | undefined> {
    return await this.#explained(async () => {
      await using current = await this.#open(key);
      if (current === undefined) return undefined;
      return { body: await current.file.readFile(), etag: etagOf(current) };
    });
  }

  async size(key: string): Promise<number | undefined> {
    return await this.#explained(async () => {
      await using current = await this.#open(key);
      return current === undefined ? undefined : Number(current.stats.size);
    });
  }

  async put(key: string, body: Uint8Array, when: WriteCondition): Promise<ETag> {
    checkKey(key);
    return await this.#explained(async () => {
      await makeFolder(join(this.url, '.tmp'));
      this.#cleaned ??= this.#removeOldTemporaries();
      await this.#cleaned;

      const temporary = this.#temporaryPath();
      await writeDurably(temporary, body);
      try {
        const stats = await stat(temporary, { bigint: true });
        const number =
          'ifAbsent' in when
            ? await this.#create(key, temporary)
            : await this.#replace(key, temporary, when.ifMatch);
        return etagOf({ number, stats });
      } finally {
        await rm(temporary, { force: true });
      }
    });
  }

  async list(prefix: string): Promise<string[]> {
    checkPrefix(prefix);
    return await this.#explained(async () => {
      const keys = await this.#walk(prefix.slice(0, prefix.lastIndexOf('/') + 1));
      return keys.filter((key) => key.startsWith(prefix)).sort();
    });
  }

  /**
   * All states go in one step: a process that is killed here leaves the object in its newest state or deleted,
   * never in an older one.
   */
  async delete(key: string): Promise<void> {
    checkKey(key);
    await this.#explained(async () => {
      await using current = await this.#open(key);
      if (current === undefined) return;
      if (current.kept) await this.#showNewest(key);
      const discarded = this.#temporaryPath();
      await ignoring(['ENOENT'], rename(this.#states.place(key), discarded));
      await rm(this.#path(key), { force: true });
      await rm(discarded, { force: true, recursive: true });
      await syncFolder(dirname(this.#path(key)));
    });
  }

  async #create(key: string, temporary: string): Promise<number> {
    const target = this.#path(key);
    await makeFolder(dirname(target));
    const number = (await this.#states.last(key)) + 1;
    try {
      await link(temporary, target);
    } catch (error) {
      if (hasCode(error, 'EEXIST')) throw new PreconditionFailed(key, this.url);
      throw error;
    }
    await syncFolder(dirname(target));
    return number;
  }

  async #replace(key: string, temporary: string, seen: ETag): Promise<number> {
    await using current = await this.#open(key);
    if (current === undefined || etagOf(current) !== seen) throw new PreconditionFailed(key, this.url);

    const number = current.number + 1;
    const compared =
      current.kept || (await this.#states.keep(key, current.number, this.#path(key), current.stats.ino));
    if (!compared || !(await this.#states.add(key, number, temporary)))
      throw new PreconditionFailed(key, this.url);
    await this.#showNewest(key).catch(() => undefined); // it is committed: failing now would tell a lie
    return number;
  }

  /** The present state. `<key>` is opened before the states are listed: it is none that came after those. */
  async #open(key: string): Promise<OpenState | undefined> {
    checkKey(key);
    const shown = await openFile(this.#path(key));
    if (shown === undefined) return undefined;
    const state = await this.#states.present(key, shown.stats.ino).catch(async (error) => {
      await shown.file.close();
      throw error;
    });
    if (!state.behind) return { ...shown, ...state };

    await shown.file.close();
    await this.#showNewest(key).catch(() => undefined); // a reader need not have the right to write
    const newest = await openFile(this.#states.path(key, state.number));
    return newest && { ...newest, ...state };
  }

  /**
   * Makes `<key>` a name of the newest state. Two processes may do so at once, and the slower one with an older
   * state: so each looks again after its rename, and the last to rename has looked last.
   */
  async #showNewest(key: string): Promise<void> {
    let shown = -1;
    for (let last = await this.#states.last(key); last !== shown; last = await this.#states.last(key)) {
      const temporary = this.#temporaryPath();
      await link(this.#states.path(key, last), temporary);
      await rename(temporary, this.#path(key));
      await rm(temporary, { force: true }); // rename leaves it where both were names of one file already
      shown = last;
    }
    await syncFolder(dirname(this.#path(key)));
  }

  async #walk(folder: string): Promise<string[]> {
    const entries = await ignoring(['ENOENT'], readdir(join(this.url, folder), { withFileTypes: true }));
    const keys: string[] = [];
    for (const entry of entries ?? []) {
      if (entry.name.startsWith('.')) continue;
      if (entry.isDirectory()) keys.push(...(await this.#walk(`${folder}${entry.name}/`)));
      else if (entry.isFile() && isKey(folder + entry.name)) keys.push(folder + entry.name);
    }
    return keys;
  }

  /** By the time of the last change of the inode: linking and renaming set it, whatever the content's age. */
  async #removeOldTemporaries(): Promise<void> {
    const folder = join(this.url, '.tmp');
    for (const name of await readdir(folder)) {
      const path = join(folder, name);
      const stats = await ignoring(['ENOENT'], stat(path));
      if (stats !== undefined && stats.ctimeMs < this.now() - temporaryLifetimeMs)
        await rm(path, { force: true, recursive: true });
    }
  }

  #path(key: string): string {
    return join(this.url, key);
  }

  #temporaryPath(): string {
    return join(this.url, '.tmp', randomUUID());
  }

  async #explained<T>(operation: () => Promise<T>): Promise<T> {
    try {
      return await operation();
    } catch (error) {
      throw explain(error, this.url);
    }
  }
}

interface OpenFile extends AsyncDisposable {
  readonly stats: BigIntStats;
  readonly file: FileHandle;
}

interface OpenState extends OpenFile, StateName {}

async function openFile(path: string): Promise<OpenFile | undefined> {
  const file = await ignoring(['ENOENT'], open(path, 'r'));
  if (file === undefined) return undefined;
  const stats = await file.stat({ bigint: true });
  if (!stats.isFile()) {
    await file.close();
    return undefined;
  }
  return { stats, file, [Symbol.asyncDispose]: () => file.close() };
}

/** The number tells the states of an object apart; the rest, an object that was deleted and made anew. */
function etagOf({ number, stats }: Pick<OpenState, 'number' | 'stats'>): ETag {
  return `${number}.${stats.mtimeNs}.${stats.size}` as ETag;
}
