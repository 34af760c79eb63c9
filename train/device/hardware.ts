import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';

/**
 * What can be seen of GPUs and their drivers without opening any: device files, driver files, names. All of it
 * together takes a few milliseconds, and what is not there need not be tried.
 */

/** Names of the GPUs that this process may open. Software renderers are none. */
export function gpuNames(): string[] {
  switch (process.platform) {
    case 'linux':
      return linuxGpus();
    case 'win32':
      return windowsGpus();
    case 'darwin':
      return ['the Metal GPU']; // every Mac that Node runs on has one
    default:
      return [];
  }
}

/** Whether an NVIDIA GPU can be opened (in the Windows Subsystem for Linux: any GPU). */
export function hasNvidiaGpu(): boolean {
  return nvidiaDevices().length > 0 || existsSync('/dev/dxg');
}

function linuxGpus(): string[] {
  const nvidia = nvidiaDevices();
  const models = entries('/proc/driver/nvidia/gpus').map(
    (gpu) => /^Model:\s*(.*)$/m.exec(text(`/proc/driver/nvidia/gpus/${gpu}/information`))?.[1],
  );
  const others = entries('/dev/dri')
    .filter((name) => name.startsWith('renderD'))
    .map((name) => text(`/sys/class/drm/${name}/device/vendor`).trim())
    .filter((vendor) => vendor !== NVIDIA || nvidia.length === 0)
    .map((vendor) => vendors.get(vendor) ?? `a GPU of vendor ${vendor || 'unknown'}`);
  const windows = existsSync('/dev/dxg') ? ['a GPU of the Windows host'] : [];
  return [...nvidia.map((_, i) => models[i] ?? 'an NVIDIA GPU'), ...others, ...windows];
}

const NVIDIA = '0x10de';
const vendors: ReadonlyMap<string, string> = new Map([
  [NVIDIA, 'an NVIDIA GPU'],
  ['0x1002', 'an AMD GPU'],
  ['0x8086', 'an Intel GPU'],
]);

function nvidiaDevices(): string[] {
  return entries('/dev').filter((name) => /^nvidia[0-9]+$/.test(name));
}

/** Display adapters from the registry; a machine without a GPU has one that is drawn by the processor. */
function windowsGpus(): string[] {
  const key = 'HKLM\\SYSTEM\\CurrentControlSet\\Control\\Class\\{4d36e968-e325-11ce-bfc1-08002be10318}';
  try {
    const listed = execFileSync('reg', ['query', key, '/s', '/v', 'DriverDesc'], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'], // it has no right to read some of the keys, and says so
      timeout: 5000,
    });
    return hardwareAdapters(listed);
  } catch (error) {
    const { stdout = '' } = error as { stdout?: string };
    return hardwareAdapters(stdout);
  }
}

function hardwareAdapters(listed: string): string[] {
  const names = [...listed.matchAll(/DriverDesc\s+REG_SZ\s+(.+?)\s*$/gm)].map(([, name = '']) => name);
  return [...new Set(names)].filter((name) => !/basic|hyper-v|remote|virtual|vmware|qxl/i.test(name));
}

/** The files by which Vulkan finds its drivers (Linux). */
export interface VulkanDrivers {
  readonly hardware: readonly string[];
  /** Renderers that run on the processor: SwiftShader, Mesa's llvmpipe. */
  readonly software: readonly string[];
}

const softwareRenderer = /swiftshader|llvmpipe|lavapipe|lvp|mock_icd/i;

/** Looks where the Vulkan loader looks: its document LoaderDriverInterface, "Driver Discovery on Linux". */
export function vulkanDrivers(environment: NodeJS.ProcessEnv = process.env): VulkanDrivers {
  const named = environment.VK_DRIVER_FILES || environment.VK_ICD_FILENAMES;
  const places = named
    ? named.split(':')
    : [environment.VK_ADD_DRIVER_FILES ?? '', ...dataFolders(environment)].flatMap((list) => list.split(':'));
  const files = [...new Set(places.filter(Boolean).flatMap(manifests))];
  const software = files.filter((file) => softwareRenderer.test(file) || softwareRenderer.test(text(file)));
  return { hardware: files.filter((file) => !software.includes(file)), software };
}

function dataFolders(environment: NodeJS.ProcessEnv): string[] {
  const { XDG_CONFIG_HOME, XDG_CONFIG_DIRS, XDG_DATA_HOME, XDG_DATA_DIRS } = environment;
  return [
    XDG_CONFIG_HOME || join(homedir(), '.config'),
    XDG_CONFIG_DIRS || '/etc/xdg',
    '/usr/local/etc:/etc',
    XDG_DATA_HOME || join(homedir(), '.local/share'),
    XDG_DATA_DIRS || '/usr/local/share:/usr/share',
    '/run/opengl-driver/share', // NixOS
  ].flatMap((list) => list.split(':').map((folder) => join(folder, 'vulkan/icd.d')));
}

function manifests(place: string): string[] {
  if (place.endsWith('.json')) return existsSync(place) ? [place] : [];
  return entries(place)
    .filter((name) => name.endsWith('.json'))
    .map((name) => join(place, name));
}

/** Where ONNX Runtime looks for what CUDA needs beyond the npm package, and what of it is not there. */
export function cudaFiles(): { readonly folder: string; readonly missing: readonly string[] } {
  const root = dirname(createRequire(import.meta.url).resolve('onnxruntime-node/package.json'));
  const folder = join(root, 'bin/napi-v6', process.platform, process.arch);
  const names = ['libonnxruntime_providers_shared.so', 'libonnxruntime_providers_cuda.so'];
  return { folder, missing: names.filter((name) => !existsSync(join(folder, name))) };
}

function entries(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    return []; // not there, or not for us: nothing that could be used
  }
}

function text(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
