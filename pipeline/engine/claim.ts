import { randomUUID } from 'node:crypto';
import { mkdir, readdir, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { hasCode, ignoring } from '../../registry/store/directory-errors.ts';

/** How often a holder says that it is there, and for how long it is believed to be when it no longer does. */
const heartbeatMs = 20_000;
const believedMs = 9 * heartbeatMs;

/** The claims that this process holds: after a restart in a container another process may have had our number. */
const ours = new Set<string>();

/**
 * A claim on something that one process may use at a time: a file `<host>.<process>.<id>` in a folder of claims,
 * touched as long as its process lives. All is in the name, so that a claim is never half there.
 *
 * Whoever wants one makes its file first and then looks for others: of two at once each sees the other, and neither
 * gets it; never both. A holder that was killed is known by its process being gone, on another machine by its silence.
 */
export class Claim implements AsyncDisposable {
  readonly #path: string;
  readonly #name: string;
  readonly #heartbeat: NodeJS.Timeout;

  private constructor(folder: string, name: string) {
    this.#path = join(folder, name);
    this.#name = name;
    ours.add(name);
    const touch = () => utimes(this.#path, new Date(), new Date()).catch(() => undefined); // it may be gone
    this.#heartbeat = setInterval(touch, heartbeatMs).unref();
  }

  /** Undefined if somebody else holds it. The claims of those who are gone are removed on the way. */
  static async make(folder: string): Promise<Claim | undefined> {
    await mkdir(folder, { recursive: true });
    const name = `${host()}.${process.pid}.${randomUUID()}`;
    const claim = new Claim(folder, name);
    try {
      await writeFile(join(folder, name), '', { flag: 'wx' });
      const others = (await readdir(folder)).filter((other) => other !== name);
      for (const other of others) {
        if (await isHeld(folder, other)) {
          await claim[Symbol.asyncDispose]();
          return undefined;
        }
      }
      for (const gone of others) await rm(join(folder, gone), { force: true });
      return claim;
    } catch (error) {
      await claim[Symbol.asyncDispose]();
      if (hasCode(error, 'ENOENT')) return undefined; // the folder went, with its holder's work done
      throw error;
    }
  }

  /** Stops saying that it is there; the file stays. */
  abandon(): void {
    clearInterval(this.#heartbeat);
    ours.delete(this.#name);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.abandon();
    await rm(this.#path, { force: true });
  }
}

/** Whether somebody holds a claim there, and when anybody last did, in ms since 1970: 0 where there is no such folder. */
export async function lookAtClaims(folder: string): Promise<{ held: boolean; lastUsedMs: number }> {
  let held = false;
  let lastUsedMs = (await ignoring(['ENOENT'], stat(folder)))?.mtimeMs ?? 0;
  for (const name of (await ignoring(['ENOENT'], readdir(folder))) ?? []) {
    lastUsedMs = Math.max(lastUsedMs, (await ignoring(['ENOENT'], stat(join(folder, name))))?.mtimeMs ?? 0);
    held ||= await isHeld(folder, name);
  }
  return { held, lastUsedMs };
}

async function isHeld(folder: string, name: string): Promise<boolean> {
  const stats = await ignoring(['ENOENT'], stat(join(folder, name)));
  if (stats === undefined || Date.now() - stats.mtimeMs > believedMs) return false;
  const [claimHost, claimProcess] = name.split('.');
  if (claimHost !== host()) return true;
  return Number(claimProcess) === process.pid ? ours.has(name) : isRunning(Number(claimProcess));
}

function isRunning(processId: number): boolean {
  try {
    process.kill(processId, 0);
    return true;
  } catch (error) {
    return hasCode(error, 'EPERM'); // it is there, and somebody else's
  }
}

function host(): string {
  return hostname().replaceAll(/[^\w-]/g, '-');
}
