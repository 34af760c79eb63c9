import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { openRegistry } from '../registry/open.ts';
import { draft, features, versionFiles } from './testing/fixture.ts';

const main = join(import.meta.dirname, 'main.ts');
const zeros = JSON.stringify({ data: { ndarray: [new Array(features).fill(0)] } });
const eventSchema = z.looseObject({ event: z.string().optional(), url: z.string().optional() });
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

/** The real process; `until` waits for the log line of an event. */
function start(args: string[], env: NodeJS.ProcessEnv = {}) {
  const child = spawn(process.execPath, ['--import', 'tsx', main, ...args], {
    env: { PATH: process.env.PATH, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  children.push(child);
  const exited = once(child, 'exit').then(([code]) => code as number | null);
  let stderr = '';
  child.stderr.on('data', (chunk) => {
    stderr += chunk;
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  async function until(event: string): Promise<Event> {
    for (;;) {
      const { value, done } = await lines.next();
      if (done) throw new Error(`the process ended before "${event}": ${stderr}`);
      const found = eventSchema.parse(JSON.parse(value));
      if (found.event === event) return found;
    }
  }
  return { child, exited, until, errors: () => stderr };
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
  const predict = request(`${url}/predict`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', expect: '100-continue' },
  });
  predict.flushHeaders();
  await once(predict, 'continue'); // the server has the request and waits for its body
  child.kill('SIGTERM');
  await until('draining');
  await expect(fetch(`${url}/health/ping`)).rejects.toThrow();
  predict.end(zeros);
  const [response] = await once(predict, 'response');
  expect(response.statusCode).toBe(200);
  response.resume();
  expect(await exited).toBe(0);
});

test('a second signal does not wait for requests in flight', async () => {
  const { until, child, exited } = start(['--model', 'mnist@1', '--registry', folder, '--port', '0']);
  const { url = '' } = await until('listening');
  const predict = request(`${url}/predict`, { method: 'POST', headers: { expect: '100-continue' } });
  predict.on('error', () => {}); // cut off by the exit
  predict.flushHeaders();
  await once(predict, 'continue');
  child.kill('SIGTERM');
  await until('draining');
  child.kill('SIGTERM');
  expect(await exited).toBe(143);
});

test.each<[string, string[], NodeJS.ProcessEnv, number, string]>([
  ['an unknown alias', ['--port', '0'], {}, 1, 'live'],
  ['a Seldon port that is none', [], { PREDICTIVE_UNIT_HTTP_SERVICE_PORT: 'x' }, 2, '"x"'],
  ['an unknown flag', ['--prot', '1'], {}, 2, '--prot'],
])('%s ends with a clear error and no stack', async (_, args, env, code, message) => {
  const { exited, errors } = start(args, { SLIPWAY_REGISTRY: folder, ...env });
  expect(await exited).toBe(code);
  expect(errors()).toContain(message);
  expect(errors()).not.toMatch(/^\s+at /m);
});
