import { expect, test } from 'vitest';
import { UsageError } from '../cli/errors.ts';
import { hyperparameters, trainOptions } from './options.ts';

const plain = { preset: 'fast', seed: 1, device: 'auto', threads: 'auto' } as const;

test('what is not chosen is as the preset has it', () => {
  const options = trainOptions({ ...plain, epochs: 7, learningRate: undefined });
  expect(options).toEqual({ ...plain, ...hyperparameters.fast, epochs: 7 });
});

test('a number of threads goes with the cpu, and with a device that may be it', () => {
  for (const device of ['cpu', 'auto'] as const)
    expect(trainOptions({ ...plain, device, threads: 2 }).threads).toBe(2);
});

test('a number of threads is refused for a GPU, by name', () => {
  for (const device of ['webgpu', 'cuda', 'tensorflow'] as const) {
    const chosen = () => trainOptions({ ...plain, device, threads: 2 });
    expect(chosen).toThrow(UsageError);
    expect(chosen).toThrow(`--threads 2 is for --device cpu, got --device ${device}`);
  }
});
