import { UsageError } from '../../cli/errors.ts';
import type { Device } from './devices.ts';

/**
 * The device to take where the same seed must give the same result: the CPU, which adds in a fixed order.
 * @throws UsageError for a device that doesn't, asked for by name.
 */
export function deterministicDevice(device: Device): 'cpu' {
  if (device === 'auto' || device === 'cpu') return 'cpu';
  throw new UsageError(
    `--deterministic needs the cpu: ${device} adds in no fixed order, so that no two trainings are the same. ` +
      'Leave one of --deterministic and --device out.',
  );
}
