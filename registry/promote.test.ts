import { expect, test } from 'vitest';
import { AliasMoved } from './alias.ts';
import { defaultPolicy } from './gate.ts';
import { assertPromoted, GateRefused, type PromoteOptions, promote } from './promote.ts';
import type { Registry } from './registry.ts';
import { temporaryRegistry } from './testing/registry.ts';
import { answersWrongAt, publishSample, syntheticData } from './testing/sample.ts';

const promoting = (registry: Registry, version: number, changes: Partial<PromoteOptions> = {}) =>
  promote(registry, {
    model: 'mnist',
    version,
    alias: 'live',
    policy: defaultPolicy,
    by: 'tester',
    reason: 'a good one',
    ...changes,
  });

/** Above the gate's floor, but worse than the others by more than chance. */
const worse = answersWrongAt(...Array.from({ length: 12 }, (_, image) => image));

test('a version that passes goes live; who, why and the evidence are in the alias', async () => {
  await using home = await temporaryRegistry();
  await publishSample(home.registry, 'one');
  const promotion = await promoting(home.registry, 1);
  expect(promotion).toMatchObject({ moved: true, forced: false, decision: { passed: true } });
  expect(() => assertPromoted(promotion)).not.toThrow();
  expect(await home.registry.alias('mnist', 'live')).toMatchObject({
    version: 1,
    previous: null,
    by: 'tester',
    reason: 'a good one',
    forced: false,
    gate: promotion.decision,
  });
});

test('a version that is refused stays where it is; the decision is in the history and its table in the error', async () => {
  await using home = await temporaryRegistry();
  await publishSample(home.registry, 'one');
  await publishSample(home.registry, 'two', {}, worse);
  await promoting(home.registry, 1);
  const promotion = await promoting(home.registry, 2);
  expect(promotion).toMatchObject({ moved: false, decision: { passed: false, champion: 1 } });
  expect((await home.registry.alias('mnist', 'live'))?.version).toBe(1);
  expect((await home.registry.history('mnist')).entries.at(-1)).toMatchObject({
    event: 'decision',
    version: 2,
    forced: false,
    decision: promotion.decision,
  });
  expect(() => assertPromoted(promotion)).toThrow(GateRefused);
  expect(() => assertPromoted(promotion)).toThrow(/champion +FAIL +errors: 12, champion's: 1/);
  expect(() => assertPromoted(promotion)).toThrow(/^mnist@2 does not become mnist@live: .*--force --reason/s);
});

test('a version that is live by force and asked about again is not said to be refused the alias', async () => {
  await using home = await temporaryRegistry();
  await publishSample(home.registry, 'one');
  await publishSample(home.registry, 'two', {}, worse);
  await promoting(home.registry, 1);
  await promoting(home.registry, 2, { force: { reason: 'a drill' } });
  const again = await promoting(home.registry, 2);
  expect(again).toMatchObject({ moved: false, previous: 2, decision: { passed: false, champion: 1 } });
  expect(() => assertPromoted(again)).toThrow(
    /^mnist@live is version 2 already and stays so, but the gate would refuse it\..*registry -- rollback mnist live$/s,
  );
});

test('the gate is overruled by force with a reason, and both stay on record', async () => {
  await using home = await temporaryRegistry();
  await publishSample(home.registry, 'one');
  await publishSample(home.registry, 'two', { dataset: syntheticData });
  await promoting(home.registry, 1);
  const promotion = await promoting(home.registry, 2, { force: { reason: 'a drill' } });
  expect(promotion).toMatchObject({ moved: true, forced: true, decision: { passed: false } });
  expect(() => assertPromoted(promotion)).not.toThrow();
  const record = { version: 2, forced: true, reason: 'a drill' };
  expect(await home.registry.alias('mnist', 'live')).toMatchObject({ ...record, gate: { passed: false } });
  expect((await home.registry.history('mnist')).entries.slice(-2)).toMatchObject([
    { event: 'decision', ...record },
    { event: 'move', ...record },
  ]);
});

test('force without a reason, or a reason that is too long, is refused before anything is recorded', async () => {
  await using home = await temporaryRegistry();
  await publishSample(home.registry, 'one');
  const before = await home.registry.store.list('');
  await expect(promoting(home.registry, 1, { force: { reason: ' ' } })).rejects.toThrow('say why');
  const long = 'x'.repeat(1001);
  const tooLong = 'A reason has at most 1000 characters; this one has 1001.';
  await expect(promoting(home.registry, 1, { force: { reason: long } })).rejects.toThrow(tooLong);
  await expect(promoting(home.registry, 1, { reason: long })).rejects.toThrow(tooLong);
  expect(await home.registry.store.list('')).toEqual(before);
});

test('force that was not needed is not recorded as force', async () => {
  await using home = await temporaryRegistry();
  await publishSample(home.registry, 'one');
  await promoting(home.registry, 1, { force: { reason: 'in a hurry' } });
  expect(await home.registry.alias('mnist', 'live')).toMatchObject({ forced: false, reason: 'a good one' });
});

test('promoting what is live already moves nothing and asks the gate about the version before', async () => {
  await using home = await temporaryRegistry();
  for (const name of ['one', 'two', 'three']) await publishSample(home.registry, name);
  await promoting(home.registry, 1);
  await promoting(home.registry, 2);
  expect(await promoting(home.registry, 2)).toMatchObject({
    moved: false,
    decision: { passed: true, champion: 1 },
  });
  await promoting(home.registry, 3);
  await home.registry.rollback('mnist', 'live', { reason: 'bad', by: 'on call' });
  expect(await promoting(home.registry, 2)).toMatchObject({ moved: false, decision: { champion: 1 } });
  expect(await home.registry.moves('mnist', 'live')).toHaveLength(4);
});

test('an alias that was moved after it was read is not moved', async () => {
  await using home = await temporaryRegistry();
  for (const name of ['one', 'two', 'three']) await publishSample(home.registry, name);
  await promoting(home.registry, 1);
  const seen = await home.registry.alias('mnist', 'live');
  await promoting(home.registry, 2);
  const move = {
    model: 'mnist',
    alias: 'live',
    version: 3,
    kind: 'promotion',
    by: 'x',
    reason: 'y',
  } as const;
  await expect(home.registry.moveAlias({ ...move, forced: false, gate: null, seen })).rejects.toThrow(
    AliasMoved,
  );
  expect((await home.registry.alias('mnist', 'live'))?.version).toBe(2);
});

test.each(['../live', 'a/b', '7', '', 'LIVE'])('an alias called "%s" is refused', async (alias) => {
  await using home = await temporaryRegistry();
  await publishSample(home.registry, 'one');
  await expect(promoting(home.registry, 1, { alias })).rejects.toThrow("can't be the name of an alias");
});
