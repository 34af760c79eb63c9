import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { defaultPolicy } from './gate.ts';
import type { MoveEntry } from './history.ts';
import { promote } from './promote.ts';
import { Registry } from './registry.ts';
import { DirectoryStore } from './store/directory.ts';
import { compiled } from './testing/compile.ts';
import { temporaryFolder } from './testing/folder.ts';
import { startTogether } from './testing/processes.ts';
import { publishSample } from './testing/sample.ts';

let worker: Awaited<ReturnType<typeof compiled>>;
beforeAll(async () => {
  worker = await compiled(new URL('./testing/registry-worker.ts', import.meta.url));
});
afterAll(() => worker[Symbol.asyncDispose]());

const from1To = (last: number) => Array.from({ length: last }, (_, index) => index + 1);

/** Each move starts where the one before it ended: none is lost, doubled, or made from a state that had passed. */
function expectLinear(moves: readonly MoveEntry[]) {
  expect(moves.map(({ previous }) => previous)).toEqual([
    null,
    ...moves.slice(0, -1).map(({ version }) => version),
  ]);
  const times = moves.map(({ at }) => at);
  expect(new Set(times).size).toBe(times.length);
}

test('16 publishers and 16 promoters at once: each version its own number, no move lost or doubled', async () => {
  await using folder = await temporaryFolder();
  const registry = new Registry(new DirectoryStore(folder.path));
  for (const number of from1To(16)) await publishSample(registry, `candidate ${number}`);

  await using group = await startTogether(worker.script, [
    ...from1To(16).map((number) => [folder.path, 'publish', `publisher ${number}`]),
    ...from1To(16).map((number) => [folder.path, 'promote', String(number)]),
  ]);
  const finished = await Promise.all(group.workers.map((each) => each.finished));
  expect(finished.map(({ code, errors }) => [code, errors])).toEqual(Array(32).fill([0, '']));

  const numbers = finished.slice(0, 16).map(({ output }) => Number(output.match(/published (\d+)/)?.[1]));
  expect(numbers.sort((first, second) => first - second)).toEqual(from1To(32).slice(16));
  expect(await registry.versions('mnist')).toEqual(from1To(32));
  for (const version of from1To(32))
    for (const { state } of await registry.verify('mnist', version)) expect(state).toBe('ok');

  const moves = await registry.moves('mnist', 'live');
  expect(moves.map(({ version }) => version).sort((first, second) => first - second)).toEqual(from1To(16));
  expectLinear(moves);
  expect(moves.at(-1)?.id).toBe((await registry.alias('mnist', 'live'))?.id);
  for (const { version, gate, previous } of moves)
    expect(gate).toMatchObject({ passed: true, candidate: version, champion: previous });
}, 120_000);

test('publishers and promoters killed at any moment leave whole versions, a whole history, and block nobody', async () => {
  await using folder = await temporaryFolder();
  const registry = new Registry(new DirectoryStore(folder.path));
  for (const number of from1To(4)) await publishSample(registry, `candidate ${number}`);

  await using group = await startTogether(worker.script, [
    ...from1To(6).map((number) => [folder.path, 'publish', `publisher ${number}`, '500']),
    ...from1To(4).map((number) => [folder.path, 'promote', String(number), '500']),
  ]);
  const published: number[] = [];
  for (const each of group.workers.toSorted(() => Math.random() - 0.5)) {
    await new Promise((done) => setTimeout(done, Math.random() * 150));
    each.kill();
    const { signal, output } = await each.finished;
    expect(signal).toBe('SIGKILL');
    published.push(...[...output.matchAll(/published (\d+)\n/g)].map(([, number]) => Number(number)));
  }

  const versions = await registry.versions('mnist');
  expect(versions).toEqual(from1To(versions.length));
  expect(versions).toEqual(expect.arrayContaining(published));
  expect(new Set(published).size).toBe(published.length);
  for (const version of versions)
    for (const { state } of await registry.verify('mnist', version)) expect(state).toBe('ok');

  const { entries, damaged } = await registry.history('mnist');
  expect(damaged).toEqual([]);
  expect(entries.filter(({ event }) => event === 'publish')).toHaveLength(versions.length);
  expectLinear(await registry.moves('mnist', 'live'));
  const live = await registry.alias('mnist', 'live');
  const shown = JSON.parse(await readFile(join(folder.path, 'models/mnist/aliases/live.json'), 'utf8'));
  expect(shown.id).toBe(live?.id);

  const next = await publishSample(registry, 'after the storm');
  expect(next.version).toBe(versions.length + 1);
  const options = { model: 'mnist', version: next.version, alias: 'live', policy: defaultPolicy };
  await promote(registry, { ...options, by: 'tester', reason: 'calm' });
  expectLinear(await registry.moves('mnist', 'live'));
}, 120_000);
