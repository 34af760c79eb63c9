import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { UserError } from '../../cli/errors.ts';
import type { Registry } from '../../registry/registry.ts';
import { defineStage } from '../engine/stage.ts';
import type { PromoteStage } from './promote.ts';

const outputSchema = z.strictObject({ reference: z.string(), checks: z.int().min(1) });

/** For the server to start and all checks to be made, and for the server to end; both take a few seconds. */
const [TIME_LIMIT, DRAIN_LIMIT] = [120_000, 30_000];

const tsx = import.meta.resolve('tsx');
const server = fileURLToPath(new URL('../../serve/main.ts', import.meta.url));
const tester = fileURLToPath(new URL('../../workflows/contract.ts', import.meta.url));

/** Starts the real server on what was promoted, on a free port, runs the contract test against it, and stops it. */
export function smokeStage(needs: { promote: PromoteStage }, registry: Registry) {
  return defineStage({
    name: 'smoke',
    code: import.meta.url,
    needs,
    parameters: {},
    output: outputSchema,
    async run({ inputs: { promote }, signal }) {
      const { model, version } = promote.values;
      const reference = `${model}@${version}`;
      const serving = startServer(reference, registry.store.url);
      const ended = once(serving, 'exit');
      const limit = AbortSignal.any([signal, AbortSignal.timeout(TIME_LIMIT)]);
      try {
        const url = await listeningAt(serving, limit);
        const { $ } = await import('zx'); // slow to load, and a cached run needs none of it
        const test = $({ quiet: true, nothrow: true, signal: limit });
        const { exitCode, stdout, stderr } =
          await test`${process.execPath} --import ${tsx} ${tester} ${url} --json`;
        signal.throwIfAborted();
        if (exitCode !== 0)
          throw new UserError(`${reference} does not keep its contract:\n${stdout}${stderr}`);
        const checks = checksIn(stdout);
        return {
          values: { reference, checks },
          summary: `${reference} served; ${checks} contract checks passed`,
        };
      } finally {
        serving.kill('SIGTERM');
        const stuck = setTimeout(() => serving.kill('SIGKILL'), DRAIN_LIMIT);
        await ended;
        clearTimeout(stuck);
      }
    },
  });
}

function startServer(reference: string, registry: string): ChildProcess {
  const flags = [
    '--model',
    reference,
    '--registry',
    registry,
    '--host',
    '127.0.0.1',
    '--port',
    '0',
    '--log-level',
    'info',
  ];
  // The channel is how the server learns that this process is gone, however it ended.
  return spawn(process.execPath, ['--import', tsx, server, ...flags], {
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
}

const listeningSchema = z.object({ event: z.literal('listening'), url: z.string() });

/** The address that the server logs once it is ready. */
async function listeningAt({ stdout, stderr }: ChildProcess, limit: AbortSignal): Promise<string> {
  if (stdout === null || stderr === null) throw new Error('the server was started without its output');
  const said: string[] = [];
  stderr.on('data', (chunk: Buffer) => said.push(chunk.toString()));
  for await (const line of createInterface({ input: stdout, signal: limit })) {
    const listening = listeningSchema.safeParse(parsed(line));
    if (listening.success) {
      stdout.resume(); // its log goes on, and a full pipe would stop it
      return listening.data.url;
    }
    said.push(`${line}\n`);
  }
  limit.throwIfAborted();
  throw new UserError(`The server did not start:\n${said.join('')}`);
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined; // not every line of a log is JSON
  }
}

function checksIn(report: string): number {
  return z.object({ checks: z.array(z.unknown()) }).parse(JSON.parse(report)).checks.length;
}
