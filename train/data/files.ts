import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { UserError } from '../../cli/errors.ts';
import { maxContentBytes } from './content.ts';
import type { DatasetEntry } from './datasets.ts';

/** The path of a data set's file in a folder, however it is spelt there, or undefined if there is none. */
export async function findFile(folder: string, name: string): Promise<string | undefined> {
  const dotted = name.replace('-idx', '.idx'); // as some archives unpack
  for (const spelling of [name, `${name}.gz`, dotted, `${dotted}.gz`]) {
    const path = join(folder, spelling);
    if ((await stat(path).catch(() => undefined))?.isFile()) return path;
  }
  return undefined;
}

/**
 * The file's bytes as they lie there.
 * @throws UserError when it can't be read, or is larger than any file of the data set.
 */
export async function readDatasetFile(path: string, entry: DatasetEntry): Promise<Uint8Array> {
  try {
    const { size } = await stat(path);
    if (size > maxFileBytes(entry))
      throw new UserError(
        `${path} has ${size} bytes; a file of ${entry.title} has at most ${maxFileBytes(entry)}. Put the right ` +
          'file in its place.',
      );
    return await readFile(path);
  } catch (error) {
    if (error instanceof UserError || !(error instanceof Error)) throw error;
    throw new UserError(`${path} can't be read (${error.message}): put it right, or name another folder.`);
  }
}

/** The largest file of the data set, compressed or not: compressing can add a little, never this much. */
export function maxFileBytes(entry: DatasetEntry): number {
  return maxContentBytes(entry) + 65_536;
}
