import { expect, test } from 'vitest';
import { probe } from './probe.ts';

const preloaded = (script: string) => ({
  environment: {
    ...process.env,
    NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(script)}`,
  },
});

test('a driver that crashes is a device that does not work', async () => {
  const verdict = await probe('webgpu', preloaded('process.abort()'));
  expect(verdict).toEqual({ works: false, why: expect.stringContaining('crashed (SIGABRT)') });
});

test('a driver that hangs is a device that does not work', async () => {
  const verdict = await probe('webgpu', { ...preloaded('setInterval(() => {}, 1000)'), limitMs: 300 });
  expect(verdict).toEqual({ works: false, why: 'it did not end within 0.3 s' });
});

const onLinux = test.runIf(process.platform === 'linux' && process.arch === 'x64');

onLinux('where there are no drivers, the reason is one line without places in source files', async () => {
  const verdict = await probe('webgpu', {
    environment: { ...process.env, VK_DRIVER_FILES: '/none.json', VK_ICD_FILENAMES: '/none.json' },
  });
  expect(verdict).toEqual({ works: false, why: expect.stringMatching(/^[^/:]+: [^/:]+$/) });
});
