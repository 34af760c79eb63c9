import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const PATIENCE = 120_000; // for a busy machine

/** What a benchmark prints with `--json`, each line parsed. */
async function bench(...args: readonly string[]): Promise<unknown[]> {
  const main = fileURLToPath(new URL('main.ts', import.meta.url));
  const child = spawn(process.execPath, ['--import', 'tsx', main, ...args, '--json'], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [out, err]: [string[], string[]] = [[], []];
  child.stdout.on('data', (chunk) => out.push(String(chunk)));
  child.stderr.on('data', (chunk) => err.push(String(chunk)));
  const [code] = await once(child, 'close');
  expect(code, err.join('')).toBe(0);
  return out
    .join('')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
}

const load = [expect.any(Number), expect.any(Number)];

test(
  'without PyTorch, training is measured alone, a record for each setting',
  async () => {
    const tiny = ['--preset', 'seed', '--batch', '4,8', '--rounds', '1', '--seconds', '0.1'];
    const records = await bench('train', '--no-peer', ...tiny);
    expect(records).toEqual(
      [4, 8].map((batch) => ({
        bench: 'train',
        preset: 'seed',
        batch,
        ratio: null,
        imagesPerSecond: expect.any(Number),
        peerImagesPerSecond: null,
        peer: null,
        share: expect.any(Number),
        rounds: 1,
        load,
      })),
    );
  },
  PATIENCE,
);

test(
  'steps are measured in both ways of training, with memory at ten marks',
  async () => {
    const tiny = ['--preset', 'seed', '--batch', '4', '--rounds', '1', '--steps', '20'];
    const records = await bench('steps', ...tiny);
    const marks = Array.from({ length: 10 }, () => expect.any(Number));
    expect(records).toEqual(
      ['trainer', 'layers-api'].map((path) => ({
        bench: 'steps',
        path,
        preset: 'seed',
        batch: 4,
        stepMs: expect.any(Number),
        nativeMs: expect.any(Number),
        overhead: expect.any(Number),
        firstStepMs: expect.any(Number),
        steps: 20,
        residentMB: marks,
        tensors: marks,
        rounds: 1,
        load,
      })),
    );
  },
  PATIENCE,
);

test('a network that is not there is wrong usage', async () => {
  await expect(bench('train', '--preset', 'large')).rejects.toThrow(/default, seed, mnist-node/);
});
