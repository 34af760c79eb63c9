import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { DamagedBlob } from './blobs.ts';
import { digestOf } from './digest.ts';
import { defaultPolicy } from './gate.ts';
import { files, type Manifest } from './manifest.ts';
import { paths } from './paths.ts';
import { promote } from './promote.ts';
import type { Registry } from './registry.ts';
import { temporaryRegistry } from './testing/registry.ts';
import { publishSample, sampleDraft, sampleFiles } from './testing/sample.ts';

const promoteTo = (registry: Registry, version: number, alias = 'live') =>
  promote(registry, { model: 'mnist', version, alias, policy: defaultPolicy, by: 'tester', reason: 'test' });

const digestOfFile = (manifest: Manifest, path: string) => manifest.files[path]?.digest ?? digestOf('absent');

describe('publishing', () => {
  test('a version has the next number and gives its files back', async () => {
    await using home = await temporaryRegistry();
    const first = await publishSample(home.registry, 'one');
    const second = await publishSample(home.registry, 'two');
    expect([first.version, second.version]).toEqual([1, 2]);
    expect(await home.registry.models()).toEqual(['mnist']);
    expect(await home.registry.versions('mnist')).toEqual([1, 2]);
    expect(await home.registry.manifest('mnist', 2)).toEqual(second);
    for (const [path, content] of Object.entries(sampleFiles('two')))
      expect(Buffer.from(await home.registry.readFile(second, path))).toEqual(Buffer.from(content));
  });

  test('the same fingerprint again changes nothing and gives the version that is there', async () => {
    await using home = await temporaryRegistry();
    const first = await publishSample(home.registry, 'one');
    await publishSample(home.registry, 'two');
    const before = await home.registry.store.list('');
    const again = home.registry.publish('mnist', sampleDraft('one'), sampleFiles('other bytes'), 'tester');
    expect(await again).toEqual(first);
    expect(await home.registry.store.list('')).toEqual(before);
  });

  test('the same fingerprint at once makes one version, different ones a version each', async () => {
    await using home = await temporaryRegistry();
    const names = ['a', 'b', 'a', 'c', 'a', 'b', 'a', 'c'];
    const published = await Promise.all(names.map((name) => publishSample(home.registry, name)));
    expect(await home.registry.versions('mnist')).toEqual([1, 2, 3]);
    for (const [index, { fingerprint }] of published.entries())
      expect(fingerprint).toBe(digestOf(names[index] ?? ''));
  });

  test('content that is there is not written again', async () => {
    await using home = await temporaryRegistry();
    await publishSample(home.registry, 'one');
    const blobs = await home.registry.store.list('blobs/');
    await home.registry.publish('mnist', sampleDraft('two'), sampleFiles('one'), 'tester');
    expect(await home.registry.store.list('blobs/')).toEqual(blobs);
  });

  test('a blob that was cut short is mended by putting it again', async () => {
    await using home = await temporaryRegistry();
    const content = Buffer.from('some content');
    const digest = await home.registry.blobs.put(content);
    await writeFile(join(home.path, paths.blob(digest)), 'some');
    await expect(home.registry.blobs.get(digest)).rejects.toThrow(DamagedBlob);
    await home.registry.blobs.put(content);
    expect(Buffer.from(await home.registry.blobs.get(digest))).toEqual(content);
  });

  test('a blob of the right size that is damaged is mended by publishing its content again', async () => {
    await using home = await temporaryRegistry();
    const first = await publishSample(home.registry, 'one');
    const place = join(home.path, paths.blob(digestOfFile(first, files.model)));
    const whole = await readFile(place);
    const stateOf = async (version: number) =>
      (await home.registry.verify('mnist', version)).find(({ path }) => path === files.model)?.state;

    await writeFile(place, Buffer.alloc(whole.length));
    expect(await stateOf(1)).toBe('corrupt');
    await publishSample(home.registry, 'one');
    expect(await stateOf(1)).toBe('ok');

    await writeFile(place, Buffer.alloc(whole.length));
    await home.registry.publish('mnist', sampleDraft('two'), sampleFiles('one'), 'tester');
    expect([await stateOf(1), await stateOf(2)]).toEqual(['ok', 'ok']);

    await rm(place);
    await publishSample(home.registry, 'one');
    expect(await stateOf(1)).toBe('ok');
    expect(await readFile(place)).toEqual(whole);
  });

  test.each(['../evil', '/etc/passwd', 'a/../../b', '..', 'a//b', '.hidden', ''])(
    'a file called "%s" is refused and nothing is written',
    async (path) => {
      await using home = await temporaryRegistry();
      const publishing = home.registry.publish('mnist', sampleDraft('one'), { [path]: Buffer.from('x') });
      await expect(publishing).rejects.toThrow(/can't be the name of a file: use a relative path/);
      expect(await home.registry.store.list('')).toEqual([]);
    },
  );

  test.each(['../evil', 'a/b', '', 'Mnist', '..', 'a\\b', 'x'.repeat(65)])(
    'a model called "%s" is refused everywhere',
    async (model) => {
      await using home = await temporaryRegistry();
      const { registry } = home;
      const message = /can't be the name of a model: use 1 to 64/;
      await expect(registry.publish(model, sampleDraft('one'), {})).rejects.toThrow(message);
      await expect(registry.manifest(model, 1)).rejects.toThrow(message);
      await expect(registry.versions(model)).rejects.toThrow(message);
      await expect(registry.alias(model, 'live')).rejects.toThrow(message);
      await expect(registry.history(model)).rejects.toThrow(message);
    },
  );

  test('metrics that are no numbers are refused and nothing is written', async () => {
    await using home = await temporaryRegistry();
    const metrics = { accuracy: 0.1, loss: Number.NaN, ece: 0 };
    await expect(publishSample(home.registry, 'one', { metrics })).rejects.toThrow(/metrics\.loss/);
    expect(await home.registry.store.list('')).toEqual([]);
  });
});

describe('references', () => {
  test('a name, a version and an alias lead to a version', async () => {
    await using home = await temporaryRegistry();
    for (const name of ['one', 'two', 'three']) await publishSample(home.registry, name);
    await promoteTo(home.registry, 2);
    await promoteTo(home.registry, 3, 'canary');
    const versionOf = async (reference: string) => (await home.registry.resolve(reference)).version;
    expect(await Promise.all(['mnist', 'mnist@live', 'mnist@1', 'mnist@canary'].map(versionOf))).toEqual([
      2, 2, 1, 3,
    ]);
  });

  test('what is not there is answered with what is', async () => {
    await using home = await temporaryRegistry();
    const resolving = (reference: string) => expect(home.registry.resolve(reference)).rejects;
    await resolving('mnist').toThrow(/no model mnist .* is empty\. npm run pipeline/);
    await publishSample(home.registry, 'one');
    await publishSample(home.registry, 'two');
    await resolving('mnits').toThrow(/no model mnits .* it has: mnist\./);
    await resolving('mnits@3').toThrow(/no model mnits .* it has: mnist\./);
    await resolving('mnist@3').toThrow('Model mnist has no version 3; it has: 1, 2.');
    await resolving('mnist').toThrow('no alias live; it has: none (versions: 1, 2). To make it: ');
    await promoteTo(home.registry, 1);
    await resolving('mnist@canary').toThrow('no alias canary; it has: live');
  });
});

describe('what somebody does by hand', () => {
  test("files beside aliases, entries and models that are none of them, such as an editor's, are passed over", async () => {
    await using home = await temporaryRegistry();
    await publishSample(home.registry, 'one');
    await promoteTo(home.registry, 1);
    const before = await home.registry.history('mnist');
    const strays = [
      'aliases/live.json~',
      'aliases/live.json.bak',
      'aliases/LIVE.json',
      'aliases/old/live.txt',
    ];
    const others = [
      'history/note.json',
      'history/x~',
      '../Mnist/versions/000001.json',
      '../notes/versions/x.txt',
    ];
    for (const stray of [...strays, ...others]) {
      const place = join(home.path, 'models/mnist', stray);
      await mkdir(dirname(place), { recursive: true });
      await writeFile(place, 'x');
    }
    expect((await home.registry.aliases('mnist')).map(({ alias }) => alias)).toEqual(['live']);
    expect(await home.registry.history('mnist')).toEqual(before);
    expect(await home.registry.models()).toEqual(['mnist']);
    expect(await home.registry.versions('mnist')).toEqual([1]);
  });

  test('an alias whose file was removed can be made again, moved and rolled back', async () => {
    await using home = await temporaryRegistry();
    const { registry } = home;
    for (const name of ['one', 'two', 'three']) await publishSample(registry, name);
    for (const version of [1, 2]) await promoteTo(registry, version);
    await rm(join(home.path, paths.alias('mnist', 'live')));
    await promoteTo(registry, 3);
    expect((await registry.resolve('mnist')).version).toBe(3);
    await registry.rollback('mnist', 'live', { reason: 'bad', by: 'tester' });
    expect((await registry.resolve('mnist')).version).toBe(2);
  });

  test('a damaged alias is named, and restoring a copy of it, even an older one, puts it right', async () => {
    await using home = await temporaryRegistry();
    const { registry } = home;
    for (const name of ['one', 'two', 'three']) await publishSample(registry, name);
    for (const version of [1, 2]) await promoteTo(registry, version);
    const place = join(home.path, paths.alias('mnist', 'live'));
    const copy = await readFile(place);
    await promoteTo(registry, 3);
    await writeFile(place, 'damaged');
    await expect(registry.resolve('mnist')).rejects.toThrow(
      `${paths.alias('mnist', 'live')} in ${home.path} is damaged`,
    );
    await writeFile(`${place}.restored`, copy);
    await rename(`${place}.restored`, place);
    expect((await registry.resolve('mnist')).version).toBe(2);
    await registry.rollback('mnist', 'live', { reason: 'bad', by: 'tester' });
    expect((await registry.resolve('mnist')).version).toBe(1);
  });
});

describe('damage', () => {
  test('a whole version verifies, its manifest included', async () => {
    await using home = await temporaryRegistry();
    const manifest = await publishSample(home.registry, 'one');
    const checks = await home.registry.verify('mnist', 1);
    expect(checks.map(({ path }) => path)).toEqual([
      paths.manifest('mnist', 1),
      ...Object.keys(manifest.files),
    ]);
    expect(checks.every(({ state }) => state === 'ok')).toBe(true);
  });

  test('a flipped byte is found and its content is never handed out', async () => {
    await using home = await temporaryRegistry();
    const manifest = await publishSample(home.registry, 'one');
    const digest = digestOfFile(manifest, files.model);
    const place = join(home.path, paths.blob(digest));
    const content = await readFile(place);
    content[1234] = (content[1234] ?? 0) ^ 1;
    await writeFile(place, content);

    const reading = home.registry.readFile(manifest, files.model);
    await expect(reading).rejects.toThrow(DamagedBlob);
    await expect(reading).rejects.toThrow(`${paths.blob(digest)} in ${home.path} has other content`);
    const checks = await home.registry.verify('mnist', 1);
    const states = Object.fromEntries(checks.map(({ path, state }) => [path, state]));
    expect(states).toMatchObject({ [files.model]: 'corrupt', [files.contract]: 'ok', [files.correct]: 'ok' });
  });

  test('a missing blob is found', async () => {
    await using home = await temporaryRegistry();
    const manifest = await publishSample(home.registry, 'one');
    const digest = digestOfFile(manifest, files.contract);
    await rm(join(home.path, paths.blob(digest)));
    const checks = await home.registry.verify('mnist', 1);
    expect(checks.find(({ path }) => path === files.contract)).toMatchObject({ digest, state: 'missing' });
    await expect(home.registry.readFile(manifest, files.contract)).rejects.toThrow('is missing');
    expect(await home.registry.blobs.has(digest)).toBe(false);
  });

  test('a manifest that was changed, but can still be read, is found', async () => {
    await using home = await temporaryRegistry();
    await publishSample(home.registry, 'one');
    const place = join(home.path, paths.manifest('mnist', 1));
    await writeFile(place, (await readFile(place, 'utf8')).replace('"accuracy": 0.99', '"accuracy": 0.98'));
    expect((await home.registry.verify('mnist', 1))[0]).toMatchObject({ state: 'corrupt' });
  });

  test.each(['', '{', '{}', 'null', '{"format":2}', '\xff\xfe'])(
    'a manifest that reads %j is refused, with its place and what to do',
    async (text) => {
      await using home = await temporaryRegistry();
      const place = join(home.path, paths.manifest('mnist', 1));
      await mkdir(dirname(place), { recursive: true });
      await writeFile(place, text);
      const key = paths.manifest('mnist', 1);
      const message = `${key} in ${home.path} is damaged, or was written by a newer slipway`;
      await expect(home.registry.manifest('mnist', 1)).rejects.toThrow(message);
    },
  );

  test('a manifest under another name than its own is refused', async () => {
    await using home = await temporaryRegistry();
    await publishSample(home.registry, 'one');
    const content = await readFile(join(home.path, paths.manifest('mnist', 1)));
    await writeFile(join(home.path, paths.manifest('mnist', 2)), content);
    await expect(home.registry.manifest('mnist', 2)).rejects.toThrow('expected the manifest of mnist@2');
  });

  test('a file that a version does not have is answered with those it has', async () => {
    await using home = await temporaryRegistry();
    const manifest = await publishSample(home.registry, 'one');
    for (const path of ['absent', 'constructor', '../secret'])
      await expect(home.registry.readFile(manifest, path)).rejects.toThrow(/no file .*it has: model\.onnx/);
  });
});

describe('history', () => {
  test('tells each publish, decision and move in order', async () => {
    await using home = await temporaryRegistry();
    await publishSample(home.registry, 'one');
    await promoteTo(home.registry, 1);
    const { entries } = await home.registry.history('mnist');
    expect(entries.map(({ event, version, by }) => [event, version, by])).toEqual([
      ['publish', 1, 'tester'],
      ['decision', 1, 'tester'],
      ['move', 1, 'tester'],
    ]);
  });

  test('a process that died before it wrote its entry leaves nothing out, and the next move writes it', async () => {
    await using home = await temporaryRegistry();
    const { registry } = home;
    await publishSample(registry, 'one');
    await publishSample(registry, 'two');
    await promoteTo(registry, 1);
    const { entries: whole } = await registry.history('mnist');
    const keys = await registry.store.list(paths.history('mnist'));
    for (const key of keys) if (!key.includes('decision')) await registry.store.delete(key);

    const { entries: derived } = await registry.history('mnist');
    expect(derived.map(({ id, at }) => [id, at])).toEqual(whole.map(({ id, at }) => [id, at]));
    expect(derived.find(({ event }) => event === 'move')).toEqual(
      whole.find(({ event }) => event === 'move'),
    );

    await promoteTo(registry, 2);
    const moves = await registry.moves('mnist', 'live');
    expect(moves.map(({ previous, version }) => [previous, version])).toEqual([
      [null, 1],
      [1, 2],
    ]);
    await publishSample(registry, 'one');
    const publishes = (await registry.history('mnist')).entries.filter(({ event }) => event === 'publish');
    expect(publishes.map(({ by }) => by)).toEqual(['tester', 'unknown']);
  });

  test('a damaged entry is named, hides no other, and keeps nobody from verifying or rolling back', async () => {
    await using home = await temporaryRegistry();
    const { registry } = home;
    for (const name of ['one', 'two']) await publishSample(registry, name);
    for (const version of [1, 2]) await promoteTo(registry, version);
    const folder = join(home.path, paths.history('mnist'));
    const names = await readdir(folder);
    const damaged = names.filter((name) => name.includes('decision') || name.endsWith('-publish-2.json'));
    expect(damaged).toHaveLength(3);
    for (const name of damaged) await writeFile(join(folder, name), '{');

    const history = await registry.history('mnist');
    expect(history.entries.map(({ event, version }) => [event, version])).toEqual([
      ['publish', 1],
      ['publish', 2],
      ['move', 1],
      ['move', 2],
    ]);
    expect(history.damaged.map(({ message }) => message)).toEqual(
      damaged.toSorted().map((name) => expect.stringContaining(`${name} in ${home.path} is damaged`)),
    );
    expect((await registry.verify('mnist', 1)).every(({ state }) => state === 'ok')).toBe(true);
    await registry.rollback('mnist', 'live', { reason: 'bad', by: 'tester' });
    expect((await registry.resolve('mnist')).version).toBe(1);
  });

  test('moves are in order though the clock goes backwards', async () => {
    await using home = await temporaryRegistry();
    for (const name of ['one', 'two']) await publishSample(home.registry, name);
    await promoteTo(home.registry, 1);
    const place = join(home.path, paths.alias('mnist', 'live'));
    const document = JSON.parse(await readFile(place, 'utf8'));
    for (const key of await home.registry.store.list(paths.history('mnist')))
      await home.registry.store.delete(key);
    await writeFile(place, JSON.stringify({ ...document, movedAt: '2999-01-01T00:00:00.000Z' }));
    await promoteTo(home.registry, 2);
    const moves = await home.registry.moves('mnist', 'live');
    expect(moves.map(({ version, at }) => [version, at])).toEqual([
      [1, '2999-01-01T00:00:00.000Z'],
      [2, '2999-01-01T00:00:00.001Z'],
    ]);
  });
});
