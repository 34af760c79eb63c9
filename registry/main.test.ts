import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { files } from './manifest.ts';
import { paths } from './paths.ts';
import { compiled } from './testing/compile.ts';
import { runScript } from './testing/processes.ts';
import { temporaryRegistry } from './testing/registry.ts';
import { answersWrongAt, publishSample, syntheticData } from './testing/sample.ts';

/** Above the gate's floor, but worse than the others by more than chance. */
const worse = answersWrongAt(...Array.from({ length: 12 }, (_, image) => image));

describe('npm run registry', () => {
  let main: Awaited<ReturnType<typeof compiled>>;
  let home: Awaited<ReturnType<typeof temporaryRegistry>>;
  beforeAll(async () => {
    main = await compiled(new URL('./main.ts', import.meta.url));
    home = await temporaryRegistry();
    await publishSample(home.registry, 'one', { dataset: syntheticData });
    await publishSample(home.registry, 'two');
    await publishSample(home.registry, 'three', { code: { commit: null, clean: null } }, worse);
  });
  afterAll(async () => {
    await home[Symbol.asyncDispose]();
    await main[Symbol.asyncDispose]();
  });

  const run = async (...args: string[]) => {
    const { child, finished } = runScript(main.script, args, {
      SLIPWAY_REGISTRY: home.path,
      SLIPWAY_USER: 'ada',
    });
    child.stdin.end();
    return await finished;
  };

  test('a version is promoted, overruled, rolled back, listed, shown and told of', async () => {
    const promoted = await run('promote', 'mnist@1');
    expect(promoted).toMatchObject({ code: 0, errors: '' });
    expect(promoted.output).toMatch(/there is no champion.*mnist@live is now version 1\.\n$/s);
    expect(await run('promote', 'mnist@2', 'live')).toMatchObject({ code: 0 });

    const refused = await run('promote', 'mnist@3', '--json');
    expect(refused.code).toBe(1);
    expect(JSON.parse(refused.output)).toMatchObject({ moved: false, decision: { passed: false } });
    expect(refused.errors).toMatch(/mnist@3 does not become mnist@live.*champion +FAIL.*--force --reason/s);
    expect(refused.errors).not.toMatch(/^ {4}at /m);

    const forced = await run('promote', 'mnist@3', '--force', '--reason', 'a drill');
    expect(forced.output).toContain('mnist@live is now version 3, by force: the gate refused it.');

    const back = await run('rollback', 'mnist', '--reason', 'the drill is over');
    expect(back.output).toBe('mnist@live is version 2 again; it was 3.\n');

    const { output: list } = await run('list');
    expect(list.replaceAll(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d/g, '<time>             ')).toBe(
      `
MODEL  VERSION  CREATED (UTC)        ACCURACY  DATA              COMMIT    SIZE     ALIASES
mnist  1        <time>               99.9 %    synthetic-digits  aaaaaaaa  13.0 kB
mnist  2        <time>               99.9 %    mnist             aaaaaaaa  13.0 kB  live
mnist  3        <time>               98.8 %    mnist             -         15.0 kB
`.trimStart(),
    );

    const { output: history } = await run('history', 'mnist');
    const lines = history.split('\n').map((line) => line.slice('0000-00-00 00:00:00'.length).trim());
    expect(lines.map((line) => line.replaceAll(/ {2,}/g, ' | '))).toEqual([
      'WHAT | VERSION | DETAILS | BY',
      'published | 1 | tester',
      'published | 2 | tester',
      'published | 3 | tester',
      'gate | 1 | passed for live | ada',
      'promotion | 1 | live: none -> 1: promoted by hand | ada',
      'gate | 2 | passed for live | ada',
      'promotion | 2 | live: 1 -> 2: promoted by hand | ada',
      'gate | 3 | refused for live: champion | ada',
      'gate | 3 | refused for live: champion (overruled) | ada',
      'promotion | 3 | live: 2 -> 3, FORCED: a drill | ada',
      'rollback | 2 | live: 3 -> 2: the drill is over | ada',
      '',
    ]);

    const shown = await run('show', 'mnist@1');
    expect(shown.output).toMatch(/data +synthetic-digits\n.*model\.onnx +12\.0 kB +[0-9a-f]{64}\n/s);
    const { output: json } = await run('show', 'mnist', '--json');
    expect(JSON.parse(json)).toMatchObject({ model: 'mnist', version: 2, aliases: ['live'] });
    expect((await run('models')).output).toMatch(
      /^MODEL +VERSIONS +NEWEST +ALIASES\nmnist +3 +3 +live = 2\n$/,
    );
  });

  test('a damaged entry of the history is named after the others', async () => {
    const { registry } = home;
    const [key = ''] = await registry.store.list(`${paths.history('mnist')}`);
    const place = join(home.path, key);
    const content = await readFile(place);
    await writeFile(place, '{');
    const { code, output, errors } = await run('history', 'mnist', '--json');
    await writeFile(place, content);
    expect([code, errors]).toEqual([1, expect.stringContaining(`${key} in ${home.path} is damaged`)]);
    expect(JSON.parse(output)).toContainEqual(expect.objectContaining({ event: 'publish', version: 1 }));
  });

  test('a rollback to synthetic data in place of real data needs force, and says so', async () => {
    const refused = await run('rollback', 'mnist');
    expect(refused).toMatchObject({ code: 1, output: '' });
    expect(refused.errors).toContain('only versions on synthetic data: 1.');
    const forced = await run('rollback', 'mnist', '--to', '1', '--force', '--reason', 'a drill');
    expect(forced.output).toBe('mnist@live is version 1 (synthetic-digits) again; it was 2.\n');
  });

  test('verify answers with its exit code', async () => {
    const whole = await run('verify', 'mnist@1');
    expect(whole).toMatchObject({ code: 0, output: expect.stringContaining('mnist@1 is whole.') });
    const digest = (await home.registry.manifest('mnist', 1)).files[files.model]?.digest;
    if (digest) await writeFile(join(home.path, paths.blob(digest)), 'damaged');
    const damaged = await run('verify', 'mnist@1', '--json');
    expect(damaged.code).toBe(1);
    expect(JSON.parse(damaged.output)).toMatchObject({ ok: false });
    expect(damaged.errors).toContain('mnist@1 is damaged: model.onnx is corrupt.');
  });

  test.each([
    [2, ['promote', 'mnist@1', '--force'], '--force overrules the gate and needs --reason'],
    [2, ['rollback', 'mnist', '--force'], '--force needs --reason'],
    [2, ['promote', 'mnist@1', '../x'], '"../x" can\'t be the name of an alias'],
    [2, ['promote', 'mnist@1', '7'], 'a number names a version, not an alias'],
    [2, ['history', '../x'], '"../x" can\'t be the name of a model'],
    [1, ['list', '--registry', 's3://\u001b[31mred'], "can't be s3:// [31mred"],
    [2, ['show', '../mnist'], 'names no version: expected MODEL, MODEL@VERSION or MODEL@ALIAS'],
    [2, ['rollback', 'mnist', '--to', 'last'], 'a version is a number from 1 on'],
    [2, ['list', '--wrong'], "unknown option '--wrong'"],
    [2, ['lst'], "unknown command 'lst'"],
    [1, ['list', 'mnits'], 'There is no model mnits'],
    [1, ['show', 'mnist@9'], 'Model mnist has no version 9; it has: 1, 2, 3.'],
    [1, ['list', '--registry', 's3://bucket'], 'only a folder is supported so far'],
  ])('exit code %i: %j', async (code, args, message) => {
    const { code: actual, output, errors } = await run(...args);
    expect([actual, output]).toEqual([code, '']);
    expect(errors).toContain(message);
    expect(errors).not.toMatch(/^ {4}at /m);
  });

  test('an empty registry says how it gets its first version', async () => {
    const { code, output } = await run('list', '--registry', join(home.path, 'absent'));
    expect([code, output]).toEqual([0, expect.stringContaining('is empty: npm run pipeline')]);
  });
});
