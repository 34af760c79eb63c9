import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { request } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { openRegistry } from '../registry/open.ts';
import { draft, features, versionFiles } from './testing/fixture.ts';

const main = join(import.meta.dirname, 'main.ts');
const zeros = JSON.stringify({ data: { ndarray: [new Array(features).fill(0)] } });
const eventSchema = z.looseObject({
  event: z.string().optional(),
  url: z.string().optional(),
  pid: z.int().optional(),
});
type Event = z.infer<typeof eventSchema>;

let folder: string;
const children: ChildProcess[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'slipway-serve-'));
  await openRegistry(folder).publish('mnist', draft(), versionFiles());
});
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** The real process. */
function start(args: string[], env: NodeJS.ProcessEnv = {}) {
  return run(['--import', 'tsx', main, ...args], { env });
}

/** Node with these arguments; `until` waits for the log line of an event. */
function run(args: string[], { env = {}, ipc = false }: { env?: NodeJS.ProcessEnv; ipc?: boolean } = {}) {
  const child = spawn(process.execPath, args, {
    env: { PATH: process.env.PATH, ...env },
    stdio: ['ignore', 'pipe', 'pipe', ...(ipc ? (['ipc'] as const) : [])],
  });
  const { stdout, stderr: errorOutput } = child;
  if (!stdout || !errorOutput) throw new Error('started without its output');
  children.push(child);
  const errorsEnded = once(errorOutput, 'end');
  const exited = once(child, 'exit').then(([code]) => code as number | null);
  let stderr = '';
  errorOutput.on('data', (chunk) => {
    stderr += chunk;
  });
  const lines = createInterface({ input: stdout })[Symbol.asyncIterator]();
  async function until(event: string): Promise<Event> {
    for (;;) {
      const { value, done } = await lines.next();
      if (done) throw new Error(`the process ended before "${event}": ${stderr}`);
      const found = eventSchema.parse(JSON.parse(value));
      if (found.event === event) return found;
    }
  }
  return { child, exited, errorsEnded, until, errors: () => stderr };
}

/** A request that the server has, and waits for the body of. */
async function openRequest(url: string) {
  const predict = request(`${url}/predict`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', expect: '100-continue' },
  });
  predict.flushHeaders();
  await once(predict, 'continue');
  return predict;
}

function answers(url: string): Promise<boolean> {
  return fetch(`${url}/health/ping`).then(
    () => true,
    () => false,
  );
}

test('a version from the registry is served, and the log says where, which and of what data', async () => {
  const { until, child, exited } = start(['--model', 'mnist@1', '--port', '0'], { SLIPWAY_REGISTRY: folder });
  const event = await until('listening');
  expect(event).toMatchObject({ model: 'mnist', version: 1, dataset: 'synthetic-digits', synthetic: true });
  const response = await fetch(`${event.url}/predict`, { method: 'POST', body: zeros });
  expect(response.status).toBe(200);
  child.kill('SIGTERM');
  expect(await exited).toBe(0);
});

test('SIGTERM lets a request in flight end, takes no new ones, and exits 0', async () => {
  const { until, child, exited } = start(['--model', 'mnist@1', '--registry', folder], { PORT: '0' });
  const { url = '' } = await until('listening');
  const predict = await openRequest(url);
  child.kill('SIGTERM');
  await until('draining');
  await expect(fetch(`${url}/health/ping`)).rejects.toThrow();
  predict.end(zeros);
  const [response] = await once(predict, 'response');
  expect(response.statusCode).toBe(200);
  response.resume();
  expect(await exited).toBe(0);
});

test.each([
  ['never sent a request', ''],
  ['sent half of one', 'POST /predict HTTP/1.1\r\nHost: x\r\n'],
])('SIGTERM does not wait for a connection that %s', async (_, sent) => {
  const { until, child, exited } = start(['--model', 'mnist@1', '--registry', folder, '--port', '0']);
  const { url = '' } = await until('listening');
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  await once(socket, 'connect');
  if (sent) socket.write(sent);
  await fetch(`${url}/health/ping`); // the server has seen the connection before this one
  const from = performance.now();
  child.kill('SIGTERM');
  expect(await exited).toBe(0);
  expect(performance.now() - from).toBeLessThan(10_000); // the deadline is 25 s
  socket.destroy();
});

describe('a server started with an IPC channel', () => {
  let server: number | undefined; // a grandchild: killing the parent does not end it, which is the point
  afterEach(() => {
    if (server !== undefined) process.kill(server, 'SIGKILL');
  });

  /** Starts the server and reads its log, as a pipeline does; that pipe breaks with the parent. */
  const parent = `
    const [main, ...args] = process.argv.slice(1);
    const stdio = ['ignore', 'pipe', 'inherit', 'ipc'];
    const { spawn } = require('node:child_process');
    spawn(process.execPath, ['--import', 'tsx', main, ...args], { stdio }).stdout.pipe(process.stdout);`;

  async function startParent() {
    const started = run(['-e', parent, main, '--model', 'mnist@1', '--registry', folder, '--port', '0']);
    const { url = '', pid } = await started.until('listening');
    server = pid;
    return { ...started, url };
  }

  test('ends when its parent is killed', async () => {
    const { child, errorsEnded } = await startParent();
    child.kill('SIGKILL');
    await errorsEnded; // nobody holds that pipe any more: the process is gone
    server = undefined;
  });

  test('lets a request in flight end when its parent is killed', async () => {
    const { child, errorsEnded, url } = await startParent();
    const predict = await openRequest(url);
    child.kill('SIGKILL');
    while (await answers(url)); // until it drains
    predict.end(zeros);
    const [response] = await once(predict, 'response');
    expect(response.statusCode).toBe(200);
    response.resume();
    await errorsEnded;
    server = undefined;
  });

  test('ends by itself when there is nothing to serve', async () => {
    const flags = ['--registry', folder, '--port', '0']; // and mnist@live, which does not exist
    const { exited } = run(['--import', 'tsx', main, ...flags], { ipc: true });
    expect(await exited).toBe(1);
  });
});

test('a second signal does not wait for requests in flight', async () => {
  const { until, child, exited } = start(['--model', 'mnist@1', '--registry', folder, '--port', '0']);
  const { url = '' } = await until('listening');
  const predict = await openRequest(url);
  predict.on('error', () => {}); // cut off by the exit
  child.kill('SIGTERM');
  await until('draining');
  child.kill('SIGTERM');
  expect(await exited).toBe(143);
});

test('an empty variable is one that is not set', async () => {
  const empty = { HOST: '', PORT: '', LOG_LEVEL: '', PREDICTIVE_UNIT_HTTP_SERVICE_PORT: '0' };
  const { until, child } = start(['--model', 'mnist@1', '--registry', folder], empty);
  const { url = '' } = await until('listening');
  const { port } = new URL(url);
  expect((await fetch(`http://127.0.0.1:${port}/health/ping`)).status).toBe(200);
  await expect(fetch(`http://127.0.0.2:${port}/health/ping`)).rejects.toThrow(); // not on every interface
  child.kill('SIGTERM');
});

test.each<[string, string[], NodeJS.ProcessEnv, number, string]>([
  ['an unknown alias', ['--port', '0'], {}, 1, 'live'],
  ['a Seldon port that is none', [], { PREDICTIVE_UNIT_HTTP_SERVICE_PORT: 'x' }, 2, '"x"'],
  ['an empty host', ['--host', ''], {}, 2, 'an address'],
  ['an unknown flag', ['--prot', '1'], {}, 2, '--prot'],
])('%s ends with a clear error and no stack', async (_, args, env, code, message) => {
  const { exited, errors } = start(args, { SLIPWAY_REGISTRY: folder, ...env });
  expect(await exited).toBe(code);
  expect(errors()).toContain(message);
  expect(errors()).not.toMatch(/^\s+at /m);
});
