import { UserError } from '../../cli/errors.ts';
import type { GpuDevice } from './devices.ts';
import { gpuNames } from './hardware.ts';
import { adviceFor, missingFor, withoutSoftwareRenderers } from './needs.ts';
import { probe, type Verdict } from './probe.ts';

export interface Choice {
  readonly device: 'cpu' | GpuDevice;
  /** Why nothing better was taken; empty where there was nothing better, or no choice. */
  readonly why: string;
}

/** What `auto` tries before the CPU, the better one first. */
export const gpuDevices = ['cuda', 'webgpu'] as const;

/**
 * Takes the best device that has trained a tiny network here with the right numbers, and no software renderer.
 * Where Vulkan has both kinds of drivers, the environment of this process comes to name the GPUs' alone.
 */
export async function bestDevice(): Promise<Choice> {
  const refused: string[] = [];
  for (const device of gpuDevices) {
    const verdict = await judge(device);
    if (verdict.works) {
      if (device === 'webgpu') Object.assign(process.env, withoutSoftwareRenderers());
      return { device, why: refused.join('; ') };
    }
    refused.push(`${device}: ${verdict.why}`);
  }
  return { device: 'cpu', why: refused.join('; ') };
}

/** Throws a `UserError` where `device` does not work. A software renderer will do: whoever names it wants it. */
export async function requireDevice(device: GpuDevice): Promise<void> {
  const verdict = await (device === 'webgpu' ? once('webgpu by name', () => probe(device)) : judge(device));
  if (verdict.works) return;
  const missing = missingFor(device);
  const why = missing === undefined || missing === verdict.why ? verdict.why : `${missing} (${verdict.why})`;
  throw new UserError(
    `The device ${device} does not work here: ${why}.\n` +
      `It was to do a few steps of training with the same numbers as the CPU. ${adviceFor(device)}\n` +
      '`npm run doctor` shows what this machine has. The device auto takes the best that works.',
  );
}

/** Whether `auto` may take `device`. What is plainly not there is not tried. */
export function judge(device: GpuDevice): Promise<Verdict> {
  return once(device, async () => {
    const missing = missingFor(device);
    if (missing !== undefined) return { works: false, why: missing };
    return probe(device, { environment: { ...process.env, ...withoutSoftwareRenderers() } });
  });
}

/** What `device` computes with, by name; several names where it is not known which of them. */
export function gpuName(device: GpuDevice): string {
  if (device === 'cuda') return gpuNames()[0] ?? 'a GPU';
  return missingFor(device) === undefined ? gpuNames().join(' or ') : 'a software renderer';
}

const verdicts = new Map<string, Promise<Verdict>>();

/** A machine does not change under a process: what was tried is not tried again. */
function once(key: string, find: () => Promise<Verdict>): Promise<Verdict> {
  const known = verdicts.get(key) ?? find();
  verdicts.set(key, known);
  return known;
}
