import { existsSync } from 'node:fs';
import { expect, test } from 'vitest';
import { probe } from './probe.ts';

/** SwiftShader, which computes on the CPU what a GPU would: with Debian's `chromium`, or Google Chrome. */
const swiftShader = ['/usr/lib/chromium', '/opt/google/chrome']
  .map((folder) => `${folder}/vk_swiftshader_icd.json`)
  .find(existsSync);

/** With Debian's `libvulkan1`. */
const vulkanLoader = ['/usr/lib/x86_64-linux-gnu', '/usr/lib64', '/usr/lib']
  .map((folder) => `${folder}/libvulkan.so.1`)
  .find(existsSync);

/** Both round in float32, in another order. */
const TOLERANCE = 1e-4;

const LIMIT_MS = 120_000;

test('training on WebGPU gives the losses that it gives on the CPU', { timeout: LIMIT_MS + 5000 }, async ({
  skip,
}) => {
  if (process.arch !== 'x64') skip("ONNX Runtime's package has WebGPU for Linux on x64 only");
  if (swiftShader === undefined) skip('no SwiftShader: install chromium');
  if (vulkanLoader === undefined) skip('no Vulkan loader: install libvulkan1');
  const environment = { ...process.env, VK_DRIVER_FILES: swiftShader, VK_ICD_FILENAMES: swiftShader };

  const verdict = await probe('webgpu', { environment, limitMs: LIMIT_MS });

  if (!verdict.works) return expect.fail(verdict.why);
  expect(verdict.losses).toHaveLength(3);
  verdict.losses.forEach((loss, step) => {
    expect(Math.abs(loss - (verdict.expected[step] ?? Number.NaN)), `step ${step}`).toBeLessThan(TOLERANCE);
  });
  expect(verdict.losses[2], 'the steps learn').toBeLessThan((verdict.losses[0] ?? 0) / 2);
  expect(verdict.placement.onCpu, 'operators that fall back to the CPU').toEqual([]);
  expect(verdict.placement.onDevice).toBeGreaterThan(20);
});
