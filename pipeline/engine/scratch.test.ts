import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { UserError } from '../../cli/errors.ts';
import { digestOf } from '../../registry/digest.ts';
import { temporaryFolder } from '../../registry/testing/folder.ts';
import { runScript } from '../../registry/testing/processes.ts';
import type { Fingerprint } from './fingerprint.ts';
import { Scratch, scratchRoot } from './scratch.ts';
import { defineStage } from './stage.ts';
import { Lab } from './testing/lab.ts';

const fingerprint = digestOf('this') as Fingerprint;
const another = digestOf('another') as Fingerprint;
const day = 24 * 60 * 60 * 1000;

function open(root: string, print: Fingerprint = fingerprint): Promise<Scratch> {
  return Scratch.open({ root, stage: 'train', fingerprint: print });
}

/** Sets back when somebody last used the scratch folder of a fingerprint. */
async function age(root: string, print: Fingerprint, milliseconds: number): Promise<void> {
  const claims = join(root, 'train', print, 'claims');
  const then = new Date(Date.now() - milliseconds);
  for (const name of await readdir(claims)) await utimes(join(claims, name), then, then);
  await utimes(claims, then, then);
  await utimes(dirname(claims), then, then);
}

/** One stage that does what it is told to with its scratch folder. */
function stageThat(lab: Lab, run: (scratch: string) => Promise<void>, parameter = 1) {
  return defineStage({
    name: 'train',
    code: lab.code('train'),
    needs: {},
    parameters: { parameter },
    output: z.object({}),
    run: async ({ scratch }) => {
      await run(scratch);
      return { values: {} };
    },
  });
}

test('a stage that failed finds its scratch folder as it left it; with other parameters it has another', async () => {
  await using lab = await Lab.open();
  const failing = stageThat(lab, async (scratch) => {
    await writeFile(join(scratch, 'checkpoint'), 'epoch 3');
    throw new Error('killed');
  });
  await expect(lab.run([failing])).rejects.toThrow('killed');

  await lab.run([stageThat(lab, async (scratch) => expect(await readdir(scratch)).toEqual([]), 2)]);
  let found = '';
  await lab.run([
    stageThat(lab, async (scratch) => {
      found = await readFile(join(scratch, 'checkpoint'), 'utf8');
    }),
  ]);
  expect(found).toBe('epoch 3');
});

test('a stage that completes leaves no scratch folder, and the store never lists one', async () => {
  await using lab = await Lab.open();
  const stage = stageThat(lab, async (scratch) => {
    await mkdir(join(scratch, 'deep'));
    await writeFile(join(scratch, 'deep', 'file'), 'x');
    const keys = await lab.storage.store.list('');
    expect(keys.filter((key) => !key.startsWith('runs/'))).toEqual([]);
  });
  await lab.run([stage]);
  expect(await readdir(join(scratchRoot(lab.storage.store), 'train'))).toEqual([]);
});

test('two runs at once of the same stage write to different folders, and both leave nothing', async () => {
  await using lab = await Lab.open();
  const folders: string[] = [];
  let release = () => {};
  const bothThere = new Promise<void>((resolve) => {
    release = resolve;
  });
  const stage = stageThat(lab, async (scratch) => {
    folders.push(scratch);
    if (folders.length === 2) release();
    await bothThere;
  });
  await Promise.all([lab.run([stage]), lab.run([stage])]);
  expect(new Set(folders).size).toBe(2);
  expect(await readdir(join(scratchRoot(lab.storage.store), 'train'))).toEqual([]);
});

test('of many at once no two have the same folder', async () => {
  await using folder = await temporaryFolder();
  const all = await Promise.all(Array.from({ length: 20 }, () => open(folder.path)));
  expect(new Set(all.map((scratch) => scratch.folder)).size).toBe(20);
  for (const scratch of all) await scratch[Symbol.asyncDispose]();
  expect((await open(folder.path)).folder).toBe(join(folder.path, 'train', fingerprint, 'files'));
});

test('one that runs beside another starts empty and leaves nothing, and the other one keeps its files', async () => {
  await using folder = await temporaryFolder();
  const first = await open(folder.path);
  await writeFile(join(first.folder, 'checkpoint'), '1');
  {
    await using second = await open(folder.path);
    expect(await readdir(second.folder)).toEqual([]);
    await writeFile(join(second.folder, 'checkpoint'), '2');
  }
  expect(await readdir(join(folder.path, 'train'))).toEqual([fingerprint]);
  expect(await readFile(join(first.folder, 'checkpoint'), 'utf8')).toBe('1');
  await first[Symbol.asyncDispose]();
});

test('a process that was killed gives its folder up at once, one that lives does not', async () => {
  await using folder = await temporaryFolder();
  const script = new URL('testing/scratch-holder.ts', import.meta.url);
  const { child, finished } = runScript(script, [folder.path, 'train', fingerprint]);
  const [line] = await once(child.stdout, 'data');
  const held = String(line).trim();
  await writeFile(join(held, 'checkpoint'), '1');
  {
    await using beside = await open(folder.path);
    expect(beside.folder).not.toBe(held);
  }
  child.kill('SIGKILL');
  await finished;
  await using after = await open(folder.path);
  expect(after.folder).toBe(held);
  expect(await readdir(held)).toEqual(['checkpoint']);
});

test('a process on another machine is believed to live for as long as it says so', async () => {
  await using folder = await temporaryFolder();
  const claims = join(folder.path, 'train', fingerprint, 'claims');
  await mkdir(claims, { recursive: true });
  await writeFile(join(claims, 'elsewhere.1.id'), '');
  const shared = join(folder.path, 'train', fingerprint, 'files');
  {
    await using beside = await open(folder.path);
    expect(beside.folder).not.toBe(shared);
  }
  await age(folder.path, fingerprint, 5 * 60_000);
  await using after = await open(folder.path);
  expect(after.folder).toBe(shared);
});

test('a process that had the number of this one before is gone', async () => {
  await using folder = await temporaryFolder();
  const first = await open(folder.path);
  const claims = join(dirname(first.folder), 'claims');
  const [name = ''] = await readdir(claims);
  await first[Symbol.asyncDispose]();
  await writeFile(join(claims, name.replace(/[^.]+$/, 'before')), '');
  await using second = await open(folder.path);
  expect(second.folder).toBe(first.folder);
});

test('what nobody came back for in 14 days goes, but not what is in use', async () => {
  await using folder = await temporaryFolder();
  for (const days of [13, 15]) {
    await (await open(folder.path, another))[Symbol.asyncDispose]();
    await age(folder.path, another, days * day);
    await (await open(folder.path))[Symbol.asyncDispose]();
    expect(existsSync(join(folder.path, 'train', another)), `after ${days} days`).toBe(days === 13);
  }

  await using used = await open(folder.path, another);
  const claims = join(dirname(used.folder), 'claims');
  for (const path of [claims, dirname(claims)]) await utimes(path, new Date(0), new Date(0));
  await (await open(folder.path))[Symbol.asyncDispose]();
  expect(existsSync(used.folder)).toBe(true);
});

test('what was being removed by a process that was killed goes', async () => {
  await using folder = await temporaryFolder();
  await mkdir(join(folder.path, 'train', `${another}.gone-1`, 'files'), { recursive: true });
  await using _scratch = await open(folder.path);
  expect(await readdir(join(folder.path, 'train'))).toEqual([fingerprint]);
});

test('it lies in a registry that is a folder, else in the cache folder of the machine', () => {
  expect(scratchRoot({ url: '/somewhere/registry' })).toBe('/somewhere/registry/.scratch');
  expect(scratchRoot({ url: 's3://bucket/prefix' })).toMatch(/slipway.scratch$/);
});

test('a folder that cannot be made is told in plain words', async () => {
  await using folder = await temporaryFolder();
  await writeFile(join(folder.path, 'file'), '');
  const error = await open(join(folder.path, 'file')).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(UserError);
  expect(String(error)).toMatch(/The stage train can't have its scratch folder in .* \(ENOTDIR\)/);
});
