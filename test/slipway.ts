import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';

const root = fileURLToPath(new URL('..', import.meta.url));

export interface Ended {
  /** Null when the process was killed. */
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

export interface Started {
  readonly ended: Promise<Ended>;
  /** Resolves once standard output holds `text`, or the process has ended. */
  printed(text: string): Promise<void>;
  /** SIGKILL to the process, but not to what it has started. */
  kill(): void;
}

interface StartOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** A command that runs the command, such as `unshare --net`. */
  readonly under?: readonly string[];
}

/** Starts one of the workflow scripts as a user does, but for npm around it. */
export function start(
  script: string,
  flags: readonly string[],
  { env = {}, under = [] }: StartOptions = {},
): Started {
  const [command = process.execPath, ...before] = [...under, process.execPath];
  const child = spawn(command, [...before, '--import', 'tsx', script, ...flags], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...withoutSlipway(process.env), ...env },
  });
  let [out, err] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => {
    out += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    err += chunk.toString();
  });
  const ended = once(child, 'close').then(([code]) => ({ code, out, err }));
  return {
    ended,
    printed: async (text) => {
      const closed = ended.then(() => true);
      while (!out.includes(text)) {
        if ((await Promise.race([once(child.stdout, 'data'), closed])) === true) return;
      }
    },
    kill: () => {
      child.kill('SIGKILL');
    },
  };
}

export function run(script: string, flags: readonly string[], options?: StartOptions): Promise<Ended> {
  return start(script, flags, options).ended;
}

function withoutSlipway(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('SLIPWAY_')));
}

/** A folder that is gone when the block that made it is left. */
export async function temporaryFolder(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'slipway-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

const doneSchema = z.strictObject({
  event: z.literal('done'),
  model: z.string(),
  version: z.int(),
  alias: z.string(),
  metrics: z.looseObject({ accuracy: z.number() }),
  seconds: z.number(),
  stages: z.array(
    z.strictObject({ name: z.string(), outcome: z.enum(['ran', 'cached']), seconds: z.number() }),
  ),
});

/** The last line of `--json`. */
export function doneEvent({ code, out, err }: Ended): z.infer<typeof doneSchema> {
  const last = out.trimEnd().split('\n').at(-1) ?? '';
  if (code !== 0) throw new Error(`exit code ${code}\n${err}\n${out.slice(-2000)}`);
  return doneSchema.parse(JSON.parse(last));
}
