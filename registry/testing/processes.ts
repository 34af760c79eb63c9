import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const tsx = fileURLToPath(import.meta.resolve('tsx'));

export interface Finished {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly output: string;
  readonly errors: string;
}

export interface Worker {
  kill(): void;
  readonly finished: Promise<Finished>;
}

/** Runs a TypeScript file, or a compiled one, in a process of its own. */
export function runScript(script: URL, args: readonly string[], env: NodeJS.ProcessEnv = {}) {
  const loader = script.pathname.endsWith('.ts') ? ['--import', tsx] : [];
  const child = spawn(process.execPath, [...loader, fileURLToPath(script), ...args], {
    env: { ...process.env, ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let output = '';
  let errors = '';
  child.stdout.on('data', (chunk) => {
    output += chunk;
  });
  child.stderr.on('data', (chunk) => {
    errors += chunk;
  });
  const finished = once(child, 'close').then(
    ([code, signal]): Finished => ({ code, signal, output, errors }),
  );
  return { child, finished };
}

/**
 * Starts a process for each list of arguments and lets them all go at once, when the last has said `ready`. Those
 * that still run at the end of the block are killed.
 */
export async function startTogether(script: URL, args: readonly (readonly string[])[]) {
  const runs = args.map((each) => runScript(script, each));
  await Promise.all(
    runs.map(({ child, finished }) => Promise.race([saysReady(child), endedEarly(finished)])),
  );
  for (const { child } of runs) child.stdin.end('go\n');
  const workers = runs.map(
    ({ child, finished }): Worker => ({
      finished,
      kill: () => child.kill('SIGKILL'),
    }),
  );
  return {
    workers,
    [Symbol.asyncDispose]: async () => {
      for (const { kill } of workers) kill();
      await Promise.all(workers.map(({ finished }) => finished));
    },
  };
}

async function saysReady(child: ChildProcess): Promise<void> {
  if (child.stdout !== null) await once(child.stdout, 'data');
}

async function endedEarly(finished: Promise<Finished>): Promise<void> {
  const { errors } = await finished;
  throw new Error(`a process ended before it was ready: ${errors}`);
}

/** The other side, in the process: waits until all are there. */
export async function readyToGo(): Promise<void> {
  process.stdout.write('ready\n');
  await once(process.stdin, 'data');
}
