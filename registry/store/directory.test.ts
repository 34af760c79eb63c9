import { spawnSync } from 'node:child_process';
import { cp, link, mkdir, readdir, readFile, rename, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { UserError } from '../../cli/errors.ts';
import { digestOf } from '../digest.ts';
import { compiled } from '../testing/compile.ts';
import { temporaryFolder } from '../testing/folder.ts';
import { startTogether } from '../testing/processes.ts';
import { DirectoryStore } from './directory.ts';
import { storeContract } from './store-contract.ts';

const bytes = (text: string) => Buffer.from(text);
const absent = { ifAbsent: true } as const;

storeContract('the directory store', async () => {
  const folder = await temporaryFolder();
  return {
    store: new DirectoryStore(join(folder.path, 'registry')),
    remove: async () => folder[Symbol.asyncDispose](),
  };
});

const countIn = (body: Uint8Array | undefined) => JSON.parse(Buffer.from(body ?? []).toString()).count;
const added = (output: string) => output.split('added').length - 1;

describe('processes that share a folder', () => {
  let worker: Awaited<ReturnType<typeof compiled>>;
  beforeAll(async () => {
    worker = await compiled(new URL('../testing/store-worker.ts', import.meta.url));
  });
  afterAll(() => worker[Symbol.asyncDispose]());

  test('no addition to a counter is lost or made twice', async () => {
    await using folder = await temporaryFolder();
    const store = new DirectoryStore(folder.path);
    await store.put('counter', bytes('{"count":0}'), absent);

    await using group = await startTogether(worker.script, Array(6).fill([folder.path, '20', '1000']));
    for (const { finished } of group.workers) expect(await finished).toMatchObject({ code: 0, errors: '' });

    expect(countIn((await store.get('counter'))?.body)).toBe(120);
    expect(countIn(await readFile(join(folder.path, 'counter')))).toBe(120);
    expect(await readdir(join(folder.path, '.tmp'))).toEqual([]);
    expect(await store.list('blobs/')).toHaveLength(120);
  });

  test('writers killed at any moment show and leave whole objects, lose nothing they acknowledged and block nobody', async () => {
    await using folder = await temporaryFolder();
    const store = new DirectoryStore(folder.path);
    await store.put('counter', bytes('{"count":0}'), absent);

    let acknowledged = 0;
    await using group = await startTogether(worker.script, Array(8).fill([folder.path, '500', '5000000']));
    for (const each of group.workers) {
      for (const until = Date.now() + Math.random() * 150; Date.now() < until; )
        for (const key of await store.list('blobs/')) expect(await store.size(key)).toBe(5_000_000);
      each.kill();
      const { signal, output } = await each.finished;
      expect(signal).toBe('SIGKILL');
      acknowledged += added(output);
    }

    const counter = await store.get('counter');
    const count = countIn(counter?.body);
    expect(count).toBeGreaterThanOrEqual(acknowledged);
    expect(count).toBeLessThanOrEqual(acknowledged + group.workers.length);
    expect(countIn(await readFile(join(folder.path, 'counter')))).toBe(count);
    for (const key of await store.list('blobs/'))
      expect(digestOf((await store.get(key))?.body ?? '')).toBe(key.slice('blobs/'.length));
    if (counter) await store.put('counter', bytes('{"count":-1}'), { ifMatch: counter.etag });
    expect(countIn((await store.get('counter'))?.body)).toBe(-1);
  });
});

test('a writer killed between its commit and showing it is finished by the next reader', async () => {
  await using folder = await temporaryFolder();
  const store = new DirectoryStore(folder.path);
  const first = await store.put('a', bytes('old'), absent);
  await mkdir(join(folder.path, '.states/a'), { recursive: true });
  await link(join(folder.path, 'a'), join(folder.path, '.states/a/0'));
  await writeFile(join(folder.path, 'new'), 'new');
  await link(join(folder.path, 'new'), join(folder.path, '.states/a/1'));

  await expect(store.put('a', bytes('lost'), { ifMatch: first })).rejects.toThrow('changed by someone else');
  expect(Buffer.from((await store.get('a'))?.body ?? []).toString()).toBe('new');
  expect(await readFile(join(folder.path, 'a'), 'utf8')).toBe('new');
});

describe('what somebody does to the files by hand', () => {
  /** An object in its third state, in a folder. */
  async function replacedTwice(folder: string) {
    const store = new DirectoryStore(folder);
    const first = await store.put('m/a', bytes('1'), absent);
    await store.put('m/a', bytes('3'), { ifMatch: await store.put('m/a', bytes('2'), { ifMatch: first }) });
    const textIn = async (some: DirectoryStore) =>
      Buffer.from((await some.get('m/a'))?.body ?? []).toString();
    return { store, textIn, text: () => textIn(store), place: join(folder, 'm/a') };
  }

  test('an object whose file was removed is gone, and what is created then is what is there', async () => {
    await using folder = await temporaryFolder();
    const { store, text, place } = await replacedTwice(folder.path);
    await rm(place);
    expect(await store.get('m/a')).toBeUndefined();

    const outcomes = await Promise.allSettled(
      Array.from({ length: 10 }, (_, index) => store.put('m/a', bytes(`new ${index}`), absent)),
    );
    const [winner, ...others] = outcomes.filter((outcome) => outcome.status === 'fulfilled');
    expect(others).toEqual([]);
    expect(await text()).toMatch(/^new \d$/);
    expect((await store.get('m/a'))?.etag).toBe(winner?.value);
    if (winner) await store.put('m/a', bytes('newer'), { ifMatch: winner.value });
    expect(await text()).toBe('newer');
    await store.delete('m/a');
    expect(await store.list('')).toEqual([]);
    expect(await readdir(join(folder.path, '.states/m'))).toEqual([]);
  });

  test('a copy that was restored stays, and is replaced like any other state', async () => {
    await using folder = await temporaryFolder();
    const { store, text, place } = await replacedTwice(folder.path);
    const before = (await store.get('m/a'))?.etag;
    await writeFile(join(folder.path, 'copy'), '2');
    await rename(join(folder.path, 'copy'), place);
    expect(await text()).toBe('2');
    expect(await readFile(place, 'utf8')).toBe('2');
    if (before) await expect(store.put('m/a', bytes('x'), { ifMatch: before })).rejects.toThrow('changed by');

    const restored = (await store.get('m/a'))?.etag;
    if (restored) await store.put('m/a', bytes('4'), { ifMatch: restored });
    expect(await text()).toBe('4');
    expect(await readFile(place, 'utf8')).toBe('4');
  });

  test('a restored copy is not replaced by who saw it and was overtaken by another copy', async () => {
    await using folder = await temporaryFolder();
    const { store, text, place } = await replacedTwice(folder.path);
    for (const content of ['first', 'second']) {
      await writeFile(join(folder.path, content), content);
      await rename(join(folder.path, content), place);
      const seen = (await store.get('m/a'))?.etag;
      await writeFile(join(folder.path, 'other'), 'another');
      await rename(join(folder.path, 'other'), place);
      if (seen) await expect(store.put('m/a', bytes('x'), { ifMatch: seen })).rejects.toThrow('changed by');
      expect(await text()).toBe('another');
    }
  });

  test('a copy of the whole folder is in the same state, though a copy has no hard links', async () => {
    await using folder = await temporaryFolder();
    const { textIn } = await replacedTwice(join(folder.path, 'original'));
    await cp(join(folder.path, 'original'), join(folder.path, 'copy'), { recursive: true });
    const copy = new DirectoryStore(join(folder.path, 'copy'));
    expect(await textIn(copy)).toBe('3');
    const seen = (await copy.get('m/a'))?.etag;
    if (seen) await copy.put('m/a', bytes('4'), { ifMatch: seen });
    expect(await textIn(copy)).toBe('4');
  });

  test("files whose names are no keys, such as an editor's, are not listed", async () => {
    await using folder = await temporaryFolder();
    const { store, text, place } = await replacedTwice(folder.path);
    for (const name of [`${place}~`, `${place} (copy)`, `${place}#`, join(folder.path, '.states/m/a/2~')])
      await writeFile(name, 'x');
    expect(await store.list('')).toEqual(['m/a']);
    expect(await text()).toBe('3');
  });
});

test('what killed writers left is removed when it is old, and only then', async () => {
  await using folder = await temporaryFolder();
  await mkdir(join(folder.path, '.tmp/trash'), { recursive: true });
  await writeFile(join(folder.path, '.tmp/recent'), 'x');
  await utimes(join(folder.path, '.tmp/recent'), 0, 0); // old content, newly linked
  await new DirectoryStore(folder.path).put('a', bytes('x'), absent);
  expect((await readdir(join(folder.path, '.tmp'))).sort()).toEqual(['recent', 'trash']);

  const store = new DirectoryStore(folder.path, () => Date.now() + 2 * 60 * 60 * 1000);
  await store.put('b', bytes('x'), absent);
  expect(await readdir(join(folder.path, '.tmp'))).toEqual([]);
});

describe('a folder that cannot be used is named, with what to do', () => {
  test('a file in its place', async () => {
    await using folder = await temporaryFolder();
    const place = join(folder.path, 'file');
    await writeFile(place, '');
    const store = new DirectoryStore(place);
    const calls = [() => store.put('a', bytes('x'), absent), () => store.get('a/b'), () => store.list('')];
    for (const call of calls)
      await expect(call()).rejects.toThrow(
        expect.objectContaining({
          name: 'UserError',
          message: expect.stringMatching(`${place} can't be used .*is a file.*SLIPWAY_REGISTRY`),
        }),
      );
  });

  test('a full disk: nothing half-written is left', async ({ skip }) => {
    skip(!canMount(), 'mounting a tmpfs is not permitted here');
    await using disk = await mountedTmpfs('size=1m');
    const store = new DirectoryStore(disk.path);
    const small = await store.put('small', bytes('kept'), absent);
    const refused = store.put('large', Buffer.alloc(2_000_000), absent);
    await expect(refused).rejects.toThrow(UserError);
    await expect(refused).rejects.toThrow(`${disk.path} is full (ENOSPC)`);
    await expect(store.put('small', Buffer.alloc(2_000_000), { ifMatch: small })).rejects.toThrow('is full');
    expect(await readdir(join(disk.path, '.tmp'))).toEqual([]);
    expect(await store.list('')).toEqual(['small']);
    expect(Buffer.from((await store.get('small'))?.body ?? []).toString()).toBe('kept');
  });

  test('a read-only file system: it can be read', async ({ skip }) => {
    skip(!canMount(), 'mounting a tmpfs is not permitted here');
    await using disk = await mountedTmpfs('size=1m');
    await new DirectoryStore(disk.path).put('a', bytes('kept'), absent);
    mount(['-o', 'remount,ro', disk.path]);
    const store = new DirectoryStore(disk.path);
    const refused = store.put('b', bytes('x'), absent);
    await expect(refused).rejects.toThrow(UserError);
    await expect(refused).rejects.toThrow(`${disk.path} is on a read-only file system`);
    await expect(store.delete('a')).rejects.toThrow('read-only');
    expect(Buffer.from((await store.get('a'))?.body ?? []).toString()).toBe('kept');
    expect(await store.list('')).toEqual(['a']);
  });
});

function mount(args: string[]): boolean {
  return spawnSync('mount', args).status === 0;
}

function canMount(): boolean {
  const folder = spawnSync('mktemp', ['-d'], { encoding: 'utf8' }).stdout?.trim();
  if (!folder) return false;
  const mounted = mount(['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', folder]);
  if (mounted) spawnSync('umount', [folder]);
  spawnSync('rmdir', [folder]);
  return mounted;
}

async function mountedTmpfs(options: string) {
  const folder = await temporaryFolder();
  if (!mount(['-t', 'tmpfs', '-o', options, 'tmpfs', folder.path])) throw new Error('mount failed');
  return {
    path: folder.path,
    [Symbol.asyncDispose]: async () => {
      spawnSync('umount', [folder.path]);
      await folder[Symbol.asyncDispose]();
    },
  };
}
