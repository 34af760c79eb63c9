import { expect, test } from 'vitest';
import { z } from 'zod';
import type { PipelineEvent } from './events.ts';
import { type RunRecord, runRecordSchema, stageTimes, valuesOf } from './record.ts';
import { Interrupted, runPipeline } from './run.ts';
import { defineStage, type Stage } from './stage.ts';
import { Lab, outcomesOf, smallPipeline } from './testing/lab.ts';

async function records(lab: Lab): Promise<RunRecord[]> {
  const keys = await lab.storage.store.list('runs/');
  const objects = await Promise.all(keys.map((key) => lab.storage.store.get(key)));
  return objects.map((object) =>
    runRecordSchema.parse(JSON.parse(Buffer.from(object?.body ?? []).toString())),
  );
}

/** Takes the place of `train` and does what it is told to. */
function trainThat(lab: Lab, run: (signal: AbortSignal) => Promise<number>): Stage[] {
  const { data } = smallPipeline(lab);
  const train = defineStage({
    name: 'train',
    code: lab.code('train'),
    needs: { data },
    parameters: {},
    output: z.object({ weight: z.number() }),
    run: async ({ signal }) => ({ values: { weight: await run(signal) } }),
  });
  return [data, train];
}

test('a run leaves a record of what it did, from what, with which code and on what machine', async () => {
  await using lab = await Lab.open();
  const { stages, train } = smallPipeline(lab);
  const { record } = await lab.run(stages);
  expect(await records(lab)).toEqual([record]);
  expect(record).toMatchObject({
    status: 'done',
    environment: { node: process.version, platform: process.platform, packages: { zod: expect.any(String) } },
    stages: [
      { name: 'data', parameters: { rows: 3, byte: 7, label: 'a' }, files: { rows: { bytes: 3 } } },
      { name: 'train', reason: 'never ran', values: { weight: 108 } },
      { name: 'evaluate', inputs: { data: expect.any(String), model: expect.any(String) } },
    ],
  });
  expect(record.id).toMatch(/^\d{8}T\d{6}Z-[0-9a-f]{6}$/);
  expect(valuesOf(record, train).weight).toBe(108);
  expect(stageTimes(record).map(({ name, outcome }) => [name, outcome])).toEqual([
    ['data', 'ran'],
    ['train', 'ran'],
    ['evaluate', 'ran'],
  ]);
});

test("a stage's record is in the store before the stage runs: what it publishes can name its run", async () => {
  await using lab = await Lab.open();
  let seen: RunRecord[] = [];
  const stages = trainThat(lab, async () => {
    seen = await records(lab);
    return 1;
  });
  await lab.run(stages);
  expect(seen.map(({ status, stages }) => [status, stages.map(({ name }) => name)])).toEqual([
    ['running', ['data']],
  ]);
});

test('a failure is told with its stage and recorded; the next run goes on from there', async () => {
  await using lab = await Lab.open();
  let broken = true;
  const stages = trainThat(lab, async () => {
    if (broken) throw new Error('out of memory');
    return 1;
  });
  const events: PipelineEvent[] = [];
  const failing = runPipeline({ stages, registry: lab.storage, emit: (event) => events.push(event) });
  await expect(failing).rejects.toThrow('out of memory');
  expect(events.at(-1)).toMatchObject({
    event: 'stage-failed',
    stage: 'train',
    interrupted: false,
    text: 'out of memory',
  });
  const [record] = await records(lab);
  expect(record).toMatchObject({
    status: 'failed',
    stages: [{ outcome: 'ran' }, { outcome: 'failed', error: 'out of memory' }],
  });

  broken = false;
  expect((await lab.run(stages)).outcomes).toBe('data cached, train ran');
});

test('an interruption ends the stage and the run, is recorded, and the next run goes on from there', async () => {
  await using lab = await Lab.open();
  const control = new AbortController();
  let patient = true;
  const stages = trainThat(lab, async (signal) => {
    if (!patient) return 1;
    queueMicrotask(() => control.abort());
    await new Promise((resolve) => signal.addEventListener('abort', resolve));
    throw signal.reason;
  });
  const error = await lab.run(stages, {}, control.signal).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(Interrupted);
  expect(error).toMatchObject({ exitCode: 130 });
  expect(await records(lab)).toMatchObject([
    { status: 'interrupted', stages: [{ outcome: 'ran' }, { name: 'train', outcome: 'interrupted' }] },
  ]);

  patient = false;
  expect((await lab.run(stages)).outcomes).toBe('data cached, train ran');
});

test('an interruption between two stages keeps the finished one', async () => {
  await using lab = await Lab.open();
  const control = new AbortController();
  const { data, train, evaluate } = smallPipeline(lab);
  const running = runPipeline({
    stages: [data, train, evaluate],
    registry: lab.storage,
    signal: control.signal,
    emit: (event) => event.event === 'stage-end' && event.stage === 'train' && control.abort(),
  });
  await expect(running).rejects.toThrow(Interrupted);
  expect((await records(lab)).map((record) => [record.status, outcomesOf(record)])).toEqual([
    ['interrupted', 'data ran, train ran'],
  ]);
});

test('two runs at once that make different outputs both go on with the one that was kept first', async () => {
  await using lab = await Lab.open();
  let waiting = 0;
  let release = () => {};
  const bothThere = new Promise<void>((resolve) => {
    release = resolve;
  });
  const stages = trainThat(lab, async () => {
    const mine = ++waiting;
    if (mine === 2) release();
    await bothThere;
    return mine;
  });
  const [one, two] = await Promise.all([lab.run(stages), lab.run(stages)]);
  expect(one.outcomes).toMatch(/train ran$/);
  expect(two.outcomes).toMatch(/train ran$/);
  const kept = await lab.run(stages);
  expect(kept.outcomes).toBe('data cached, train cached');
  for (const { record } of [one, two])
    expect(record.stages[1]).toMatchObject({ values: (kept.record.stages[1] as { values: unknown }).values });
  expect(new Set((await records(lab)).map(({ id }) => id)).size).toBe(3);
});
