/** Run by `probe.ts` in a process of its own, with a device's name: tells its parent how the trial went. */
import type { GpuDevice } from './devices.ts';
import type { TrialReport } from './probe.ts';
import { lossesOn, recordTrial } from './trial.ts';

const STEPS = 3;

const trial = await recordTrial();
const expected = await lossesOn('cpu', trial, STEPS);
try {
  const losses = await lossesOn(process.argv[2] as GpuDevice, trial, STEPS);
  report({ expected, losses });
} catch (error) {
  report({ error: error instanceof Error ? error.message : String(error) });
}

function report(trial: TrialReport): void {
  process.send?.(trial, () => process.disconnect());
}
