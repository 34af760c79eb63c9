import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { UserError } from '../../cli/errors.ts';
import { digestOf } from '../../registry/digest.ts';
import type { DatasetTable, Role } from './datasets.ts';
import { encodeImages } from './idx.ts';
import { loadDataset } from './load.ts';
import { contents, names, type Spelling, tableWith, temporaryFolder, writeFiles } from './small-dataset.ts';
import { findSource } from './source.ts';

async function load(directory: string, table: DatasetTable = tableWith(), note = (_: string) => {}) {
  const options = { dataset: undefined, directory, cache: '/nowhere', report: () => {}, note };
  return loadDataset(await findSource(options, table), { seed: 1, note }, table);
}

test.each<[string, Spelling]>([
  ['plain', {}],
  ['gzipped', { gzip: true }],
  ['dotted', { dotted: true }],
  ['dotted and gzipped', { dotted: true, gzip: true }],
])('%s files are read in their order', async (_, spelling) => {
  await using folder = temporaryFolder();
  await writeFiles(folder.path, {}, spelling);
  const { name, synthetic, train, test } = await load(folder.path);
  expect({ name, synthetic }).toEqual({ name: 'mnist', synthetic: false });
  expect([train.count, test.count]).toEqual([30, 10]);
  expect(digestOf(train.images)).toBe(digestOf(contents['train-images'].subarray(16)));
  expect(digestOf(test.images)).toBe(digestOf(contents['test-images'].subarray(16)));
  expect([...test.labels]).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
});

describe('a file that is not what it should be is named, with what was found and expected', () => {
  const flipped = Uint8Array.from(contents['train-images']);
  flipped[500] = (flipped[500] ?? 0) ^ 1;
  const small = encodeImages({ count: 10, rows: 14, columns: 14, pixels: new Uint8Array(10 * 14 * 14) });

  test.each<[string, Partial<Record<Role, Uint8Array>>, RegExp]>([
    [
      'images and labels swapped',
      { 'train-images': contents['train-labels'], 'train-labels': contents['train-images'] },
      /train-images-idx3-ubyte is not what it should be: expected an IDX file of images.*found 00 00 08 01, an IDX file of labels/,
    ],
    [
      'training and test files swapped',
      { 'train-images': contents['test-images'], 'test-images': contents['train-images'] },
      /train-images-idx3-ubyte holds 10 items; .* holds 30\. Were training and test files swapped\?/,
    ],
    ['a flipped byte', { 'train-images': flipped }, /expected SHA-256 [0-9a-f]{64} .* found [0-9a-f]{64}/],
    [
      'a label of 11',
      { 'test-labels': contents['test-labels'].with(8 + 3, 11) },
      /t10k-labels-idx1-ubyte holds the label 11 for image 3; labels of Small MNIST are 0 to 9/,
    ],
    [
      'a cut file',
      { 'test-images': contents['test-images'].subarray(0, 999) },
      /wrong length.*7856.*found 999/,
    ],
    ['other image sizes', { 'test-images': small }, /images of 14 x 14 pixels; Small MNIST has 28 x 28/],
    [
      'a file that is far too large',
      { 'test-labels': new Uint8Array(200_000) },
      /has 200000 bytes; .* at most/,
    ],
  ])('%s', async (_, changed, message) => {
    await using folder = temporaryFolder();
    await writeFiles(folder.path, changed);
    const loading = load(folder.path);
    await expect(loading).rejects.toThrow(message);
    await expect(loading).rejects.toBeInstanceOf(UserError);
    await expect(loading).rejects.toThrow(folder.path);
  });

  test('a truncated gz', async () => {
    await using folder = temporaryFolder();
    await writeFiles(folder.path, {}, { gzip: true });
    const path = join(folder.path, `${names['train-images']}.gz`);
    await writeFile(path, (await readFile(path)).subarray(0, -100));
    await expect(load(folder.path)).rejects.toThrow(
      /train-images-idx3-ubyte\.gz can't be unpacked: .*cut short/,
    );
  });

  test('an archive that unpacks to far more than it should', async () => {
    await using folder = temporaryFolder();
    await writeFiles(folder.path, { 'train-labels': new Uint8Array(5_000_000) }, { gzip: true });
    await expect(load(folder.path)).rejects.toThrow(/unpacks to more than the 23536 bytes/);
  });
});

test('a file that changes between finding and loading is refused', async () => {
  await using folder = temporaryFolder();
  await writeFiles(folder.path);
  const table = tableWith();
  const options = { directory: folder.path, cache: '/nowhere', report: () => {}, note: () => {} };
  const source = await findSource({ dataset: 'mnist', ...options }, table);
  await writeFiles(folder.path, { 'test-labels': contents['test-labels'].with(9, 7) });
  await expect(loadDataset(source, { seed: 1 }, table)).rejects.toThrow(/t10k-labels.* was changed while/);
});

describe('a data set whose content has no known digest', () => {
  const { files } = tableWith().mnist;
  const withoutDigest = (role: Role) => ({ name: files[role].name, count: files[role].count });
  const archiveDigest = (role: Role) => ({
    ...withoutDigest(role),
    gzipSha256: digestOf(gzipSync(contents[role])),
  });
  const tableOf = (file: typeof withoutDigest) =>
    tableWith({
      files: {
        'train-images': file('train-images'),
        'train-labels': file('train-labels'),
        'test-images': file('test-images'),
        'test-labels': file('test-labels'),
      },
    });

  test('is loaded with a note that it could not be checked', async () => {
    await using folder = temporaryFolder();
    await writeFiles(folder.path);
    const notes: string[] = [];
    expect((await load(folder.path, tableOf(withoutDigest), (text) => notes.push(text))).train.count).toBe(
      30,
    );
    expect(notes).toHaveLength(1);
    expect(notes[0]).toMatch(/train-images-idx3-ubyte, .*could not be checked against a known digest/);
  });

  test('needs no note when its archives are those that the authors published', async () => {
    await using folder = temporaryFolder();
    await writeFiles(folder.path, {}, { gzip: true });
    const notes: string[] = [];
    await load(folder.path, tableOf(archiveDigest), (text) => notes.push(text));
    expect(notes).toEqual([]);
  });
});

test('a synthetic source says so, in name and flag', async () => {
  const dataset = await loadDataset({ kind: 'synthetic', why: 'it was asked for' }, { seed: 3 });
  expect(dataset).toMatchObject({ name: 'synthetic-digits', synthetic: true });
  expect([dataset.train.count, dataset.test.count, dataset.classes.length]).toEqual([20_000, 4_000, 10]);
});

const realData = process.env.SLIPWAY_DATA_DIR;
test.skipIf(!realData)('the real MNIST has the known counts [needs SLIPWAY_DATA_DIR]', async () => {
  const options = { directory: realData, cache: '/nowhere', report: () => {}, note: () => {} };
  const dataset = await loadDataset(await findSource({ dataset: 'mnist', ...options }), { seed: 1 });
  const perDigit = (labels: Uint8Array) =>
    Array.from({ length: 10 }, (_, digit) => labels.filter((label) => label === digit).length);
  expect(perDigit(dataset.train.labels)).toEqual([
    5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949,
  ]);
  expect(perDigit(dataset.test.labels)).toEqual([980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]);
  expect(dataset.train.images).toHaveLength(60_000 * 784);
});
