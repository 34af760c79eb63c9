import { open, readFile, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { UserError } from '../../cli/errors.ts';
import { TransferFailure } from './failure.ts';
import { claimPart } from './parts.ts';
import { transfer, writing } from './transfer.ts';

export interface DownloadProgress {
  readonly file: string;
  readonly receivedBytes: number;
  /** Undefined where the server does not say. */
  readonly totalBytes: number | undefined;
}

export interface DownloadFile {
  /** Its name on every mirror and in the folder. */
  readonly name: string;
  readonly maxBytes: number;
  /** Throws a UserError when the bytes are not what the file should hold. */
  readonly check: (bytes: Uint8Array) => Promise<void>;
}

export interface DownloadOptions {
  /** Base URLs, tried in this order. */
  readonly mirrors: readonly string[];
  readonly folder: string;
  readonly report: (event: DownloadProgress) => void;
  readonly signal?: AbortSignal | undefined;
  readonly limits?: DownloadLimits;
}

export interface DownloadLimits {
  readonly connectMs: number;
  readonly idleMs: number;
  /** Per file and mirror. */
  readonly attempts: number;
  /** Wait before the second attempt; doubled before each later one. */
  readonly backoffMs: number;
}

const defaultLimits: DownloadLimits = { connectMs: 10_000, idleMs: 20_000, attempts: 4, backoffMs: 500 };

/** No mirror gave a file. `reasons` has a line for each that was tried. */
export class DownloadFailed extends Error {
  override readonly name = 'DownloadFailed';
  constructor(
    readonly file: string,
    readonly reasons: readonly string[],
  ) {
    super(`${file} could not be downloaded: ${reasons.join('; ')}`);
  }
}

/**
 * Brings the files into the folder. A file gets its name only when all of its content has been checked and is on
 * disk; what a killed download left behind is gone on from. Several processes may do this at once, each process
 * once at a time.
 * @throws DownloadFailed when no mirror gave a file, UserError when the folder can't be written.
 */
export async function download(files: readonly DownloadFile[], options: DownloadOptions): Promise<void> {
  const unreachable = new Map<string, string>();
  for (const file of files) await downloadFile(file, unreachable, options);
}

/** `unreachable` holds the mirrors that no longer need to be tried, with the reason. */
async function downloadFile(
  file: DownloadFile,
  unreachable: Map<string, string>,
  options: DownloadOptions,
): Promise<void> {
  const reasons: string[] = [];
  for (const mirror of options.mirrors) {
    const reason = unreachable.get(mirror) ?? (await tryMirror(file, mirror, unreachable, options));
    if (reason === undefined) return;
    reasons.push(reason);
  }
  throw new DownloadFailed(file.name, reasons);
}

/** Why the mirror did not give the file; undefined when it did. */
async function tryMirror(
  file: DownloadFile,
  mirror: string,
  unreachable: Map<string, string>,
  options: DownloadOptions,
): Promise<string | undefined> {
  try {
    await fetchFile(file, mirror, options);
    return undefined;
  } catch (error) {
    if (!(error instanceof TransferFailure)) throw error;
    const reason = `${new URL(mirror).host}: ${error.message}`;
    if (error.remedy === 'unreachable') unreachable.set(mirror, reason);
    return reason;
  }
}

async function fetchFile(file: DownloadFile, mirror: string, options: DownloadOptions): Promise<void> {
  const { attempts, backoffMs } = options.limits ?? defaultLimits;
  for (let attempt = 1; ; attempt++) {
    try {
      return await attemptFile(file, mirror, options);
    } catch (error) {
      const mayPass = error instanceof TransferFailure && error.remedy === 'retry';
      if (!mayPass || attempt === attempts) throw error;
      const wait = backoffMs * 2 ** (attempt - 1);
      // Jitter: many machines that lost the same server don't come back in step.
      await sleep(wait * (0.5 + Math.random() / 2), undefined, options.signal && { signal: options.signal });
    }
  }
}

async function attemptFile(file: DownloadFile, mirror: string, options: DownloadOptions): Promise<void> {
  const part = await claimPart(options.folder, file.name);
  const { connectMs, idleMs } = options.limits ?? defaultLimits;
  const resumed = await transfer(`${mirror}${file.name}`, part, {
    connectMs,
    idleMs,
    maxBytes: file.maxBytes,
    onBytes: (receivedBytes, totalBytes) => options.report({ file: file.name, receivedBytes, totalBytes }),
    signal: options.signal,
  });
  const bytes = await readFile(part).catch(() => {
    throw new TransferFailure('what it sent was removed before it could be checked', 'retry');
  });
  try {
    await file.check(bytes);
  } catch (error) {
    await rm(part, { force: true });
    if (!(error instanceof UserError)) throw error;
    // Begun on another mirror, or changed since: the pieces may not belong together. Whole, it may be right.
    throw new TransferFailure(`it sent a wrong file: ${error.message}`, resumed ? 'retry' : 'give-up');
  }
  await writing(part, () => moveIntoPlace(part, join(options.folder, file.name)));
}

async function moveIntoPlace(part: string, path: string): Promise<void> {
  await rename(part, path);
  if (process.platform === 'win32') return; // folders can't be synced there
  await using folder = await open(dirname(path), 'r');
  await folder.sync(); // so that the name outlives a power cut
}

/** Where downloads are kept: `SLIPWAY_CACHE_DIR`, else the XDG cache folder, else `~/.cache/slipway`. */
export function defaultCacheFolder(env: Readonly<Record<string, string | undefined>> = process.env): string {
  if (env.SLIPWAY_CACHE_DIR) return env.SLIPWAY_CACHE_DIR;
  if (env.XDG_CACHE_HOME) return join(env.XDG_CACHE_HOME, 'slipway');
  return join(homedir(), '.cache', 'slipway');
}
