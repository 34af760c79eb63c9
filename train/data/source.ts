import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { UserError } from '../../cli/errors.ts';
import { type Digest, digestOf } from '../../registry/digest.ts';
import { readContent } from './content.ts';
import {
  type DatasetEntry,
  type DatasetName,
  type DatasetTable,
  datasets,
  type Role,
  roles,
} from './datasets.ts';
import { DownloadFailed, type DownloadProgress, download } from './download.ts';
import { findFile, maxFileBytes, readDatasetFile } from './files.ts';

/** Where a run's data comes from. */
export type Source =
  | {
      readonly kind: 'files';
      readonly dataset: DatasetName;
      readonly directory: string;
      /** Of the files' bytes as they lie there, compressed or not. */
      readonly digests: Readonly<Record<Role, Digest>>;
    }
  | { readonly kind: 'synthetic'; readonly why: string };

export interface SourceOptions {
  /** Undefined: MNIST, or the synthetic digits where MNIST can't be had. */
  readonly dataset: DatasetName | 'synthetic' | undefined;
  /** A folder that holds the files; nothing is looked for elsewhere then. */
  readonly directory: string | undefined;
  /** Downloads are kept under `<cache>/datasets/<name>/`. */
  readonly cache: string;
  readonly report: (event: DownloadProgress) => void;
  /** Told what a person should know, in plain sentences. */
  readonly note: (text: string) => void;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Finds the data: in the folder that was named, else in the cache, else on the mirrors. The files' content is
 * checked when it is downloaded and when it is loaded, not here, so that an unchanged run starts at once.
 * @throws UserError when data that was asked for can't be had.
 */
export async function findSource(options: SourceOptions, table: DatasetTable = datasets): Promise<Source> {
  if (options.dataset === 'synthetic') return { kind: 'synthetic', why: 'it was asked for' };
  const name = options.dataset ?? 'mnist';
  const entry = table[name];
  if (options.directory !== undefined) {
    await checkDirectory(options.directory, entry);
    return await filesIn(options.directory, name, entry);
  }
  const directory = join(options.cache, 'datasets', name);
  try {
    await downloadMissing(directory, entry, options);
  } catch (error) {
    if (!(error instanceof DownloadFailed)) throw error;
    return withoutFiles(error, entry, options);
  }
  return await filesIn(directory, name, entry);
}

/** Whether the data set's files are in the cache already. */
export async function isDownloaded(dataset: DatasetName, cache: string): Promise<boolean> {
  return (await missingFiles(join(cache, 'datasets', dataset), datasets[dataset])).length === 0;
}

async function checkDirectory(directory: string, entry: DatasetEntry): Promise<void> {
  const wanted = `expected a folder with the four files of ${entry.title}`;
  const found = await stat(directory).catch(() => undefined);
  if (!found?.isDirectory())
    throw new UserError(
      `${directory} is ${found === undefined ? 'not there' : 'not a folder'}: ${wanted}. Check --data, or ` +
        'SLIPWAY_DATA_DIR if it is set.',
    );
  const missing = await missingFiles(directory, entry);
  if (missing.length > 0)
    throw new UserError(
      `${directory} lacks ${missing.map((role) => entry.files[role].name).join(', ')}: ${wanted}, with or without ` +
        '.gz. Check --data, or SLIPWAY_DATA_DIR if it is set.',
    );
}

async function missingFiles(directory: string, entry: DatasetEntry): Promise<Role[]> {
  const missing: Role[] = [];
  for (const role of roles)
    if ((await findFile(directory, entry.files[role].name)) === undefined) missing.push(role);
  return missing;
}

async function downloadMissing(
  directory: string,
  entry: DatasetEntry,
  options: SourceOptions,
): Promise<void> {
  const missing = await missingFiles(directory, entry);
  const files = missing.map((role) => {
    const name = `${entry.files[role].name}.gz`;
    const check = async (bytes: Uint8Array) => void (await readContent(bytes, name, entry, role));
    return { name, maxBytes: maxFileBytes(entry), check };
  });
  const { report, signal } = options;
  await download(files, { mirrors: entry.mirrors, folder: directory, report, signal });
}

async function filesIn(directory: string, dataset: DatasetName, entry: DatasetEntry): Promise<Source> {
  const digest = async (role: Role): Promise<Digest> => {
    const { name } = entry.files[role];
    const path = await findFile(directory, name);
    if (path === undefined) throw new UserError(`${directory} no longer holds ${name}: start again.`);
    return digestOf(await readDatasetFile(path, entry));
  };
  const digests = {
    'train-images': await digest('train-images'),
    'train-labels': await digest('train-labels'),
    'test-images': await digest('test-images'),
    'test-labels': await digest('test-labels'),
  };
  return { kind: 'files', dataset, directory, digests };
}

function withoutFiles(failure: DownloadFailed, entry: DatasetEntry, options: SourceOptions): Source {
  const why = `${entry.title} could not be downloaded (${failure.reasons.join('; ')})`;
  if (options.dataset !== undefined)
    throw new UserError(
      `${why}. Name a folder that holds its four files with --data DIR, or use generated digits with ` +
        '--dataset synthetic.',
    );
  options.note(
    `${why}. Going on with synthetic-digits, which are generated here: the run and its version will say so, and ` +
      'such a version never replaces one trained on real data. To use real data, name its folder with --data DIR.',
  );
  return { kind: 'synthetic', why };
}
