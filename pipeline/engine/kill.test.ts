import { expect, test } from 'vitest';
import { digestSchema } from '../../registry/digest.ts';
import { temporaryFolder } from '../../registry/testing/folder.ts';
import { runScript } from '../../registry/testing/processes.ts';
import { storageIn } from './testing/lab.ts';

const script = new URL('testing/killable.ts', import.meta.url);

interface Finished {
  readonly stages: { name: string; outcome: string; values: unknown }[];
  /** From its first line to its end. */
  readonly milliseconds: number;
}

async function runToTheEnd(folder: string): Promise<Finished> {
  const { child, finished } = runScript(script, [folder]);
  let begun = 0;
  child.stdout.once('data', () => {
    begun = performance.now();
  });
  const { code, output, errors } = await finished;
  expect({ code, errors }).toEqual({ code: 0, errors: '' });
  const last = output.trim().split('\n').at(-1) ?? '';
  return { ...(JSON.parse(last) as Pick<Finished, 'stages'>), milliseconds: performance.now() - begun };
}

/** What a run printed that was killed `delay` ms after its first line. */
async function runAndKill(folder: string, delay: number): Promise<string> {
  const { child, finished } = runScript(script, [folder]);
  child.stdout.once('data', () => setTimeout(() => child.kill('SIGKILL'), delay));
  return (await finished).output;
}

function ended(output: string, outcome: 'ran|cached' | 'cached'): string[] {
  const line = new RegExp(`"event":"stage-end","stage":"([^"]+)","outcome":"(?:${outcome})"`, 'g');
  return [...output.matchAll(line)].map(([, name = '']) => name);
}

test('killed at any moment, the next run goes on after the last finished stage and comes to the same end', async () => {
  await using quiet = await temporaryFolder();
  const undisturbed = await runToTheEnd(quiet.path);

  await Promise.all(
    Array.from({ length: 3 }, async () => {
      await using folder = await temporaryFolder();
      let finished: string[] = [];
      for (let kill = 0; kill < 2; kill++) {
        const output = await runAndKill(folder.path, Math.random() * undisturbed.milliseconds * 0.8);
        const told = ended(output, 'ran|cached');
        // A stage may also be cached that was killed after its commit, before it could say so.
        const known = finished.filter((name) => told.includes(name));
        expect(ended(output, 'cached')).toEqual(expect.arrayContaining(known));
        finished = [...new Set([...finished, ...told])];
      }
      const { stages } = await runToTheEnd(folder.path);
      const cached = stages.filter(({ outcome }) => outcome === 'cached').map(({ name }) => name);
      expect(cached).toEqual(expect.arrayContaining(finished));
      expect(stages.map(({ values }) => values)).toEqual(undisturbed.stages.map(({ values }) => values));
      await expectNothingHalfWritten(folder.path);
    }),
  );
}, 60_000);

async function expectNothingHalfWritten(folder: string): Promise<void> {
  const { store, blobs } = storageIn(folder);
  for (const key of await store.list('')) {
    const content = Buffer.from((await store.get(key))?.body ?? []);
    if (!key.startsWith('blobs/')) expect(() => JSON.parse(content.toString()), key).not.toThrow();
    else expect(await blobs.check(digestSchema.parse(key.split('/').at(-1))), key).toBe('ok');
  }
}
