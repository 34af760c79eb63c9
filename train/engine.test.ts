import { existsSync } from 'node:fs';
import util from 'node:util';
import { add, getBackend } from '@tensorflow/tfjs-core';
import { afterEach, expect, test, vi } from 'vitest';
import { UserError } from '../cli/errors.ts';
import { hasNvidiaGpu } from './device/hardware.ts';
import { isInstalled, tensorflowPackages } from './device/tensorflow.ts';
import { startEngine } from './engine.ts';

afterEach(() => vi.unstubAllEnvs());

const hasTensorFlow = tensorflowPackages.some(isInstalled);

test('the CPU is there everywhere', async () => {
  const { name, line } = await startEngine('cpu');
  expect(name).toBe('cpu');
  expect(line).toMatch(/^ONNX Runtime \d+\.\d+\.\d+ on cpu$/);
  expect(getBackend()).toBe('onnxruntime');
  expect(Array.from(await add([1, 2], 1).data())).toEqual([2, 3]);
});

test.runIf(process.platform === 'linux' && !hasNvidiaGpu())(
  'auto never takes a software renderer, says why in one line, and takes no time where there is no GPU',
  async () => {
    const swiftShader = '/usr/lib/chromium/vk_swiftshader_icd.json';
    vi.stubEnv('VK_DRIVER_FILES', existsSync(swiftShader) ? swiftShader : '/none/lvp_icd.json');
    const started = performance.now();
    const { name, line } = await startEngine('auto');
    expect(performance.now() - started).toBeLessThan(200); // some 2 ms without other work on the machine
    expect(name).toBe('cpu');
    expect(line).toMatch(/ on cpu \(cuda: no NVIDIA GPU; webgpu: no [^\n]+\)$/);
  },
);

test.skipIf(hasNvidiaGpu())('a device that does not work is refused with what to do next', async () => {
  const refused = await startEngine('cuda').catch((error: unknown) => error);
  expect(refused).toBeInstanceOf(UserError);
  expect(String(refused)).toMatch(/The device cuda does not work here: .*\n.*setup:cuda.*\n.*npm run doctor/);
});

test.skipIf(hasTensorFlow)('TensorFlow says how to install it, and gets back what Node removed', async () => {
  const before = Object.getOwnPropertyDescriptor(util, 'isNullOrUndefined');
  if (before !== undefined) Reflect.deleteProperty(util, 'isNullOrUndefined');
  try {
    await expect(startEngine('tensorflow')).rejects.toThrow(
      /neither is installed.\nInstall one: npm install/,
    );
    const { isNullOrUndefined } = util as unknown as Record<string, (value: unknown) => boolean>;
    expect([null, undefined, 0].map((value) => isNullOrUndefined?.(value))).toEqual([true, true, false]);
  } finally {
    if (before !== undefined) Object.defineProperty(util, 'isNullOrUndefined', before);
  }
});
