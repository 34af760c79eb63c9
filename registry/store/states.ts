import { link, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { hasCode, ignoring } from './directory-errors.ts';
import { makeFolder, syncFolder } from './durable.ts';

/** Which state an object is in. */
export interface StateName {
  readonly number: number;
  /** Whether it has its name among the states. */
  readonly kept: boolean;
  /** Whether `<key>` is still the name of an older one. */
  readonly behind: boolean;
}

/** The states that objects had and have, once they were replaced: `<folder>/<key>/<n>` for n = 0, 1, 2, ... */
export class States {
  constructor(private readonly folder: string) {}

  /** The folder that holds all states of an object. */
  place(key: string): string {
    return join(this.folder, key);
  }

  path(key: string, number: number): string {
    return join(this.place(key), String(number));
  }

  /** The newest one's number; -1 if none is kept. */
  async last(key: string): Promise<number> {
    return (await this.#numbers(key))[0] ?? -1;
  }

  /**
   * The present state of an object whose `<key>` is the inode `shown`, which was opened before this call. The second
   * listing begins after the newest state was seen, so it has every one before that: only then does it prove
   * anything that `shown` is none of them.
   */
  async present(key: string, shown: bigint): Promise<StateName> {
    const last = await this.last(key);
    if (last >= 0)
      for (const number of await this.#numbers(key))
        if ((await this.#inode(key, number)) === shown)
          return { number: Math.max(number, last), kept: true, behind: number < last };
    return { number: last + 1, kept: false, behind: false };
  }

  /** Gives the file at `path` its name among the states. False if it is not the inode `shown` any more. */
  async keep(key: string, number: number, path: string, shown: bigint): Promise<boolean> {
    await makeFolder(this.place(key));
    try {
      await link(path, this.path(key, number));
    } catch (error) {
      if (hasCode(error, 'ENOENT')) return false;
      if (!hasCode(error, 'EEXIST')) throw error; // another writer may have kept it already
    }
    return (await this.#inode(key, number)) === shown;
  }

  /** Links a finished file as a state. False if another writer was first, or the object was deleted. */
  async add(key: string, number: number, path: string): Promise<boolean> {
    try {
      await link(path, this.path(key, number));
    } catch (error) {
      if (hasCode(error, 'EEXIST', 'ENOENT')) return false;
      throw error;
    }
    await syncFolder(this.place(key));
    return true;
  }

  async #inode(key: string, number: number): Promise<bigint | undefined> {
    return (await ignoring(['ENOENT'], stat(this.path(key, number), { bigint: true })))?.ino;
  }

  /** Descending. */
  async #numbers(key: string): Promise<number[]> {
    const names = (await ignoring(['ENOENT'], readdir(this.place(key)))) ?? [];
    return names
      .filter((name) => /^[0-9]+$/.test(name))
      .map(Number)
      .sort((first, second) => second - first);
  }
}
