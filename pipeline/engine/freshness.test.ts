import { expect, test } from 'vitest';
import { z } from 'zod';
import { UserError } from '../../cli/errors.ts';
import { defineStage } from './stage.ts';
import { Lab, smallPipeline } from './testing/lab.ts';

test('the first run does everything, the second nothing, with the same values', async () => {
  await using lab = await Lab.open();
  const first = await lab.run(smallPipeline(lab).stages);
  expect(first.outcomes).toBe('data ran, train ran, evaluate ran');
  expect(first.reasons).toEqual({ data: 'never ran', train: 'never ran', evaluate: 'never ran' });

  const second = await lab.run(smallPipeline(lab).stages);
  expect(second.outcomes).toBe('data cached, train cached, evaluate cached');
  expect(second.record.stages.map((stage) => 'values' in stage && stage.values)).toEqual([
    { rows: 3 },
    { weight: 108 },
    { score: 36 },
  ]);
});

test('a changed parameter re-runs its stage and what depends on it', async () => {
  await using lab = await Lab.open();
  await lab.run(smallPipeline(lab, { epochs: 5 }).stages);
  const changed = await lab.run(smallPipeline(lab, { epochs: 6 }).stages);
  expect(changed.outcomes).toBe('data cached, train ran, evaluate ran');
  expect(changed.reasons).toEqual({
    train: 'parameters changed: epochs 5 -> 6',
    evaluate: 'input changed: model',
  });
});

test('a file with other content re-runs what reads it, also where the values are the same', async () => {
  await using lab = await Lab.open();
  await lab.run(smallPipeline(lab, { byte: 7 }).stages);
  const { outcomes, reasons } = await lab.run(smallPipeline(lab, { byte: 8 }).stages);
  expect(outcomes).toBe('data ran, train ran, evaluate ran');
  expect(reasons).toMatchObject({ train: 'input changed: data', evaluate: 'input changed: data, model' });
});

test('a parameter that is changed back finds its old outcome', async () => {
  await using lab = await Lab.open();
  await lab.run(smallPipeline(lab, { epochs: 5 }).stages);
  await lab.run(smallPipeline(lab, { epochs: 6 }).stages);
  const { outcomes } = await lab.run(smallPipeline(lab, { epochs: 5 }).stages);
  expect(outcomes).toBe('data cached, train cached, evaluate cached');
});

test('a stage that makes the same output again leaves the next ones cached', async () => {
  await using lab = await Lab.open();
  await lab.run(smallPipeline(lab, { label: 'a' }).stages);
  const { outcomes } = await lab.run(smallPipeline(lab, { label: 'b' }).stages);
  expect(outcomes).toBe('data ran, train cached, evaluate cached');
});

test('changed code re-runs its stage; a stage that makes the same with it leaves the next ones cached', async () => {
  await using lab = await Lab.open();
  await lab.write('code/train.ts', "import './model.ts';");
  await lab.write('code/model.ts', '// one layer');
  await lab.run(smallPipeline(lab).stages);
  await lab.write('code/model.ts', '// two layers');
  const { outcomes, reasons } = await lab.run(smallPipeline(lab).stages);
  expect(outcomes).toBe('data cached, train ran, evaluate cached');
  expect(reasons).toEqual({ train: 'code changed' });
});

test("a needed stage's module is not the code of the stage that imports it", async () => {
  await using lab = await Lab.open();
  await lab.write('code/train.ts', "import { data } from './data.ts';");
  await lab.run(smallPipeline(lab).stages);
  await lab.write('code/data.ts', '// the same data by another way');
  const { outcomes } = await lab.run(smallPipeline(lab).stages);
  expect(outcomes).toBe('data ran, train cached, evaluate cached');
});

test('an outcome is not kept when the code was edited while the stage ran', async () => {
  await using lab = await Lab.open();
  const edited = defineStage({
    name: 'data',
    code: lab.code('data'),
    needs: {},
    parameters: {},
    output: z.object({}),
    run: async () => {
      await lab.write('code/data.ts', '// edited');
      return { values: {} };
    },
  });
  const { events } = await lab.run([edited]);
  expect(events).toContainEqual({
    event: 'note',
    stage: 'data',
    text: 'its code was edited while it ran: the next run makes it again',
  });
  await lab.write('code/data.ts', '// data');
  const { outcomes } = await lab.run([edited]);
  expect(outcomes).toBe('data ran');
});

test('a damaged cache entry is a miss with a note, and is mended', async () => {
  for (const damaged of ['', '{"format":1', '{"format":2}', 'flipped']) {
    await using lab = await Lab.open();
    const { stages } = smallPipeline(lab);
    await lab.run(stages);
    const [key = ''] = await lab.storage.store.list('cache/train/');
    const entry = Buffer.from((await lab.storage.store.get(key))?.body ?? []).toString();
    await lab.overwrite(key, damaged === 'flipped' ? entry.replace('108', '109') : damaged);

    const again = await lab.run(stages);
    expect(again.outcomes).toBe('data cached, train ran, evaluate cached');
    expect(again.reasons).toEqual({ train: 'its outcome is not in the cache' });
    expect(again.events).toContainEqual({
      event: 'note',
      stage: 'train',
      text: 'its cache entry is damaged and is made again',
    });
    expect((await lab.run(stages)).outcomes).toBe('data cached, train cached, evaluate cached');
  }
});

test('an outcome whose file is gone is a miss with a note, and is made again', async () => {
  await using lab = await Lab.open();
  const { stages } = smallPipeline(lab);
  await lab.run(stages);
  for (const key of await lab.storage.store.list('blobs/')) await lab.storage.store.delete(key);
  const again = await lab.run(stages);
  expect(again.outcomes).toBe('data ran, train cached, evaluate cached');
  expect(again.events).toContainEqual({
    event: 'note',
    stage: 'data',
    text: 'of its cached outcome the store has lost rows: it is made again',
  });
});

test('a file with other content than its digest says is never read; the next run makes it again', async () => {
  await using lab = await Lab.open();
  await lab.run(smallPipeline(lab, { epochs: 5 }).stages);
  const [key = ''] = await lab.storage.store.list('blobs/');
  await lab.overwrite(key, 'bad'); // as long as the three rows
  const { stages } = smallPipeline(lab, { epochs: 6 });
  const error = await lab.run(stages).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(UserError);
  expect(String(error)).toContain('was corrupt, and what is left of it is removed');
  expect((await lab.run(stages)).outcomes).toBe('data ran, train ran, evaluate ran');
});

test('a stage whose effect is gone runs again, and only then', async () => {
  await using lab = await Lab.open();
  const { stages, evaluate } = smallPipeline(lab);
  let alias: number | undefined;
  const promote = defineStage({
    name: 'promote',
    code: lab.code('evaluate'),
    needs: { evaluate },
    parameters: {},
    output: z.object({ score: z.number() }),
    run: async ({ inputs }) => {
      alias = inputs.evaluate.values.score;
      return { values: { score: alias } };
    },
    stillHolds: async ({ values }) => alias === values.score,
  });
  await lab.run([...stages, promote]);
  expect((await lab.run([...stages, promote])).outcomes).toMatch(/promote cached$/);

  alias = 7;
  const again = await lab.run([...stages, promote]);
  expect(again.outcomes).toBe('data cached, train cached, evaluate cached, promote ran');
  expect(again.reasons).toEqual({ promote: 'no longer holds' });
  expect(alias).toBe(36);
});

test('parameters may be made by slow work, with progress, and their result decides', async () => {
  await using lab = await Lab.open();
  let source = 'mnist';
  const data = defineStage({
    name: 'data',
    code: lab.code('data'),
    needs: {},
    parameters: async ({ progress, note }) => {
      progress({ done: 1, total: 1, unit: 'bytes' });
      note('downloaded');
      return { source };
    },
    output: z.object({ source: z.string() }),
    run: async ({ parameters }) => ({ values: { source: parameters.source } }),
  });
  const { events } = await lab.run([data]);
  expect(events.map(({ event }) => event)).toEqual(['run', 'progress', 'note', 'stage-start', 'stage-end']);
  expect((await lab.run([data])).outcomes).toBe('data cached');
  source = 'synthetic-digits';
  expect((await lab.run([data])).reasons).toEqual({
    data: 'parameters changed: source mnist -> synthetic-digits',
  });
});

test('values that the schema of their stage refuses are an error that names the stage', async () => {
  await using lab = await Lab.open();
  const data = defineStage({
    name: 'data',
    code: lab.code('data'),
    needs: {},
    parameters: {},
    output: z.object({ rows: z.int().min(1) }),
    run: async () => ({ values: { rows: 0 } }),
  });
  await expect(lab.run([data])).rejects.toThrow(/The stage data gave values that it doesn't allow/);
});

test('a file that the needed stage has not is an error that names those it has', async () => {
  await using lab = await Lab.open();
  const { data } = smallPipeline(lab);
  const reader = defineStage({
    name: 'reader',
    code: lab.code('train'),
    needs: { data },
    parameters: {},
    output: z.object({}),
    run: async ({ inputs }) => {
      await inputs.data.read('labels');
      return { values: {} };
    },
  });
  await expect(lab.run([data, reader])).rejects.toThrow(
    'The input data has no file "labels"; its files: rows',
  );
});
