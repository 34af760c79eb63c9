import { readFileSync } from 'node:fs';
import { arch, availableParallelism, cpus, platform, release, totalmem } from 'node:os';
import { env, listSupportedBackends } from 'onnxruntime-node';
import { bestDevice, type Choice, judge } from './choose.ts';
import type { Device, GpuDevice } from './devices.ts';
import { cudaFiles, gpuNames, vulkanDrivers } from './hardware.ts';
import { adviceFor } from './needs.ts';
import { installTensorFlow, isInstalled, tensorflowPackages } from './tensorflow.ts';

/** What this machine has. */
export function examineMachine() {
  return {
    node: process.version,
    system: `${platform()} ${release()} on ${arch()}`,
    cpu: cpus()[0]?.model.trim() || 'unknown',
    /** That this process may use at once. */
    cores: availableParallelism(),
    /** Of the CPU's vector instructions, those that ONNX Runtime uses; null where they can't be seen. */
    vectors: platform() === 'linux' ? vectorInstructions() : null,
    memoryGiB: Math.round((totalmem() / 2 ** 30) * 10) / 10,
    gpus: gpuNames(),
    vulkan: platform() === 'linux' ? vulkanDrivers() : null,
    onnxRuntime: {
      version: env.versions.node ?? 'unknown',
      providers: listSupportedBackends(),
      cudaFiles: cudaFiles(),
    },
  };
}

export interface ExaminedDevice {
  readonly device: Exclude<Device, 'auto'>;
  readonly works: boolean;
  /** How it works, or why it doesn't. */
  readonly found: string;
  /** What to do to have it; empty where it works. */
  readonly advice: string;
}

/** Tries each device that may be there; and what `auto` would take. */
export async function examineDevices(): Promise<{ devices: ExaminedDevice[]; auto: Choice }> {
  return {
    devices: [
      { device: 'cpu', works: true, found: `${availableParallelism()} threads`, advice: '' },
      await examineGpu('webgpu'),
      await examineGpu('cuda'),
      examineTensorFlow(),
    ],
    auto: await bestDevice(),
  };
}

async function examineGpu(device: GpuDevice): Promise<ExaminedDevice> {
  const verdict = await judge(device);
  if (!verdict.works) return { device, works: false, found: verdict.why, advice: adviceFor(device) };
  const { onDevice, onCpu } = verdict.placement;
  const found = `${onDevice} of ${onDevice + onCpu.length} operators of a small training step run on the GPU`;
  return { device, works: true, found, advice: '' };
}

/** Installed is all that is looked at: once loaded, it would be what computes. */
function examineTensorFlow(): ExaminedDevice {
  const installed = tensorflowPackages.find(isInstalled);
  return installed === undefined
    ? { device: 'tensorflow', works: false, found: 'not installed', advice: installTensorFlow }
    : { device: 'tensorflow', works: true, found: `${installed} is installed`, advice: '' };
}

const vectorNames: ReadonlyMap<string, string> = new Map([
  ['avx2', 'AVX2'],
  ['avx512f', 'AVX-512'],
  ['avx512_vnni', 'AVX-512 VNNI'],
  ['amx_tile', 'AMX'],
  ['asimd', 'NEON'],
  ['sve', 'SVE'],
]);

function vectorInstructions(): string[] {
  const flags = /^(?:flags|Features)\s*: (.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1] ?? '';
  return flags.split(' ').flatMap((flag) => vectorNames.get(flag) ?? []);
}
