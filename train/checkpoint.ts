import { randomUUID } from 'node:crypto';
import { readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { UserError } from '../cli/errors.ts';
import { codeOf, ignoring } from '../registry/store/directory-errors.ts';
import { makeFolder, syncFolder, writeDurably } from '../registry/store/durable.ts';
import { type Checkpoint, decode, encode } from './checkpoint/format.ts';

export type { Checkpoint, SavedTensor } from './checkpoint/format.ts';

export interface CheckpointOptions {
  /** How many of the latest are kept, 1 or more; the best is kept beside them. */
  readonly keep: number;
  /** Told of each file that is no whole checkpoint and is passed over. */
  readonly onSkipped?: (path: string, reason: string) => void;
}

/**
 * The checkpoints of one training, in a folder of their own:
 *
 *     <folder>/epoch-000007.checkpoint    see `checkpoint/format.ts`
 *     <folder>/.tmp-<id>                  a write that is not finished
 *
 * A file gets its name when it is whole and on the disk, so a writer that is killed at any moment leaves the
 * checkpoints before; older ones go only after that. One process writes at a time; any number may read.
 */
export class Checkpoints {
  readonly #folder: string;
  readonly #keep: number;
  readonly #onSkipped: (path: string, reason: string) => void;
  /** Score by epoch of the whole checkpoints in the folder; undefined until they were looked at. */
  #scores: Map<number, number> | undefined;

  /** @throws RangeError when `keep` is not 1 or more. Nothing is written before the first `save`. */
  constructor(directory: string, { keep, onSkipped = () => {} }: CheckpointOptions) {
    if (!(keep >= 1)) throw new RangeError(`at least 1 checkpoint has to be kept, got ${keep}`);
    this.#folder = directory;
    this.#keep = keep;
    this.#onSkipped = onSkipped;
  }

  /**
   * Durable when it returns. One of the same epoch is replaced.
   * @throws CheckpointNotSaved when the disk doesn't take it: those before are still there.
   * @throws RangeError for what the format can't store.
   */
  async save(checkpoint: Checkpoint): Promise<void> {
    const { epoch, score } = checkpoint;
    const bytes = encode(checkpoint);
    try {
      this.#scores ??= await this.#takeOver();
      await this.#write(fileOf(epoch), bytes);
      this.#scores.set(epoch, score);
    } catch (error) {
      throw codeOf(error) === undefined ? error : new CheckpointNotSaved(epoch, this.#folder, error);
    }
    await this.#removeOld(this.#scores).catch(() => undefined); // it is saved: failing now would tell a lie
  }

  /** The one of the last epoch that is whole. */
  async latest(): Promise<Checkpoint | undefined> {
    for (const epoch of await this.#epochs()) {
      const checkpoint = await this.#read(epoch);
      if (checkpoint) return checkpoint;
    }
    return undefined;
  }

  /** The whole one with the highest score, the earliest of equal ones. */
  async best(): Promise<Checkpoint | undefined> {
    let best: Checkpoint | undefined;
    for (const epoch of await this.#epochs()) {
      const checkpoint = await this.#read(epoch);
      if (checkpoint && checkpoint.score >= (best?.score ?? checkpoint.score)) best = checkpoint;
    }
    return best;
  }

  /** Removes the folder with all that is in it. */
  async clear(): Promise<void> {
    this.#scores = undefined;
    await rm(this.#folder, { recursive: true, force: true });
  }

  /** Before the first write: what killed writers left goes, and what is there is looked at once. */
  async #takeOver(): Promise<Map<number, number>> {
    await makeFolder(this.#folder);
    for (const name of await readdir(this.#folder))
      if (name.startsWith(temporaryPrefix)) await rm(join(this.#folder, name), { force: true });
    const scores = new Map<number, number>();
    for (const epoch of await this.#epochs()) {
      const checkpoint = await this.#read(epoch);
      if (checkpoint) scores.set(epoch, checkpoint.score);
    }
    return scores;
  }

  async #write(name: string, bytes: Uint8Array): Promise<void> {
    const temporary = join(this.#folder, `${temporaryPrefix}${randomUUID()}`);
    await writeDurably(temporary, bytes);
    try {
      await rename(temporary, join(this.#folder, name));
    } catch (error) {
      await rm(temporary, { force: true });
      throw error;
    }
    await syncFolder(this.#folder);
  }

  /** What is damaged goes as well: it is of no use to anybody. */
  async #removeOld(scores: Map<number, number>): Promise<void> {
    const kept = new Set([...scores.keys()].sort((a, b) => b - a).slice(0, this.#keep));
    const best = bestOf(scores);
    if (best !== undefined) kept.add(best);
    for (const epoch of await this.#epochs()) {
      if (kept.has(epoch)) continue;
      await rm(join(this.#folder, fileOf(epoch)), { force: true });
      scores.delete(epoch);
    }
  }

  /** Latest first. */
  async #epochs(): Promise<number[]> {
    const names = (await ignoring(['ENOENT'], readdir(this.#folder))) ?? [];
    return names
      .flatMap((name) => filePattern.exec(name)?.[1] ?? [])
      .map(Number)
      .sort((a, b) => b - a);
  }

  async #read(epoch: number): Promise<Checkpoint | undefined> {
    const path = join(this.#folder, fileOf(epoch));
    try {
      const checkpoint = decode(await readFile(path));
      if (checkpoint.epoch === epoch) return checkpoint;
      this.#onSkipped(path, `it is of epoch ${checkpoint.epoch}, not of the one in its name`);
    } catch (error) {
      this.#onSkipped(path, error instanceof Error ? error.message : String(error));
    }
    return undefined;
  }
}

/** The disk didn't take a checkpoint. Those before it are still there. */
export class CheckpointNotSaved extends UserError {
  override readonly name = 'CheckpointNotSaved';
  constructor(
    readonly epoch: number,
    readonly folder: string,
    cause: unknown,
  ) {
    super(
      `The checkpoint of epoch ${epoch} could not be written to ${folder} (${explanation(codeOf(cause))}). ` +
        'Those before it are kept: put that right, and the same command goes on from there.',
      { cause },
    );
  }
}

function explanation(code = 'an unknown error'): string {
  if (code === 'ENOSPC' || code === 'EDQUOT') return `${code}: the disk is full`;
  if (code === 'EROFS') return `${code}: the file system is read-only`;
  if (code === 'EACCES' || code === 'EPERM') return `${code}: no permission`;
  return code;
}

const temporaryPrefix = '.tmp-';
const filePattern = /^epoch-(\d{6,15})\.checkpoint$/;

function fileOf(epoch: number): string {
  return `epoch-${String(epoch).padStart(6, '0')}.checkpoint`;
}

function bestOf(scores: ReadonlyMap<number, number>): number | undefined {
  const [first, ...others] = [...scores].sort(([a], [b]) => a - b);
  return others.reduce((best, each) => (best && each[1] > best[1] ? each : best), first)?.[0];
}
