import { spawnSync } from 'node:child_process';
import { link, mkdir, readdir, readFile, utimes, writeFile } from 'node:fs/promises';
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
  await writeFile(join(folder.path, 'new'), 'new');
  await link(join(folder.path, 'new'), join(folder.path, '.states/a/1'));

  await expect(store.put('a', bytes('lost'), { ifMatch: first })).rejects.toThrow('changed by someone else');
  expect(Buffer.from((await store.get('a'))?.body ?? []).toString()).toBe('new');
  expect(await readFile(join(folder.path, 'a'), 'utf8')).toBe('new');
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
    for (const failing of [store.put('a', bytes('x'), absent), store.get('a/b'), store.list('')])
      await expect(failing).rejects.toThrow(
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
