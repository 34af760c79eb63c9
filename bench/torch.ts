import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { note } from './print.ts';

export interface Torch {
  /** The command that starts the Python that has it. */
  readonly python: string;
  readonly version: string;
}

/** The first Python's PyTorch, or undefined where there is none: then it is said how to get one. */
export async function findTorch(): Promise<Torch | undefined> {
  for (const python of ['python3', '/usr/bin/python3']) {
    const version = await torchVersion(python);
    if (version !== undefined) return { python, version };
  }
  note(
    'No Python here has PyTorch and NumPy, so there is nothing to compare with. On Debian and Ubuntu: ' +
      'apt install python3-torch libopenblas0-pthread',
  );
  return undefined;
}

async function torchVersion(python: string): Promise<string | undefined> {
  try {
    const script = fileURLToPath(new URL('torch_version.py', import.meta.url));
    const { stdout } = await promisify(execFile)(python, [script]);
    return stdout.trim();
  } catch {
    return undefined; // no such command, or it has no such module
  }
}
