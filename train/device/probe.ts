import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { GpuDevice } from './devices.ts';

const tsx = import.meta.resolve('tsx');
const child = fileURLToPath(new URL('./probe-child.ts', import.meta.url));

/** Long enough for the first use of a driver, which may compile for many seconds. */
const LIMIT_MS = 60_000;

/** The GPU rounds otherwise than the CPU (NVIDIA's TF32 has 10 bits); wrong numbers are far off. */
const TOLERANCE = 0.01;

/** How a small training went on a device. */
export type Verdict = Works | Fails;

export interface Works {
  readonly works: true;
  /** The losses of its steps, and what the CPU gave. */
  readonly losses: readonly number[];
  readonly expected: readonly number[];
  readonly placement: Placement;
}

export interface Fails {
  readonly works: false;
  /** In words that can stand in a sentence. */
  readonly why: string;
}

/** Where ONNX Runtime placed the operators of a step. */
export interface Placement {
  readonly onDevice: number;
  /** The kinds of those that the device's provider lacks; each costs a copy there and back. */
  readonly onCpu: readonly string[];
}

export type TrialReport =
  | { readonly expected: number[]; readonly losses: number[] }
  | { readonly error: string };

/**
 * Trains a tiny network on `device` and compares with the CPU, in a process of its own: a driver that crashes or
 * hangs is a device that does not work, and no more.
 */
export async function probe(
  device: GpuDevice,
  { environment = process.env, limitMs = LIMIT_MS } = {},
): Promise<Verdict> {
  const { report, log, end } = await runTrial(device, environment, limitMs);
  if (report === undefined) return { works: false, why: [end, ...uncaught(log)].join(': ') };
  if ('error' in report) return { works: false, why: plainReason(report.error, log) };
  if (end !== '') return { works: false, why: `it computed, but ${end}` };

  const { losses, expected } = report;
  const placement = placementIn(log);
  const wrong = losses.some((loss, i) => !(Math.abs(loss - (expected[i] ?? Number.NaN)) <= TOLERANCE));
  if (wrong) return { works: false, why: `it computes wrongly: losses ${losses}, on the CPU ${expected}` };
  if (placement.onDevice === 0) return { works: false, why: 'everything was computed on the CPU' };
  return { works: true, losses, expected, placement };
}

interface Ended {
  readonly report: TrialReport | undefined;
  readonly log: string;
  /** What was wrong with its end; empty when nothing was. */
  readonly end: string;
}

function runTrial(device: GpuDevice, environment: NodeJS.ProcessEnv, limitMs: number): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const trial = fork(child, [device], {
      execArgv: ['--import', tsx],
      env: environment,
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    let report: TrialReport | undefined;
    let log = '';
    let late = false;
    const limit = setTimeout(() => {
      late = true;
      trial.kill('SIGKILL');
    }, limitMs);
    trial.stderr?.on('data', (chunk: Buffer) => {
      log += chunk.toString();
    });
    trial.on('message', (message) => {
      report = message as TrialReport;
    });
    trial.on('error', reject);
    trial.on('close', (code, signal) => {
      clearTimeout(limit);
      resolve({
        report,
        log,
        end: late ? `it did not end within ${limitMs / 1000} s` : badEnd(code, signal),
      });
    });
  });
}

function badEnd(code: number | null, signal: NodeJS.Signals | null): string {
  if (signal !== null) return `its process crashed (${signal})`;
  return code === 0 ? '' : `its process ended with code ${code}`;
}

/** The last session's placement. A log names the operators of each place only where there are several places. */
function placementIn(log: string): Placement {
  const lines = log.slice(log.lastIndexOf('Node placements')).split('\n');
  let onDevice = 0;
  let provider = '';
  const onCpu: string[] = [];
  for (const line of lines) {
    const [, where, count] = /placed on \[(\w+)\]. Number of nodes: (\d+)/.exec(line) ?? [];
    const [, operator] = /VerifyEachNodeIsAssignedToAnEp\] +(\w+) \(/.exec(line) ?? [];
    if (where !== undefined) provider = where;
    if (count !== undefined && provider !== CPU) onDevice += Number(count);
    if (operator !== undefined && provider === CPU) onCpu.push(operator);
  }
  return { onDevice, onCpu };
}

const CPU = 'CPUExecutionProvider';

function uncaught(log: string): readonly string[] {
  return /^\w*Error[^:\n]*: (.*)$/m.exec(log)?.slice(1) ?? [];
}

/** What was the matter, out of messages that begin with places in C++ files; the log knows of missing libraries. */
function plainReason(error: string, log: string): string {
  const missingLibrary = /Failed to load library .* with error: (.*)/.exec(log)?.[1];
  const said = missingLibrary ?? error.replace(/^.* was false\. /s, '');
  return said.trim().split('\n', 1).join('').slice(0, 200);
}
