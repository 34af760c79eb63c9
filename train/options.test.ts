import { expect, test } from 'vitest';
import { UsageError } from '../cli/errors.ts';
import { hyperparameters, trainOptions } from './options.ts';

const asked = { preset: 'fast', seed: 1, device: 'auto', threads: 'auto' } as const;

test('what is not chosen is as the preset has it', () => {
  const options = trainOptions({ ...asked, epochs: 7, learningRate: undefined });
  expect(options).toEqual({ ...asked, ...hyperparameters.fast, epochs: 7 });
});

test('as large a part of other epochs is plain, unless that is chosen too', () => {
  const accurate = (chosen: object) => trainOptions({ ...asked, preset: 'accurate', ...chosen }).plainEpochs;
  const { epochs, plainEpochs } = hyperparameters.accurate;
  expect(accurate({})).toBe(plainEpochs);
  expect(accurate({ epochs: epochs * 2 })).toBe(plainEpochs * 2);
  expect(accurate({ epochs: 1 })).toBe(0);
  expect(accurate({ epochs: 1, plainEpochs: 1 })).toBe(1);
});

test('a number of threads goes with the cpu, and with a device that may be it', () => {
  for (const device of ['cpu', 'auto'] as const)
    expect(trainOptions({ ...asked, device, threads: 2 }).threads).toBe(2);
});

test('a number of threads is refused for a GPU, by name', () => {
  for (const device of ['webgpu', 'cuda', 'tensorflow'] as const) {
    const chosen = () => trainOptions({ ...asked, device, threads: 2 });
    expect(chosen).toThrow(UsageError);
    expect(chosen).toThrow(`--threads 2 is for --device cpu, got --device ${device}`);
  }
});
