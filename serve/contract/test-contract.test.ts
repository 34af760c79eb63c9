import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { UserError } from '../../cli/errors.ts';
import { parseContract, targetNames } from '../../registry/contract.ts';
import { contract, modelSource, startServer } from '../testing/fixture.ts';
import { renderReport } from './report.ts';
import { type ContractTestOptions, testContract } from './test-contract.ts';

const parsed = parseContract(JSON.stringify(contract), 'contract.json');
const names = targetNames(parsed);
const good = [0.91, ...new Array<number>(9).fill(0.01)];

async function serveFor<T>(listener: RequestListener, use: (url: string) => Promise<T>): Promise<T> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    return await use(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

const messageSchema = z.object({
  data: z.object({
    ndarray: z.array(z.array(z.unknown())).optional(),
    tensor: z.object({ shape: z.tuple([z.int(), z.int()]), values: z.array(z.unknown()) }).optional(),
  }),
});
type Message = z.infer<typeof messageSchema>['data'];

/**
 * A server of another hand that keeps the contract, except for what `answer` makes of each JSON message. It
 * refuses what is no table of numbers.
 */
function seldonServer(
  answer: (rows: number, asked: Message) => { status?: number; body: unknown },
): RequestListener {
  return async (request, response) => {
    const url = new URL(request.url ?? '', 'http://x');
    const send = (status: number, body: unknown) =>
      response
        .writeHead(status, { 'content-type': 'application/json' })
        .end(typeof body === 'string' ? body : JSON.stringify(body));
    if (url.pathname === '/v2') return send(404, {});
    const body = await text(request);
    const type = request.headers['content-type'] ?? '';
    const field = /name="data"\r\n\r\n(.*)\r\n/.exec(body)?.[1];
    const json = type.includes('multipart')
      ? `{"data":${field}}`
      : type.includes('urlencoded')
        ? new URLSearchParams(body).get('json')
        : (url.searchParams.get('json') ?? body);
    const { data } = json ? messageSchema.parse(JSON.parse(json)) : { data: {} };
    const cells = data.tensor?.values ?? data.ndarray?.flat() ?? [];
    const rows = data.tensor?.shape[0] ?? data.ndarray?.length ?? 0;
    if (cells.length !== rows * 784 || !cells.every((cell) => typeof cell === 'number'))
      return send(400, { status: { code: -1, info: 'bad', reason: 'MICROSERVICE_BAD_DATA', status: 1 } });
    const made = answer(rows, data);
    return send(made.status ?? 200, made.body);
  };
}

function keep(rows: readonly unknown[], asked: Message) {
  const data = asked.tensor
    ? { names, tensor: { shape: [rows.length, 10], values: rows.flat() } }
    : { names, ndarray: rows };
  return { body: { data, meta: {} } };
}

function every<T>(rows: number, row: T): T[] {
  return new Array<T>(rows).fill(row);
}

function run(url: string, options: Partial<ContractTestOptions> = {}) {
  return testContract({ url, contract: parsed, requests: 1, batch: 2, timeoutMs: 2000, ...options });
}

describe('a server that keeps the contract passes', () => {
  test('ours, in all forms of both protocols, with the contract that it serves itself', async () => {
    await using server = await startServer(modelSource());
    const report = await testContract({ url: `${server.url}/` });
    expect(report.checks.filter((check) => check.outcome !== 'passed')).toEqual([]);
    expect(report.passed).toBe(true);
    expect(report.checks.map((check) => check.protocol)).toContain('v2');
    expect(report.checks.length).toBeGreaterThan(20);
  });

  test('one that speaks only Seldon: v2 is skipped with its reason, unless it was asked for', async () => {
    await serveFor(
      seldonServer((rows, asked) => keep(every(rows, good), asked)),
      async (url) => {
        const report = await run(url);
        expect(report.checks.filter((check) => check.outcome === 'failed')).toEqual([]);
        expect(report.passed).toBe(true);
        expect(report.checks.at(-1)).toMatchObject({ protocol: 'v2', outcome: 'skipped' });
        expect((await run(url, { protocol: 'v2' })).passed).toBe(false);
      },
    );
  });
});

describe('a server that breaks the contract fails, and the report says how', () => {
  let calls = 0;
  test.each<[string, RequestListener, string]>([
    ['answers 500', (_, response) => response.writeHead(500).end('oops'), 'status 500, expected 200: oops'],
    [
      'answers in another shape',
      seldonServer((n, asked) => keep(every(n, good.slice(1)), asked)),
      '9 values, expected 10|needs 20 values, 18',
    ],
    [
      'answers fewer rows',
      seldonServer((n, asked) => keep(every(Math.max(0, n - 1), good), asked)),
      'rows came back for',
    ],
    [
      'answers NaN',
      seldonServer((n) => ({ body: `{"meta":{},"data":{"names":[],"ndarray":[${every(n, '[NaN]')}]}}` })),
      'not JSON',
    ],
    [
      'answers null',
      seldonServer((n, asked) => keep(every(n, [null, ...good.slice(1)]), asked)),
      'class:0: null is not a number',
    ],
    [
      'answers out of range',
      seldonServer((n, asked) => keep(every(n, [1.91, -0.99, ...good.slice(2)]), asked)),
      'class:0: 1.91 is above 1',
    ],
    [
      'answers rows that do not sum to 1',
      seldonServer((n, asked) => keep(every(n, every(10, 0.2)), asked)),
      'sum to 2.00000',
    ],
    [
      'answers a tensor with an ndarray',
      seldonServer((n) => keep(every(n, good), {})),
      'asked with tensor, answered with ndarray',
    ],
    [
      'answers with other names',
      seldonServer((n) => ({ body: { data: { names: ['a'], ndarray: every(n, good) }, meta: {} } })),
      'names are "a"',
    ],
    [
      'adds a key that strict clients refuse',
      seldonServer((n) => ({ body: { data: { names, ndarray: every(n, good) }, meta: {}, version: 1 } })),
      'version',
    ],
    [
      'calls JSON something else',
      (_, response) => response.writeHead(200, { 'content-type': 'text/html' }).end('{}'),
      'content type "text/html"',
    ],
    [
      'answers a row otherwise in a batch',
      seldonServer((n, asked) => keep(every(n, n > 1 ? good.toReversed() : good), asked)),
      'another answer than alone',
    ],
    [
      'answers at random',
      seldonServer((n, asked) => keep(every(n, calls++ % 2 ? good.toReversed() : good), asked)),
      'another answer than alone',
    ],
    ['takes what is malformed', acceptsAll(), 'status 200, expected 4xx'],
    [
      'breaks connections off',
      (request, response) => (request.url === '/health/ping' ? response.end() : request.socket.destroy()),
      'no answer',
    ],
    [
      'never answers',
      (request, response) => request.url === '/health/ping' && response.end(),
      'no answer within 0.2 s',
    ],
  ])('%s', async (what, listener, message) => {
    const report = await serveFor(listener, (url) =>
      run(url, what === 'never answers' ? { timeoutMs: 200 } : {}),
    );
    expect(report.passed).toBe(false);
    const notes = report.checks.filter((check) => check.outcome === 'failed').flatMap((check) => check.notes);
    expect(notes.join('\n')).toMatch(new RegExp(message));
  });

  /** A good answer to anything, so that only the checks of refusals can fail. */
  function acceptsAll(): RequestListener {
    return async (request, response) => {
      const body = decodeURIComponent(`${request.url} ${await text(request)}`);
      const rows = Number(/"shape":\[(\d+)/.exec(body)?.[1] ?? body.split('],[').length);
      const asked = body.includes('"tensor"')
        ? { tensor: { shape: [0, 0] as [number, number], values: [] } }
        : {};
      response
        .writeHead(request.url === '/v2' ? 404 : 200, { 'content-type': 'application/json' })
        .end(JSON.stringify(keep(every(rows, good), asked).body));
    };
  }
});

const badFeature = { name: '\u001b[2Jx', ftype: 'categorical' };

describe('without a contract of its own, the test needs one from the server', () => {
  test.each<[string, RequestListener, string]>([
    ['breaks connections off', (request) => request.socket.destroy(), 'no answer'],
    ['never answers', () => {}, 'no answer within 0.2 s'],
    [
      'has one that is none, with codes for the terminal',
      (_, response) => response.end(JSON.stringify({ features: [badFeature], targets: [] })),
      '"\ufffd[2Jx" is categorical: give its values',
    ],
    ['has none', (_, response) => response.writeHead(404).end(), 'answered 404; give the contract'],
  ])('a server that %s is a clear error', async (_, contractJson, message) => {
    const listener: RequestListener = (request, response) =>
      request.url === '/health/ping' ? response.end() : contractJson(request, response);
    const error = await serveFor(listener, (url) =>
      run(url, { contract: undefined, timeoutMs: 200 }).catch((reason: unknown) => reason),
    );
    expect(error).toBeInstanceOf(UserError);
    expect(error).toMatchObject({ message: expect.stringMatching(/^http.*\/contract\.json /) });
    expect(error).toMatchObject({ message: expect.stringContaining(message) });
  });
});

test('what a server says reaches the terminal as text alone', async () => {
  const text = '\u001b[2J\u009b31m\u0007\u202eall is well\u2028pass';
  const report = await serveFor(
    (_, response) => response.writeHead(500).end(text),
    (url) => run(url),
  );
  const shown = renderReport(report);
  expect(shown).toContain('all is well');
  expect(shown.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}]/u);
});

describe('the command', () => {
  const script = join(import.meta.dirname, '../../workflows/contract.ts');

  async function contractCommand(...args: string[]) {
    const child = spawn(process.execPath, ['--import', 'tsx', script, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const [[code], stdout, stderr] = await Promise.all([
      once(child, 'exit'),
      text(child.stdout),
      text(child.stderr),
    ]);
    return { code, stdout, stderr };
  }

  test('exits 0 with a table when all is well, and prints JSON when asked', async () => {
    await using server = await startServer(modelSource());
    const { code, stdout } = await contractCommand(server.url);
    expect(stdout).toContain('pass  seldon  POST /predict, form field json, ndarray');
    expect(stdout).toMatch(/keeps the contract: \d+ checks passed\.\n$/);
    expect(code).toBe(0);
    const json = await contractCommand(server.url, '--json', '--protocol', 'v2');
    expect(JSON.parse(json.stdout)).toMatchObject({ url: server.url, passed: true });
  });

  test('exits 1 with the failures when something is wrong, with the contract from a file', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'slipway-contract-'));
    const file = join(folder, 'contract.json');
    await writeFile(file, JSON.stringify(contract));
    const { code, stdout } = await serveFor(
      (_, response) => response.writeHead(500).end(),
      (url) => contractCommand(url, file),
    );
    expect(code).toBe(1);
    expect(stdout).toContain('FAIL');
    expect(stdout).toContain('does not keep the contract');
    await rm(folder, { recursive: true });
  });

  test.each([
    ['a server that is not there', ['http://127.0.0.1:1'], 1, "can't be reached"],
    ['a number that is none', ['http://127.0.0.1:1', '--batch', '0'], 2, 'from 1 to 1000'],
    [
      'a contract that is not there',
      ['http://127.0.0.1:1', '/nonexistent/contract.json'],
      1,
      "can't be read",
    ],
  ])('%s is a clear error', async (_, args, expected, message) => {
    const { code, stderr } = await contractCommand(...args);
    expect(stderr).toContain(message);
    expect(stderr).not.toMatch(/^\s+at /m);
    expect(code).toBe(expected);
  });
});
