import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openRegistry } from '../registry/open.ts';
import { doneEvent, type Ended, run, temporaryFolder } from './slipway.ts';

const execute = promisify(execFile);
const PIPELINE = 'workflows/pipeline.ts';
const outcomes = (ended: Ended) =>
  Object.fromEntries(doneEvent(ended).stages.map(({ name, outcome }) => [name, outcome]));
const all = (outcome: 'ran' | 'cached') => ({
  data: outcome,
  train: outcome,
  evaluate: outcome,
  export: outcome,
  register: outcome,
  promote: outcome,
  smoke: outcome,
});

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
beforeAll(async () => {
  folder = await temporaryFolder();
});
afterAll(() => folder[Symbol.asyncDispose]());

/** Trains on the synthetic digits into the registry that this file's tests share. */
const pipeline = (...flags: string[]) =>
  run(PIPELINE, ['--registry', folder.path, '--dataset', 'synthetic', ...flags]);

describe('the pipeline, on synthetic digits', { timeout: 180_000 }, () => {
  test('goes from nothing to a promoted version that was served', async () => {
    const ended = await pipeline('--epochs', '2', '--json');
    const done = doneEvent(ended);
    expect(done).toMatchObject({ model: 'mnist', version: 1, alias: 'live' });
    expect(done.metrics.accuracy).toBeGreaterThan(0.985);
    expect(outcomes(ended)).toEqual(all('ran'));

    const registry = openRegistry(folder.path);
    expect((await registry.verify('mnist', 1)).map(({ state }) => state)).not.toContain('missing');
    expect(await registry.resolve('mnist@live')).toMatchObject({
      version: 1,
      dataset: { name: 'synthetic-digits', synthetic: true },
      parity: { images: 4000, differentAnswers: 0 },
      contract: { rows: 200, failures: [] },
    });
  });

  test('says on every page that the digits are generated', async () => {
    const registry = openRegistry(folder.path);
    const [report = ''] = await registry.store.list('reports/');
    const page = Buffer.from((await registry.store.get(report))?.body ?? []).toString();
    expect(page).toContain('synthetic-digits');
    const { out } = await run('registry/main.ts', ['list', '--registry', folder.path]);
    expect(out).toContain('synthetic-digits');
    const summary = await pipeline('--epochs', '2');
    expect(summary.out).toContain('generated digits, NOT real data');
  });

  test('does no work a second time', async () => {
    expect(outcomes(await pipeline('--epochs', '2', '--json'))).toEqual(all('cached'));
  });

  test('trains again for other epochs, on the same data, and asks the gate about the new version', async () => {
    const ended = await pipeline('--epochs', '3', '--json');
    expect(doneEvent(ended).version).toBe(2);
    expect(outcomes(ended)).toEqual({ ...all('ran'), data: 'cached' });
  });

  test('says what it would do without doing it', async () => {
    const { out, code } = await pipeline('--epochs', '4', '--dry-run');
    expect(code).toBe(0);
    expect(out).toMatch(/train: would run \(.*epochs 3 -> 4.*\)/);
    expect(await openRegistry(folder.path).versions('mnist')).toEqual([1, 2]);
  });

  test('ends with the gate’s table when the gate refuses, and leaves the live version alone', async () => {
    const { code, out, err } = await pipeline('--epochs', '1', '--learning-rate', '0.0001');
    expect(code).toBe(1);
    expect(err).toMatch(/mnist@3 does not become mnist@live: the gate refused it/);
    expect(err).toMatch(/accuracy\s+FAIL/);
    expect(out).toMatch(/report .*\.html/i);
    expect(await openRegistry(folder.path).resolve('mnist@live')).toMatchObject({ version: 2 });
  });
});

describe('what people decided', { timeout: 180_000 }, () => {
  const registryCommand = (...flags: string[]) =>
    run('registry/main.ts', [...flags, '--registry', folder.path]);

  test('a version that was rolled back does not go live again by itself', async () => {
    await registryCommand('rollback', 'mnist', 'live', '--reason', 'v2 is bad');
    const { code, err } = await pipeline('--epochs', '3');
    expect(code).toBe(1);
    expect(err).toMatch(/mnist@2 does not become mnist@live again: .* rolled it back .*v2 is bad/);
    expect(await openRegistry(folder.path).resolve('mnist@live')).toMatchObject({ version: 1 });
  });

  test('a version that was forced past the gate is served and tested like any other', async () => {
    await registryCommand('promote', 'mnist@3', 'live', '--force', '--reason', 'for the demonstration');
    const forced = await pipeline('--epochs', '1', '--learning-rate', '0.0001');
    expect(forced.out).toMatch(/mnist@live is version 3 by force, .*for the demonstration/);
    expect(forced.code).toBe(0);
  });

  test('the same model trained again is the same version', async () => {
    const again = await pipeline('--epochs', '1', '--learning-rate', '0.0001', '--from', 'train', '--json');
    expect(doneEvent(again).version).toBe(3);
    expect(outcomes(again)).toMatchObject({ train: 'ran', evaluate: 'ran', register: 'ran' });
    expect(await openRegistry(folder.path).versions('mnist')).toEqual([1, 2, 3]);
  });
});

describe('what a user gets wrong', () => {
  const cases: [why: string, flags: string[], exitCode: number, message: RegExp][] = [
    ['an unknown preset', ['--preset', 'huge'], 2, /Allowed choices are fast, default, accurate/],
    ['an unknown data set', ['--dataset', 'cats'], 2, /Allowed choices are mnist/],
    ['an unknown flag', ['--epoch', '3'], 2, /unknown option '--epoch'.*Did you mean --epochs/s],
    [
      'no whole number of epochs',
      ['--epochs', '1.5'],
      2,
      /Expected a whole number from 1 to 1000, got "1.5"/,
    ],
    ['a learning rate of nothing', ['--learning-rate', '0'], 2, /Expected a number above 0/],
    ['an unknown stage', ['--from', 'tarin'], 2, /tarin.*train/s],
    ['a folder that is not there', ['--data', '/nowhere'], 1, /\/nowhere is not there: expected a folder/],
    [
      'a registry that cannot be made',
      ['--registry', '/proc/slipway', '--dataset', 'synthetic'],
      1,
      /\/proc\/slipway can't be made/,
    ],
    [
      'a backend that is not installed',
      ['--device', 'tensorflow', '--dataset', 'synthetic'],
      1,
      /tfjs-node-gpu.*neither is installed/s,
    ],
  ];

  test.each(cases)('%s is told in plain words', async (_, flags, exitCode, message) => {
    await using registry = await temporaryFolder();
    const { code, err } = await run(PIPELINE, ['--registry', registry.path, ...flags]);
    expect(err).toMatch(message);
    expect(err).not.toMatch(/^\s+at /m); // no stack
    expect(code).toBe(exitCode);
  });

  test('a file that is cut off is named', async () => {
    await using data = await temporaryFolder();
    for (const name of ['train-images-idx3', 'train-labels-idx1', 't10k-images-idx3', 't10k-labels-idx1']) {
      await writeFile(join(data.path, `${name}-ubyte.gz`), Buffer.from('1f8b08', 'hex'));
    }
    const { code, err } = await run(PIPELINE, ['--registry', join(data.path, 'r'), '--data', data.path]);
    expect(code).toBe(1);
    expect(err).toContain(join(data.path, 'train-images-idx3-ubyte.gz'));
  });
});

describe('a registry on a disk that takes nothing', { timeout: 60_000 }, () => {
  const disks: [why: string, options: string, message: RegExp][] = [
    ['that is full', 'size=1m', /The disk that holds the registry folder .* is full/],
    ['that is read-only', 'size=1m,ro', /is on a read-only file system/],
  ];

  test.for(disks)('%s is told, and nothing is published', async ([, options, message], context) => {
    await using folder = await temporaryFolder();
    const mounted = await execute('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', folder.path]).then(
      () => true,
      () => false,
    );
    context.skip(!mounted, 'a file system cannot be mounted here');
    try {
      const registry = join(folder.path, 'registry');
      const { code, err } = await run(PIPELINE, ['--registry', registry, '--dataset', 'synthetic']);
      expect(err).toMatch(message);
      expect(err).not.toMatch(/^\s+at /m);
      expect(code).toBe(1);
      expect(await openRegistry(registry).models()).toEqual([]);
    } finally {
      await execute('umount', [folder.path]);
    }
  });
});

describe('without a network', { timeout: 120_000 }, () => {
  const alone = ['unshare', '--net'];

  test('and without data, the pipeline says so and goes on with synthetic digits', async (context) => {
    const possible = await run('-e', ['0'], { under: alone }).then(
      ({ code }) => code === 0,
      () => false,
    );
    context.skip(!possible, 'a network namespace cannot be made here');
    await using place = await temporaryFolder();
    const env = { SLIPWAY_CACHE_DIR: join(place.path, 'cache') };
    const flags = ['--registry', join(place.path, 'registry'), '--only', 'data'];
    const { code, out } = await run(PIPELINE, flags, { env, under: alone });
    expect(code).toBe(0);
    expect(out).toMatch(/could not be downloaded .* Going on with synthetic-digits/);

    const untouched = ['--registry', join(place.path, 'other'), '--dry-run'];
    const dry = await run(PIPELINE, untouched, { env, under: alone });
    expect(dry.out).toMatch(/MNIST handwritten digits would be downloaded first/);

    const explicit = await run(PIPELINE, [...flags, '--dataset', 'mnist'], { env, under: alone });
    expect(explicit.code).toBe(1);
    expect(explicit.err).toMatch(/could not be downloaded.*--data DIR/);
  });
});
