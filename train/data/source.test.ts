import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { UserError } from '../../cli/errors.ts';
import { digestOf } from '../../registry/digest.ts';
import { roles } from './datasets.ts';
import { loadDataset } from './load.ts';
import { contents, names, tableWith, temporaryFolder, writeFiles } from './small-dataset.ts';
import { findSource, type SourceOptions } from './source.ts';
import { startMirror } from './test-mirror.ts';

function options(change: Partial<SourceOptions> = {}): SourceOptions {
  return {
    dataset: undefined,
    directory: undefined,
    cache: '/nowhere',
    report: () => {},
    note: () => {},
    ...change,
  };
}

const archives = Object.fromEntries(roles.map((role) => [`${names[role]}.gz`, gzipSync(contents[role])]));
const unreachable = ['http://no-such-host.invalid/', 'http://127.0.0.1:1/'];

test('a named folder is used as it is, its files known by their bytes', async () => {
  await using folder = temporaryFolder();
  await writeFiles(folder.path);
  expect(await findSource(options({ directory: folder.path }), tableWith())).toEqual({
    kind: 'files',
    dataset: 'mnist',
    directory: folder.path,
    digests: Object.fromEntries(roles.map((role) => [role, digestOf(contents[role])])),
  });
});

test('a named folder that is missing, no folder, or lacks a file is an error, never replaced by something else', async () => {
  await using folder = temporaryFolder();
  const find = (directory: string) => findSource(options({ directory }), tableWith());
  await expect(find(join(folder.path, 'none'))).rejects.toThrow(
    /none is not there: expected a folder.*--data/,
  );
  await writeFiles(folder.path);
  const file = join(folder.path, names['test-labels']);
  await expect(find(file)).rejects.toThrow(/is not a folder/);
  await rm(file);
  await expect(find(folder.path)).rejects.toThrow(/lacks t10k-labels-idx1-ubyte: expected a folder/);
  await expect(find(folder.path)).rejects.toBeInstanceOf(UserError);
});

test('the files are downloaded once, checked, and found in the cache from then on', async () => {
  await using cache = temporaryFolder();
  await using mirror = await startMirror(archives);
  const table = tableWith({ mirrors: [mirror.url] });
  const found = await findSource(options({ cache: cache.path }), table);
  expect(found).toMatchObject({ kind: 'files', directory: join(cache.path, 'datasets', 'mnist') });
  expect(await findSource(options({ cache: cache.path }), table)).toEqual(found);
  expect(mirror.requests).toHaveLength(4);
  expect((await loadDataset(found, { seed: 1 }, table)).test.count).toBe(10);
});

test('only the files that the cache lacks are downloaded', async () => {
  await using cache = temporaryFolder();
  await using mirror = await startMirror(archives);
  const directory = join(cache.path, 'datasets', 'mnist');
  await mkdir(directory, { recursive: true });
  await writeFiles(directory, {}, { gzip: true });
  await rm(join(directory, `${names['train-labels']}.gz`));
  await findSource(options({ cache: cache.path }), tableWith({ mirrors: [mirror.url] }));
  expect(mirror.requests).toEqual(['train-labels-idx1-ubyte.gz whole']);
});

test('a mirror with changed content is passed over', async () => {
  await using cache = temporaryFolder();
  const changed = gzipSync(contents['test-labels'].with(9, 7));
  await using bad = await startMirror({ ...archives, [`${names['test-labels']}.gz`]: changed });
  await using good = await startMirror(archives);
  const table = tableWith({ mirrors: [bad.url, good.url] });
  const source = await findSource(options({ cache: cache.path }), table);
  expect((await loadDataset(source, { seed: 1 }, table)).test.labels[1]).toBe(1);
  expect(good.requests).toEqual(['t10k-labels-idx1-ubyte.gz whole']);
});

test('with no data set named and nothing reachable, the synthetic digits stand in, and a note says why', async () => {
  await using cache = temporaryFolder();
  const notes: string[] = [];
  const note = (text: string) => void notes.push(text);
  const source = await findSource(options({ cache: cache.path, note }), tableWith({ mirrors: unreachable }));
  expect(source).toMatchObject({ kind: 'synthetic' });
  expect(notes).toHaveLength(1);
  expect(notes[0]).toMatch(
    /Small MNIST could not be downloaded \(no-such-host.*; 127.*\)\. Going on with synthetic/,
  );
});

test('a data set that was asked for by name is never replaced', async () => {
  await using cache = temporaryFolder();
  const table = tableWith({ mirrors: unreachable });
  const finding = findSource(options({ dataset: 'mnist', cache: cache.path }), table);
  await expect(finding).rejects.toBeInstanceOf(UserError);
  await expect(finding).rejects.toThrow(/could not be downloaded .*--data DIR.*--dataset synthetic/);
});

test('synthetic is taken at its word, whatever folder is set', async () => {
  expect(await findSource(options({ dataset: 'synthetic', directory: '/nowhere' }))).toEqual({
    kind: 'synthetic',
    why: 'it was asked for',
  });
});
