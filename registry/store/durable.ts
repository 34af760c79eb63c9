import { mkdir, open, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { hasCode } from './directory-errors.ts';

/** Writes a new file and waits until its content is on the disk; on failure nothing of it is left. */
export async function writeDurably(path: string, body: Uint8Array): Promise<void> {
  try {
    await using file = await open(path, 'wx');
    await file.writeFile(body);
    await file.sync();
  } catch (error) {
    await rm(path, { force: true });
    throw error;
  }
}

/**
 * Makes a folder and those above it that are missing, each of them there after a power cut too. One by one: Node's
 * own recursive form hides why it failed on a read-only file system, and never ends where ENOENT means "no".
 */
export async function makeFolder(folder: string): Promise<void> {
  const missing: string[] = [];
  for (let at = folder; !(await exists(at)); at = dirname(at)) missing.unshift(at);
  for (const each of missing) {
    await mkdir(each).catch((error) => {
      if (!hasCode(error, 'EEXIST')) throw error; // another process was first
    });
    await syncFolder(dirname(each));
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return false;
    throw error;
  }
}

/** Waits until the names in a folder are on the disk. Windows can't open folders and needs no such step. */
export async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return;
  await using handle = await open(folder, 'r');
  await handle.sync();
}
