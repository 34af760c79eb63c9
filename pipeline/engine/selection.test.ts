import { expect, test } from 'vitest';
import { UsageError, UserError } from '../../cli/errors.ts';
import { Lab, smallPipeline } from './testing/lab.ts';

test('--from runs the stage and what depends on it, cached or not', async () => {
  await using lab = await Lab.open();
  const { stages } = smallPipeline(lab);
  await lab.run(stages);
  const { outcomes, reasons } = await lab.run(stages, { from: 'train' });
  expect(outcomes).toBe('data cached, train ran, evaluate ran');
  expect(reasons).toEqual({ train: 'forced', evaluate: 'forced' });
});

test('--from still runs an earlier stage that is not cached', async () => {
  await using lab = await Lab.open();
  const { outcomes } = await lab.run(smallPipeline(lab).stages, { from: 'evaluate' });
  expect(outcomes).toBe('data ran, train ran, evaluate ran');
});

test('--force runs all', async () => {
  await using lab = await Lab.open();
  const { stages } = smallPipeline(lab);
  await lab.run(stages);
  expect((await lab.run(stages, { force: true })).outcomes).toBe('data ran, train ran, evaluate ran');
});

test('--only runs that stage, on what its needs have in the cache, and leaves the rest alone', async () => {
  await using lab = await Lab.open();
  const { stages } = smallPipeline(lab);
  expect((await lab.run(stages, { only: 'data' })).outcomes).toBe('data ran');
  expect((await lab.run(stages, { only: 'train' })).outcomes).toBe('data cached, train ran');
  expect((await lab.run(stages, { only: 'train' })).outcomes).toBe('data cached, train ran');
});

test('--only on a stage whose needs are not cached says what to run first, and does nothing', async () => {
  await using lab = await Lab.open();
  const { stages } = smallPipeline(lab);
  await lab.run(stages, { only: 'data' });
  const before = await lab.storage.store.list('');
  const error = await lab.run(stages, { only: 'evaluate' }).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(UserError);
  expect(String(error)).toContain(
    '--only evaluate needs a stage that must run first: train (never ran). Do so with --only train, or',
  );
  expect(await lab.storage.store.list('')).toEqual(before);
});

test('a stage that does not exist is wrong usage that lists those that do', async () => {
  await using lab = await Lab.open();
  const { stages } = smallPipeline(lab);
  for (const options of [{ from: 'trian' }, { only: 'trian' }]) {
    const error = await lab.run(stages, options).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(UsageError);
    expect(String(error)).toContain('There is no stage "trian"; the stages are data, train, evaluate.');
  }
  await expect(lab.run(stages, { from: 'data', only: 'data' })).rejects.toThrow(UsageError);
});

test('a dry run says what would run and why, and leaves no trace', async () => {
  await using lab = await Lab.open();
  await lab.run(smallPipeline(lab, { epochs: 5 }).stages);
  const before = await lab.storage.store.list('');

  const changed = await lab.run(smallPipeline(lab, { epochs: 6 }).stages, { dryRun: true });
  expect(changed.outcomes).toBe('data cached');
  expect(changed.reasons).toEqual({
    train: 'parameters changed: epochs 5 -> 6',
    evaluate: 'needs train, which would run',
  });
  expect((await lab.run(smallPipeline(lab).stages, { dryRun: true, from: 'train' })).reasons).toEqual({
    train: 'forced',
    evaluate: 'forced',
  });
  expect((await lab.run(smallPipeline(lab).stages, { dryRun: true })).reasons).toEqual({});
  expect(await lab.storage.store.list('')).toEqual(before);
});

test('a list in the wrong order, or with a name twice, is refused', async () => {
  await using lab = await Lab.open();
  const { data, train } = smallPipeline(lab);
  await expect(lab.run([train, data])).rejects.toThrow(
    'The stage train needs data, which must be listed before it',
  );
  await expect(lab.run([data, { ...data }])).rejects.toThrow('Two stages are called data');
  await expect(lab.run([{ ...data, name: '../data' }])).rejects.toThrow(/got "..\/data"/);
});
