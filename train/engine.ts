import { availableParallelism } from 'node:os';
import { env } from 'onnxruntime-node';
import { useOnnxRuntime } from './backend/register.ts';
import { bestDevice, gpuName, requireDevice } from './device/choose.ts';
import type { Device } from './device/devices.ts';
import { useTensorFlow } from './device/tensorflow.ts';

export interface StartedEngine {
  /** The device that was taken. */
  readonly name: Exclude<Device, 'auto'>;
  /** What it is and why, for people. */
  readonly line: string;
}

/** Makes TensorFlow.js run on `device`; a `UserError` where one that was asked for by name does not work. */
export async function startEngine(device: Device): Promise<StartedEngine> {
  switch (device) {
    case 'auto': {
      const { device: best, why } = await bestDevice();
      return startOnnxRuntime(best, why);
    }
    case 'cpu':
      return startOnnxRuntime(device);
    case 'cuda':
    case 'webgpu':
      await requireDevice(device);
      return startOnnxRuntime(device);
    case 'tensorflow':
      return { name: device, line: `TensorFlow, from ${await useTensorFlow()}` };
    default:
      throw new Error(`no such device: ${device satisfies never}`);
  }
}

async function startOnnxRuntime(name: 'cpu' | 'cuda' | 'webgpu', why = ''): Promise<StartedEngine> {
  await useOnnxRuntime({ threads: availableParallelism(), device: name });
  const notes = [name === 'cpu' ? '' : gpuName(name), why].filter(Boolean).join('; ');
  const version = env.versions.node ?? '';
  return { name, line: `ONNX Runtime ${version} on ${name}${notes === '' ? '' : ` (${notes})`}` };
}
