import type { z } from 'zod';
import { UsageError } from '../cli/errors.ts';
import type { Digest } from './digest.ts';
import {
  type AliasName,
  aliasNameSchema,
  filePathSchema,
  type ModelName,
  modelNameSchema,
  versionSchema,
} from './names.ts';

/**
 * Where everything is in a store. Names are checked here, so that none can reach outside its place.
 *
 *     blobs/sha256/<digest>                      immutable content, written once
 *     models/<model>/versions/<000007>.json      a manifest, written once, after all its blobs: that is the commit
 *     models/<model>/aliases/<alias>.json        a pointer to a version, replaced at each move
 *     models/<model>/history/<time>-<id>.json    each publish, gate decision and move, written once
 */
export const paths = {
  blob: (digest: Digest) => `blobs/sha256/${digest}`,
  models: 'models/',
  versions: (model: string) => `models/${modelName(model)}/versions/`,
  manifest: (model: string, version: number) => `${paths.versions(model)}${versionFile(version)}`,
  aliases: (model: string) => `models/${modelName(model)}/aliases/`,
  alias: (model: string, alias: string) => `${paths.aliases(model)}${aliasName(alias)}.json`,
  history: (model: string) => `models/${modelName(model)}/history/`,
  /** Sorted by name is sorted by time. */
  historyEntry: (model: string, at: string, id: string) =>
    `${paths.history(model)}${at.replaceAll(/[-:]/g, '')}-${id}.json`,
};

export function modelName(name: string): ModelName {
  return checked(modelNameSchema, name, 'the name of a model');
}

export function aliasName(name: string): AliasName {
  return checked(aliasNameSchema, name, 'the name of an alias');
}

/** The name of a file inside a version; no key of a store. */
export function filePath(path: string): string {
  return checked(filePathSchema, path, 'the name of a file');
}

/** `000007.json`: sorted by name is sorted by number. */
function versionFile(version: number): string {
  return `${String(checked(versionSchema, version, 'a version')).padStart(6, '0')}.json`;
}

function checked<S extends z.ZodType>(schema: S, value: string | number, what: string): z.output<S> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const reasons = result.error.issues.map(({ message }) => message).join('; ');
  throw new UsageError(`${JSON.stringify(value).slice(0, 100)} can't be ${what}: ${reasons}.`);
}
