import { availableParallelism, cpus, loadavg } from 'node:os';
import { env } from 'onnxruntime-node';

/** Processes that wanted to run, on average over the last minute. */
export function loadNow(): number {
  return Math.round((loadavg()[0] ?? 0) * 100) / 100;
}

/** What the figures hold for, in a line. */
export function machineLine(): string {
  const model = cpus()[0]?.model ?? 'unknown processor';
  return `${model}, ${availableParallelism()} cores; Node ${process.versions.node}, ONNX Runtime ${env.versions.node ?? ''}`;
}
