import { setTimeout } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { openRegistry } from '../registry/open.ts';
import { doneEvent, run, start, temporaryFolder } from './slipway.ts';

const KILLS = 12;
/** Longer than any stage takes before it has something to lose. */
const LONGEST_MS = 6_000;

test('a pipeline that is killed again and again is finished by the same command, and no version is ever half there', {
  timeout: 300_000,
}, async () => {
  await using folder = await temporaryFolder();
  const flags = ['--registry', folder.path, '--dataset', 'synthetic', '--epochs', '2', '--json'];
  const registry = openRegistry(folder.path);

  for (let kill = 0; kill < KILLS; kill += 1) {
    const started = start('workflows/pipeline.ts', flags);
    await Promise.race([setTimeout(Math.random() * LONGEST_MS), started.ended]);
    started.kill();
    await started.ended;
    await expectWholeVersions();
  }

  const done = doneEvent(await run('workflows/pipeline.ts', flags));
  expect(done.version).toBe(1);
  await expectWholeVersions();
  expect((await registry.alias('mnist', 'live'))?.version).toBe(1);

  async function expectWholeVersions() {
    for (const version of await registry.versions('mnist')) {
      for (const file of await registry.verify('mnist', version)) expect(file).toMatchObject({ state: 'ok' });
    }
  }
});
