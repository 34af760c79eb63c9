import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { UserError } from '../../cli/errors.ts';
import { type DownloadOptions, type DownloadProgress, defaultCacheFolder, download } from './download.ts';
import { temporaryFolder } from './small-dataset.ts';
import {
  answerIgnoringRange,
  answerNothing,
  answerOther,
  answerStalled,
  answerStatus,
  answerTruncated,
  type answerWell,
  startMirror,
} from './test-mirror.ts';

const content = Buffer.from(
  Uint8Array.from({ length: 300_000 }, (_, place) => Math.imul(place, 40503) >>> 8),
);
const wrong = Buffer.alloc(content.length, 1);
const limits = { connectMs: 15_000, idleMs: 15_000, attempts: 3, backoffMs: 2 };
/** For servers that keep still on purpose; long enough that a busy machine does not look like one. */
const impatient = { ...limits, connectMs: 1_500, idleMs: 1_500 };

const file = {
  name: 'data.gz',
  maxBytes: 400_000,
  check: async (bytes: Uint8Array) => {
    if (!content.equals(bytes)) throw new UserError('expected the content, found another');
  },
};

function fetchInto(folder: string, mirrors: readonly string[], change: Partial<DownloadOptions> = {}) {
  return download([file], { mirrors, folder, report: () => {}, limits, ...change });
}

/** The file is there whole, and nothing else is. */
async function expectComplete(folder: string): Promise<void> {
  expect(await readdir(folder)).toEqual(['data.gz']);
  expect(content.equals(await readFile(join(folder, 'data.gz')))).toBe(true);
}

test('a file is fetched, with progress up to its last byte', async () => {
  await using folder = temporaryFolder();
  await using mirror = await startMirror({ 'data.gz': content });
  const events: DownloadProgress[] = [];
  await fetchInto(folder.path, [mirror.url], { report: (event) => void events.push(event) });
  await expectComplete(folder.path);
  expect(events.at(-1)).toEqual({ file: 'data.gz', receivedBytes: 300_000, totalBytes: 300_000 });
});

test.each([
  ['breaks off', answerTruncated(100_000)],
  ['stalls', answerStalled(100_000)],
])('a transfer that %s goes on where it stopped', async (_, answer) => {
  await using folder = temporaryFolder();
  await using mirror = await startMirror({ 'data.gz': content }, [answer]);
  await fetchInto(folder.path, [mirror.url], { limits: impatient });
  await expectComplete(folder.path);
  expect(mirror.requests).toEqual(['data.gz whole', 'data.gz bytes=100000-']);
});

test('a server that ignores the range is read from the start', async () => {
  await using folder = temporaryFolder();
  await using mirror = await startMirror({ 'data.gz': content }, [
    answerTruncated(100_000),
    answerIgnoringRange,
  ]);
  await fetchInto(folder.path, [mirror.url]);
  await expectComplete(folder.path);
  expect(mirror.requests).toHaveLength(2);
});

test.each([
  ['another place', 'bytes 5-299999/300000'],
  ['no place', ''],
])('a range answered with %s is not trusted', async (_, range) => {
  await using folder = temporaryFolder();
  await using mirror = await startMirror({ 'data.gz': content }, [
    answerTruncated(100_000),
    (_, response, body) =>
      void response.writeHead(206, range === '' ? {} : { 'content-range': range }).end(body.subarray(5)),
  ]);
  await fetchInto(folder.path, [mirror.url]);
  await expectComplete(folder.path);
  expect(mirror.requests.at(-1)).toBe('data.gz whole');
});

test('a busy server is asked again, a bounded number of times', async () => {
  await using folder = temporaryFolder();
  await using mirror = await startMirror({ 'data.gz': content }, [answerStatus(500), answerStatus(503)]);
  await fetchInto(folder.path, [mirror.url]);
  await expectComplete(folder.path);

  await using always = await startMirror({ 'data.gz': content }, Array(9).fill(answerStatus(500)));
  await expect(fetchInto(folder.path, [always.url])).rejects.toThrow(
    /127\.0\.0\.1:\d+: it answered with status 500/,
  );
  expect(always.requests).toHaveLength(limits.attempts);
});

test('the second mirror is used when the first has no such file', async () => {
  await using folder = temporaryFolder();
  await using first = await startMirror({});
  await using second = await startMirror({ 'data.gz': content });
  await fetchInto(folder.path, [first.url, second.url]);
  await expectComplete(folder.path);
  expect(first.requests).toHaveLength(1);
});

test('wrong content never gets the name: it is deleted and the next mirror asked', async () => {
  await using folder = temporaryFolder();
  await using first = await startMirror({ 'data.gz': content }, [answerOther(wrong)]);
  await expect(fetchInto(folder.path, [first.url])).rejects.toThrow(
    /sent a wrong file: expected the content/,
  );
  expect(await readdir(folder.path)).toEqual([]);

  await using again = await startMirror({ 'data.gz': content }, [answerOther(wrong)]);
  await using second = await startMirror({ 'data.gz': content });
  await fetchInto(folder.path, [again.url, second.url]);
  await expectComplete(folder.path);
});

test('pieces of two different files are thrown away and the file is fetched whole', async () => {
  await using folder = temporaryFolder();
  await using first = await startMirror(
    { 'data.gz': wrong },
    Array(limits.attempts).fill(answerTruncated(90_000)),
  );
  await using second = await startMirror({ 'data.gz': content });
  await fetchInto(folder.path, [first.url, second.url]);
  await expectComplete(folder.path);
  expect(second.requests).toEqual(['data.gz bytes=90000-', 'data.gz whole']);
});

test('a file without end is cut off at its bound', async () => {
  await using folder = temporaryFolder();
  await using mirror = await startMirror({ 'data.gz': Buffer.alloc(2_000_000) });
  await expect(fetchInto(folder.path, [mirror.url])).rejects.toThrow(/more than the 400000 bytes/);
  expect(await readdir(folder.path)).toEqual([]);
  expect(mirror.requests).toHaveLength(1);
});

test('what is not reachable is tried once for all files, and never waited for', async () => {
  await using folder = temporaryFolder();
  await using gone = await startMirror({});
  await gone[Symbol.asyncDispose]();
  await using silent = await startMirror({ 'a.gz': content, 'b.gz': content }, [answerNothing]);
  await using good = await startMirror({ 'a.gz': content, 'b.gz': content });
  const mirrors = ['http://no-such-host.invalid/', gone.url, silent.url, good.url];
  const start = performance.now();
  const files = ['a.gz', 'b.gz'].map((name) => ({ ...file, name }));
  await download(files, {
    mirrors,
    folder: folder.path,
    report: () => {},
    limits: { ...impatient, backoffMs: 60_000 },
  });
  expect(await readdir(folder.path)).toEqual(['a.gz', 'b.gz']);
  expect(silent.requests).toHaveLength(1);
  expect(performance.now() - start).toBeLessThan(25_000); // a single backoff would take 30 s
});

test('the reasons of all mirrors are told', async () => {
  await using folder = temporaryFolder();
  await using gone = await startMirror({});
  await gone[Symbol.asyncDispose]();
  await using empty = await startMirror({});
  await expect(fetchInto(folder.path, [gone.url, empty.url])).rejects.toMatchObject({
    name: 'DownloadFailed',
    reasons: [
      expect.stringMatching(/^127\.0\.0\.1:\d+: the connection was refused$/),
      expect.stringMatching(/^127\.0\.0\.1:\d+: it answered with status 404$/),
    ],
  });
});

test("a folder that cannot be written is the user's to put right", async () => {
  await using folder = temporaryFolder();
  await using mirror = await startMirror({ 'data.gz': content });
  await writeFile(join(folder.path, 'cache'), 'a file, not a folder');
  const fetching = fetchInto(join(folder.path, 'cache', 'mnist'), [mirror.url]);
  await expect(fetching).rejects.toBeInstanceOf(UserError);
  await expect(fetching).rejects.toThrow(/can't be kept in .*cache.mnist .*SLIPWAY_CACHE_DIR/);
});

test('a full disk is told, and its space given back', async (context) => {
  await using folder = temporaryFolder();
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=128k', 'tmpfs', folder.path]);
  if (mounted.status !== 0) return context.skip('needs the right to mount a small tmpfs');
  try {
    await using mirror = await startMirror({ 'data.gz': content });
    const fetching = fetchInto(folder.path, [mirror.url]);
    await expect(fetching).rejects.toBeInstanceOf(UserError);
    await expect(fetching).rejects.toThrow(/can't be kept in .*ENOSPC.*Make room/);
    expect(await readdir(folder.path)).toEqual([]);
  } finally {
    spawnSync('umount', [folder.path]);
  }
});

test('an abort ends the download with its reason and keeps what came', async () => {
  await using folder = temporaryFolder();
  await using mirror = await startMirror({ 'data.gz': content }, [answerStalled(100_000)]);
  const abort = new AbortController();
  const report = ({ receivedBytes }: DownloadProgress) => {
    if (receivedBytes === 100_000) abort.abort(new Error('enough'));
  };
  const fetching = fetchInto(folder.path, [mirror.url], { report, signal: abort.signal });
  await expect(fetching).rejects.toThrow('enough');
  await fetchInto(folder.path, [mirror.url]);
  await expectComplete(folder.path);
  expect(mirror.requests.at(-1)).toBe('data.gz bytes=100000-');
});

test('a download goes on where a killed process stopped', async () => {
  await using folder = temporaryFolder();
  await using mirror = await startMirror({ 'data.gz': content }, [answerStalled(100_000)]);
  const child = downloadInChild(folder.path, mirror.url);
  for await (const text of child.stdout ?? []) if (String(text).includes('100000')) break;
  child.kill('SIGKILL');
  await once(child, 'exit');
  expect(await readdir(folder.path)).toEqual([`data.gz.${child.pid}.part`]);
  await fetchInto(folder.path, [mirror.url]);
  await expectComplete(folder.path);
  expect(mirror.requests).toEqual(['data.gz whole', 'data.gz bytes=100000-']);
});

test('two processes that download at once each get the whole file', async () => {
  await using folder = temporaryFolder();
  const waiting: (() => void)[] = [];
  // Neither gets its last bytes before both have asked.
  const together: Parameters<typeof startMirror>[1] = Array(2).fill(
    (...[_, response, body]: Parameters<typeof answerWell>) => {
      response.writeHead(200, { 'content-length': body.length });
      response.write(body.subarray(0, 150_000));
      waiting.push(() => response.end(body.subarray(150_000)));
      if (waiting.length === 2) for (const finish of waiting) finish();
    },
  );
  await using mirror = await startMirror({ 'data.gz': content }, together);
  const children = [downloadInChild(folder.path, mirror.url), downloadInChild(folder.path, mirror.url)];
  const codes = await Promise.all(children.map(async (child) => (await once(child, 'exit'))[0]));
  expect(codes).toEqual([0, 0]);
  await expectComplete(folder.path);
  expect(mirror.requests).toEqual(['data.gz whole', 'data.gz whole']);
});

/** Downloads the file in a process of its own that prints its progress. */
function downloadInChild(folder: string, mirror: string): ChildProcess {
  const script = `
    import { download } from ${JSON.stringify(new URL('./download.ts', import.meta.url).href)};
    await download([{ name: 'data.gz', maxBytes: 400_000, check: async () => {} }], {
      mirrors: [${JSON.stringify(mirror)}],
      folder: ${JSON.stringify(folder)},
      report: ({ receivedBytes }) => console.log(receivedBytes),
    });`;
  return spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '--eval', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}

test('the cache folder is SLIPWAY_CACHE_DIR, else in the XDG cache folder, else in the home folder', () => {
  expect(defaultCacheFolder({ SLIPWAY_CACHE_DIR: '/a', XDG_CACHE_HOME: '/b' })).toBe('/a');
  expect(defaultCacheFolder({ SLIPWAY_CACHE_DIR: '', XDG_CACHE_HOME: '/b' })).toBe('/b/slipway');
  expect(defaultCacheFolder({})).toMatch(/\.cache\/slipway$/);
});
