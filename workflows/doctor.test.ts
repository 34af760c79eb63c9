import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { devices } from '../train/device/devices.ts';

const doctor = fileURLToPath(new URL('./doctor.ts', import.meta.url));
const environment = { ...process.env, VK_DRIVER_FILES: '/none.json', VK_ICD_FILENAMES: '/none.json' };

async function run(...flags: string[]): Promise<string> {
  const args = ['--import', import.meta.resolve('tsx'), doctor, ...flags];
  const { stdout } = await promisify(execFile)(process.execPath, args, { env: environment });
  return stdout;
}

test('the doctor has a paragraph for each device and says what auto would take', async () => {
  const text = await run();
  for (const device of devices.filter((name) => name !== 'auto'))
    expect(text).toMatch(new RegExp(`^[✓✗] ${device} `, 'm'));
  expect(text).toMatch(/^CPU {12}.*\d+ cores/m);
  expect(text).toMatch(/^auto takes {5}(cpu|webgpu|cuda)/m);
});

test('with --json, all that it knows is one object', async () => {
  expect(JSON.parse(await run('--json'))).toMatchObject({
    machine: { node: process.version, onnxRuntime: { version: expect.stringMatching(/^\d/) } },
    devices: expect.arrayContaining([{ device: 'cpu', works: true, found: expect.anything(), advice: '' }]),
    auto: { device: expect.stringMatching(/cpu|webgpu|cuda/) },
  });
});
