import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { vulkanDrivers } from './hardware.ts';

const folder = mkdtempSync(join(tmpdir(), 'slipway-vulkan-'));
afterAll(() => rmSync(folder, { recursive: true }));

function driver(file: string, library: string): string {
  const path = join(folder, file);
  mkdirSync(join(path, '..'), { recursive: true });
  writeFileSync(path, JSON.stringify({ ICD: { library_path: library, api_version: '1.3.0' } }));
  return path;
}

const nvidia = driver('share/vulkan/icd.d/nvidia_icd.json', 'libGLX_nvidia.so.0');
const lavapipe = driver('share/vulkan/icd.d/lvp_icd.x86_64.json', '/usr/lib/libvulkan_lvp.so');
const unnamed = driver('elsewhere/icd.json', './libvk_swiftshader.so');

describe('Vulkan drivers', () => {
  test('are found where the loader looks, and software renderers are told from GPUs', () => {
    const found = vulkanDrivers({ XDG_DATA_DIRS: join(folder, 'share') });
    expect(found.hardware).toContain(nvidia);
    expect(found.software).toContain(lavapipe);
  });

  test.each(['VK_DRIVER_FILES', 'VK_ICD_FILENAMES'])('named in %s are the only ones', (variable) => {
    const found = vulkanDrivers({ [variable]: `${nvidia}:${unnamed}:/none.json` });
    expect(found).toEqual({ hardware: [nvidia], software: [unnamed] });
  });

  test('may be named by their folder', () => {
    const found = vulkanDrivers({ VK_DRIVER_FILES: join(folder, 'share/vulkan/icd.d') });
    expect(found).toEqual({ hardware: [nvidia], software: [lavapipe] });
  });
});
