import { mkdir, open, rm } from 'node:fs/promises';
import { dirname } from 'node:path';

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

/** Makes a folder and those above it that are missing, each of them there after a power cut too. */
export async function makeFolder(folder: string): Promise<void> {
  const first = await mkdir(folder, { recursive: true });
  if (first === undefined) return;
  for (let made = folder; made.length >= first.length; made = dirname(made)) await syncFolder(dirname(made));
}

/** Waits until the names in a folder are on the disk. Windows can't open folders and needs no such step. */
export async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return;
  await using handle = await open(folder, 'r');
  await handle.sync();
}
