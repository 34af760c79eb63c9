import { resolve } from 'node:path';
import { Option } from '@commander-js/extra-typings';
import { UsageError } from '../cli/errors.ts';

/** Reads a flag's value as several, with commas between them. */
export function listOf<T>(one: (text: string) => T): (text: string) => readonly T[] {
  return (text) => text.split(',').map((part) => one(part.trim()));
}

/** Reads a flag's value as one of `names`. */
export function oneOf<Name extends string>(names: readonly Name[]): (text: string) => Name {
  return (text) => {
    const found = names.find((name) => name === text);
    if (found !== undefined) return found;
    throw new UsageError(`Expected one of ${names.join(', ')}, got "${text}".`);
  };
}

export const dataOption = new Option('--data <folder>', "where MNIST's four files are, gzipped or not")
  .env('SLIPWAY_DATA_DIR')
  .argParser((folder) => resolve(folder));
