import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { AliasMoved } from './alias.ts';
import { defaultPolicy } from './gate.ts';
import { promote } from './promote.ts';
import type { Registry } from './registry.ts';
import { trailOf } from './rollback.ts';
import { temporaryRegistry } from './testing/registry.ts';
import { publishSample, syntheticData } from './testing/sample.ts';

const by = 'on call';
const reason = 'latency';

async function live(registry: Registry): Promise<number | undefined> {
  return (await registry.alias('mnist', 'live'))?.version;
}

async function promoteAll(registry: Registry, ...versions: number[]): Promise<void> {
  for (const version of versions)
    await promote(registry, { model: 'mnist', version, alias: 'live', policy: defaultPolicy, by, reason });
}

async function registryOf(count: number) {
  const home = await temporaryRegistry();
  for (let version = 1; version <= count; version++) await publishSample(home.registry, `version ${version}`);
  return home;
}

const back = (registry: Registry, to?: number) => registry.rollback('mnist', 'live', { to, reason, by });

test('two rollbacks in a row go two steps back', async () => {
  await using home = await registryOf(3);
  await promoteAll(home.registry, 1, 2, 3);
  expect(await back(home.registry)).toMatchObject({ version: 2, previous: 3, kind: 'rollback', by, reason });
  expect(await back(home.registry)).toMatchObject({ version: 1, previous: 2 });
  await expect(back(home.registry)).rejects.toThrow('there is no version before 1');
  expect(await live(home.registry)).toBe(1);
});

test('after a rollback and a new promotion, a rollback does not lead to what was found bad', async () => {
  await using home = await registryOf(4);
  await promoteAll(home.registry, 1, 2, 3);
  await back(home.registry);
  await promoteAll(home.registry, 4);
  await back(home.registry);
  expect(await live(home.registry)).toBe(2);
});

test('a version that went live twice is gone back through twice', async () => {
  await using home = await registryOf(2);
  await promoteAll(home.registry, 1, 2, 1);
  await back(home.registry);
  expect(await live(home.registry)).toBe(2);
  await back(home.registry);
  expect(await live(home.registry)).toBe(1);
});

test('a version that was live can be named, and the next rollback goes on from there', async () => {
  await using home = await registryOf(4);
  await promoteAll(home.registry, 1, 2, 3, 4);
  await back(home.registry, 2);
  expect(await live(home.registry)).toBe(2);
  await back(home.registry);
  expect(await live(home.registry)).toBe(1);
});

describe('a rollback is refused, and changes nothing,', () => {
  test('to a version that was never live, which would pass by the gate', async () => {
    await using home = await registryOf(3);
    await promoteAll(home.registry, 1, 2);
    await expect(back(home.registry, 3)).rejects.toThrow(
      /was never version 3.*it was 1, 2\..*promote mnist@3 live/,
    );
    expect(await live(home.registry)).toBe(2);
  });

  test('to the version that is live', async () => {
    await using home = await registryOf(1);
    await promoteAll(home.registry, 1);
    await expect(back(home.registry, 1)).rejects.toThrow('is version 1 already');
  });

  test('of an alias that is not there', async () => {
    await using home = await registryOf(1);
    await expect(back(home.registry)).rejects.toThrow('has no alias live');
  });

  test('when somebody else moves the alias at the same time', async () => {
    await using home = await registryOf(3);
    await promoteAll(home.registry, 1, 2, 3);
    const outcomes = await Promise.allSettled([back(home.registry), back(home.registry)]);
    const failed = outcomes.filter((outcome) => outcome.status === 'rejected');
    expect(failed.length).toBeLessThanOrEqual(1);
    for (const { reason: error } of failed) expect(error).toBeInstanceOf(AliasMoved);
    expect(await live(home.registry)).toBe(1 + failed.length);
  });
});

describe('synthetic data in place of real data', () => {
  /** Versions in the order in which they go live, true for one on synthetic data. */
  async function liveOneByOne(...synthetic: boolean[]) {
    const home = await temporaryRegistry();
    for (const [index, generated] of synthetic.entries()) {
      await publishSample(home.registry, `version ${index}`, generated ? { dataset: syntheticData } : {});
      const options = { model: 'mnist', version: index + 1, alias: 'live', policy: defaultPolicy };
      await promote(home.registry, { ...options, by, reason, force: { reason } });
    }
    return home;
  }

  test('is passed over by a rollback', async () => {
    await using home = await liveOneByOne(false, true, true, false);
    expect(await back(home.registry)).toMatchObject({ version: 1, previous: 4, forced: false });
  });

  test('is refused where there is nothing else, and where it is named, unless by force', async () => {
    await using home = await liveOneByOne(true, false);
    const message =
      /before it there were only versions on synthetic data: 1\..*rollback mnist live --to 1 --force --reason/;
    await expect(back(home.registry)).rejects.toThrow(message);
    await expect(back(home.registry, 1)).rejects.toThrow(message);
    expect(await live(home.registry)).toBe(2);

    const forced = home.registry.rollback('mnist', 'live', { to: 1, force: true, reason, by });
    expect(await forced).toMatchObject({ version: 1, previous: 2, forced: true, kind: 'rollback' });
  });

  test('is no matter where the present version was trained on synthetic data too', async () => {
    await using home = await liveOneByOne(true, true);
    expect(await back(home.registry)).toMatchObject({ version: 1, forced: false });
  });

  test('and force that was not needed is not recorded as force', async () => {
    await using home = await liveOneByOne(false, false);
    const rolledBack = home.registry.rollback('mnist', 'live', { force: true, reason, by });
    expect(await rolledBack).toMatchObject({ version: 1, forced: false });
  });
});

test('whatever was done, rolling back again and again visits no version twice in a row and ends', () => {
  const move = fc.record({
    kind: fc.constantFrom('promotion' as const, 'rollback' as const),
    version: fc.integer({ min: 1, max: 5 }),
  });
  fc.assert(
    fc.property(fc.array(move, { minLength: 1 }), (moves) => {
      const trail = trailOf(moves);
      expect(trail.at(-1)).toBe(moves.at(-1)?.version);
      for (let step = 1; step < trail.length; step++) expect(trail[step]).not.toBe(trail[step - 1]);
      const target = trail.at(-2);
      if (target !== undefined)
        expect(trailOf([...moves, { kind: 'rollback', version: target }])).toEqual(trail.slice(0, -1));
    }),
  );
});
