import { readdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { hasCode } from './failure.ts';

/**
 * The path of this process's unfinished copy of `name`. Each process writes to its own, `<name>.<pid>.part`;
 * what a process that no longer runs left behind is taken over, so that its download goes on where it stopped.
 */
export async function claimPart(folder: string, name: string): Promise<string> {
  const mine = join(folder, partName(name, process.pid));
  for (const left of await readdir(folder).catch(() => [])) {
    const pid = pidOf(left, name);
    if (pid === undefined || isRunning(pid)) continue;
    await rename(join(folder, left), mine).catch(() => undefined); // another process was first
  }
  return mine;
}

function partName(name: string, pid: number): string {
  return `${name}.${pid}.part`;
}

function pidOf(file: string, name: string): number | undefined {
  const pid = Number(file.slice(name.length + 1, -'.part'.length));
  return Number.isInteger(pid) && pid > 0 && file === partName(name, pid) ? pid : undefined;
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return !hasCode(error, 'ESRCH'); // not ours to signal, but there
  }
}
