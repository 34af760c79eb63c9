import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';

const script = fileURLToPath(new URL('./train-digits.ts', import.meta.url));
const folders: string[] = [];

afterAll(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true }))));

async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'resume-'));
  folders.push(folder);
  return folder;
}

interface Ended {
  readonly signal: NodeJS.Signals | null;
  readonly lines: readonly string[];
}

/** Trains until it ends, or until `killed` says so of a line that it wrote. */
function train(directory: string, killed: (line: string) => boolean = () => false): Promise<Ended> {
  const child: ChildProcess = spawn(process.execPath, ['--import', 'tsx', script, directory], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const lines: string[] = [];
  let rest = '';
  child.stdout?.on('data', (bytes: Buffer) => {
    const parts = (rest + bytes.toString()).split('\n');
    rest = parts.pop() ?? '';
    for (const line of parts) {
      lines.push(line);
      if (killed(line)) child.kill('SIGKILL');
    }
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (_, signal) => resolve({ signal, lines }));
  });
}

const imagesIn = (line: string): number => Number(/^images (\d+)$/.exec(line)?.[1] ?? 0);
const IMAGES_IN_ALL = 6 * 550;

test('a training that is killed 20 times, anywhere, ends with the bits of one that was not', {
  timeout: 300_000,
}, async () => {
  const whole = await train(await newFolder());
  expect(whole.lines.at(-1)).toMatch(/^trained /);

  const directory = await newFolder();
  const resumed = new Set<string>();
  for (let kill = 0; kill < 20; kill += 1) {
    // Somewhere between the start and a little before the end of all.
    const from = Math.random() * IMAGES_IN_ALL * 0.9;
    let started = -1;
    const { signal, lines } = await train(directory, (line) => {
      if (started < 0 && imagesIn(line) > 0) started = imagesIn(line);
      return imagesIn(line) > Math.min(started + from / 4, IMAGES_IN_ALL * 0.95);
    });
    expect(signal, lines.join('\n')).toBe('SIGKILL');
    const [first = ''] = lines;
    if (first.startsWith('resumed')) resumed.add(first);
  }
  expect(resumed.size).toBeGreaterThan(1);

  const last = await train(directory);
  expect(last.lines[0]).toMatch(/^resumed /);
  expect(last.lines.at(-1)).toBe(whole.lines.at(-1));
});
