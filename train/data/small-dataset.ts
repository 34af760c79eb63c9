import { mkdtempSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { digestOf } from '../../registry/digest.ts';
import { type DatasetEntry, type DatasetTable, datasets, type Role, roles } from './datasets.ts';
import { encodeImages, encodeLabels } from './idx.ts';

/*
 * For tests: a data set of 40 images in MNIST's form, with its own table entry, so that every check on content
 * can be exercised without the real files.
 */

export const names: Readonly<Record<Role, string>> = {
  'train-images': 'train-images-idx3-ubyte',
  'train-labels': 'train-labels-idx1-ubyte',
  'test-images': 't10k-images-idx3-ubyte',
  'test-labels': 't10k-labels-idx1-ubyte',
};

const counts = { train: 30, test: 10 };

/** The uncompressed files. */
export const contents: Readonly<Record<Role, Uint8Array>> = {
  'train-images': imagesFile(counts.train, 1),
  'train-labels': labelsFile(counts.train),
  'test-images': imagesFile(counts.test, 2),
  'test-labels': labelsFile(counts.test),
};

/** The table with `mnist` replaced by the small data set. */
export function tableWith(change: Partial<DatasetEntry> = {}): DatasetTable {
  const file = (role: Role) => ({
    name: names[role],
    count: role.startsWith('train') ? counts.train : counts.test,
    sha256: digestOf(contents[role]),
  });
  const files = {
    'train-images': file('train-images'),
    'train-labels': file('train-labels'),
    'test-images': file('test-images'),
    'test-labels': file('test-labels'),
  };
  return { ...datasets, mnist: { ...datasets.mnist, title: 'Small MNIST', mirrors: [], files, ...change } };
}

export interface Spelling {
  readonly gzip?: boolean;
  /** `train-images.idx3-ubyte` */
  readonly dotted?: boolean;
}

/** Writes the four files, some of them with other content. */
export async function writeFiles(
  folder: string,
  changed: Partial<Record<Role, Uint8Array>> = {},
  { gzip = false, dotted = false }: Spelling = {},
): Promise<void> {
  for (const role of roles) {
    const content = changed[role] ?? contents[role];
    const name = dotted ? names[role].replace('-idx', '.idx') : names[role];
    await writeFile(join(folder, gzip ? `${name}.gz` : name), gzip ? gzipSync(content) : content);
  }
}

/** A new folder that `await using` removes. */
export function temporaryFolder(): { path: string } & AsyncDisposable {
  const path = mkdtempSync(join(tmpdir(), 'slipway-data-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

function imagesFile(count: number, seed: number): Uint8Array {
  const pixels = Uint8Array.from(
    { length: count * 784 },
    (_, place) => Math.imul(place + 1, 2654435 + seed) >>> 24,
  );
  return encodeImages({ count, rows: 28, columns: 28, pixels });
}

function labelsFile(count: number): Uint8Array {
  return encodeLabels({ count, labels: Uint8Array.from({ length: count }, (_, index) => index % 10) });
}
