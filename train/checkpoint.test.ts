import { execFile } from 'node:child_process';
import { readdir, readFile, rename, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { UserError } from '../cli/errors.ts';
import { compiled } from '../registry/testing/compile.ts';
import { temporaryFolder } from '../registry/testing/folder.ts';
import { startTogether } from '../registry/testing/processes.ts';
import { encode } from './checkpoint/format.ts';
import { sampleCheckpoint } from './checkpoint/testing/sample.ts';
import { CheckpointNotSaved, Checkpoints } from './checkpoint.ts';

/** A folder with checkpoints of the epochs given, the newest last; each is small and has the score given. */
async function checkpointsOf(scores: Readonly<Record<number, number>>, keep = 10) {
  const folder = await temporaryFolder();
  const path = join(folder.path, 'checkpoints');
  const skipped: string[] = [];
  const open = () =>
    new Checkpoints(path, {
      keep,
      onSkipped: (file, reason) => skipped.push(`${file.slice(-17)}: ${reason}`),
    });
  const checkpoints = open();
  for (const [epoch, score] of Object.entries(scores))
    await checkpoints.save({ ...sampleCheckpoint(Number(epoch)), score });
  return {
    checkpoints,
    open,
    path,
    file: (epoch: number) => join(path, `epoch-00000${epoch}.checkpoint`),
    files: async () => (await readdir(path)).map((name) => name.replace(/^epoch-0+|\.checkpoint$/g, '')),
    skipped,
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}

test('a folder that is not there holds no checkpoint, and asking does not make it', async () => {
  await using folder = await temporaryFolder();
  const checkpoints = new Checkpoints(join(folder.path, 'none'), { keep: 1 });
  expect(await checkpoints.latest()).toBeUndefined();
  expect(await checkpoints.best()).toBeUndefined();
  await checkpoints.clear();
  expect(await readdir(folder.path)).toEqual([]);
});

test('another process finds the latest and the best, whole', async () => {
  await using saved = await checkpointsOf({ 1: 0.5, 2: 0.9, 3: 0.7 });
  expect(await saved.open().latest()).toEqual({ ...sampleCheckpoint(3), score: 0.7 });
  expect(await saved.open().best()).toEqual({ ...sampleCheckpoint(2), score: 0.9 });
  expect(saved.skipped).toEqual([]);
});

test('the latest and the best are kept, the others go', async () => {
  await using saved = await checkpointsOf({ 1: 0.5, 2: 0.9, 3: 0.7, 4: 0.8, 5: 0.9, 6: 0.1 }, 2);
  expect(await saved.files()).toEqual(['2', '5', '6']);
  expect((await saved.checkpoints.best())?.epoch).toBe(2); // the earliest of equal ones
  await saved.open().save({ ...sampleCheckpoint(7), score: 0.95 });
  expect(await saved.files()).toEqual(['6', '7']);
});

test('one of the same epoch takes the place of the one before', async () => {
  await using saved = await checkpointsOf({ 1: 0.5, 2: 0.9 }, 1);
  await saved.checkpoints.save({ ...sampleCheckpoint(2), score: 0.1 });
  expect((await saved.checkpoints.latest())?.score).toBe(0.1);
  await saved.checkpoints.save({ ...sampleCheckpoint(3), score: 0.2 });
  expect(await saved.files()).toEqual(['3']);
});

test('what a killed writer left is no checkpoint, and goes at the next write', async () => {
  await using saved = await checkpointsOf({ 1: 0.5 });
  await writeFile(join(saved.path, '.tmp-1234'), await readFile(saved.file(1)));
  const next = saved.open();
  expect((await next.latest())?.epoch).toBe(1);
  await next.save(sampleCheckpoint(2));
  expect(await saved.files()).toEqual(['1', '2']);
});

test('all is gone once it is cleared, and it can be used again', async () => {
  await using saved = await checkpointsOf({ 1: 0.5, 2: 0.6 }, 1);
  await saved.checkpoints.clear();
  expect(await saved.checkpoints.latest()).toBeUndefined();
  await saved.checkpoints.save(sampleCheckpoint(1));
  expect(await saved.files()).toEqual(['1']);
});

test('at least one has to be kept', () => {
  expect(() => new Checkpoints('x', { keep: 0 })).toThrow(RangeError);
});

describe('a damaged file is passed over and reported, and the one before it taken', () => {
  test('cut off at every tenth byte', async () => {
    await using saved = await checkpointsOf({ 1: 0.5, 2: 0.9 });
    const { length } = await readFile(saved.file(2));
    for (let size = length - 1; size >= 0; size -= 10) {
      await truncate(saved.file(2), size);
      expect((await saved.open().latest())?.epoch).toBe(1);
      expect(saved.skipped.pop()).toMatch(/^000002\.checkpoint: it/);
    }
  });

  test('with a byte that was changed, also where it was the best', async () => {
    await using saved = await checkpointsOf({ 1: 0.5, 2: 0.9, 3: 0.4 });
    const bytes = await readFile(saved.file(2));
    bytes[bytes.length - 3] = (bytes.at(-3) ?? 0) ^ 1;
    await writeFile(saved.file(2), bytes);
    expect((await saved.open().best())?.epoch).toBe(1);
    expect(saved.skipped).toEqual([
      '000002.checkpoint: its content is not what its SHA-256 says: it is cut off or was changed',
    ]);
  });

  test('under the name of another epoch', async () => {
    await using saved = await checkpointsOf({ 1: 0.5, 2: 0.9 });
    await rename(saved.file(2), saved.file(9));
    expect((await saved.open().latest())?.epoch).toBe(1);
    expect(saved.skipped).toEqual(['000009.checkpoint: it is of epoch 2, not of the one in its name']);
  });

  test('and it neither counts among those that are kept nor stays', async () => {
    await using saved = await checkpointsOf({ 1: 0.5, 2: 0.4, 3: 0.3 }, 2);
    await truncate(saved.file(3), 100);
    await saved.open().save({ ...sampleCheckpoint(4), score: 0.1 });
    expect(await saved.files()).toEqual(['1', '2', '4']);
  });
});

describe('a writer that is killed', () => {
  let saver: Awaited<ReturnType<typeof compiled>>;
  beforeAll(async () => {
    saver = await compiled(new URL('checkpoint/testing/saver.ts', import.meta.url));
  });
  afterAll(() => saver[Symbol.asyncDispose]());

  test('at any of 20 moments leaves a whole checkpoint, none older than the last one that was acknowledged', async () => {
    await using folder = await temporaryFolder();
    const elements = 300_000; // 1.2 MB: most of the time goes by in writing
    let last = 0;
    let interrupted = 0;
    for (let kill = 0; kill < 20; kill++) {
      await using group = await startTogether(saver.script, [
        [folder.path, String(last + 1), String(elements)],
      ]);
      const [writer] = group.workers;
      await setTimeout(Math.random() * 60);
      writer?.kill();
      const output = (await writer?.finished)?.output ?? '';
      const acknowledged = Math.max(
        last,
        ...[...output.matchAll(/saved (\d+)/g)].map(([, epoch]) => Number(epoch)),
      );
      const names = await readdir(folder.path);
      if (names.some((name) => name.startsWith('.tmp-'))) interrupted++;

      const checkpoints = new Checkpoints(folder.path, {
        keep: 2,
        onSkipped: (path, reason) => expect.fail(`${path}: ${reason}`),
      });
      const latest = await checkpoints.latest();
      last = latest?.epoch ?? 0;
      expect(last).toBeGreaterThanOrEqual(acknowledged);
      if (latest) expect(encode(latest).equals(encode(sampleCheckpoint(last, elements)))).toBe(true);
      if (acknowledged >= 2) expect((await checkpoints.best())?.epoch).toBe(2);
      expect(names.length).toBeLessThanOrEqual(5); // two latest, the best, one not removed yet, one not finished
    }
    expect(last).toBeGreaterThan(0);
    expect(interrupted).toBeGreaterThan(0);
  }, 60_000);
});

describe('a disk that does not take it', () => {
  const execute = promisify(execFile);

  test('because it is full leaves those before, and goes on when there is space', async (context) => {
    await using folder = await temporaryFolder();
    const mounted = await execute('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', folder.path]).then(
      () => true,
      () => false,
    );
    context.skip(!mounted, 'a file system cannot be mounted here');
    try {
      const checkpoints = new Checkpoints(join(folder.path, 'checkpoints'), { keep: 2 });
      await checkpoints.save(sampleCheckpoint(1, 50_000));
      const error = await checkpoints.save(sampleCheckpoint(2, 250_000)).catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(CheckpointNotSaved);
      expect(error).toBeInstanceOf(UserError);
      expect(String(error)).toMatch(/of epoch 2 could not be written to .* \(ENOSPC: the disk is full\)/);
      expect(await readdir(join(folder.path, 'checkpoints'))).toEqual(['epoch-000001.checkpoint']);
      expect((await checkpoints.latest())?.epoch).toBe(1);
      await checkpoints.save(sampleCheckpoint(3, 50_000));
      expect((await checkpoints.latest())?.epoch).toBe(3);
    } finally {
      await execute('umount', [folder.path]);
    }
  });

  test('because a file is in the way is told', async () => {
    await using folder = await temporaryFolder();
    await writeFile(join(folder.path, 'file'), '');
    const checkpoints = new Checkpoints(join(folder.path, 'file', 'checkpoints'), { keep: 2 });
    await expect(checkpoints.save(sampleCheckpoint(1))).rejects.toThrow(
      /epoch 1 could not be written to .*ENOTDIR/,
    );
  });
});
