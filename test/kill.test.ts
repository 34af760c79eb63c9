import { setTimeout } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { openRegistry } from '../registry/open.ts';
import { doneEvent, run, start, temporaryFolder } from './slipway.ts';

/** Each stage, and about how many milliseconds it takes: it is killed at random moments of that time. */
const stages = {
  data: 2500,
  train: 4000,
  evaluate: 900,
  export: 700,
  register: 120,
  promote: 60,
  smoke: 2000,
};
const KILLS_EACH = 2;
const TRIES = 8;

test('a pipeline that is killed in every stage is finished by the same command, and no version is ever half there', {
  timeout: 600_000,
}, async () => {
  await using folder = await temporaryFolder();
  const flags = ['--registry', folder.path, '--dataset', 'synthetic', '--epochs', '2', '--json'];
  const registry = openRegistry(folder.path);

  for (const [stage, milliseconds] of Object.entries(stages)) {
    let killed = 0;
    for (let attempt = 0; killed < KILLS_EACH && attempt < TRIES; attempt += 1) {
      const pipeline = start('workflows/pipeline.ts', [...flags, '--from', stage]);
      await pipeline.printed(`"event":"stage-start","stage":"${stage}"`);
      await Promise.race([setTimeout(Math.random() * milliseconds), pipeline.ended]);
      pipeline.kill();
      if ((await pipeline.ended).code === null) killed += 1;
      await expectWholeVersions();
    }
    expect(killed, `kills in ${stage}`).toBe(KILLS_EACH);
  }

  const done = doneEvent(await run('workflows/pipeline.ts', flags));
  // However often it was trained, the same training gives the same model, which is one version.
  expect(done.version).toBe(1);
  expect(await registry.versions('mnist')).toEqual([1]);
  await expectWholeVersions();
  expect((await registry.alias('mnist', 'live'))?.version).toBe(1);
  expect((await registry.moves('mnist', 'live')).map(({ version }) => version)).toEqual([1]);

  async function expectWholeVersions() {
    for (const version of await registry.versions('mnist')) {
      for (const file of await registry.verify('mnist', version)) expect(file).toMatchObject({ state: 'ok' });
    }
  }
});
