import { type FileHandle, mkdir, open, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { UserError } from '../../cli/errors.ts';
import { hasCode, TransferFailure } from './failure.ts';

export interface TransferOptions {
  readonly maxBytes: number;
  /** How long a server may take to answer, milliseconds. */
  readonly connectMs: number;
  /** How long a started transfer may bring nothing, milliseconds. */
  readonly idleMs: number;
  readonly onBytes: (received: number, total: number | undefined) => void;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Fetches `url` into the file `part`, going on from what is there when the server can, and syncs it to disk.
 * @returns whether the file was pieced together from two transfers.
 * @throws TransferFailure for anything that lies with the server or the way to it; `part` stays for the next try.
 * @throws UserError when the file can't be written.
 */
export async function transfer(url: string, part: string, options: TransferOptions): Promise<boolean> {
  const watchdog = new Watchdog(options.signal);
  try {
    const have = await sizeOf(part);
    watchdog.expect(options.connectMs, new TransferFailure('it did not answer in time', 'unreachable'));
    const response = await request(url, have, watchdog.signal);
    const { start, total } = await rangeOf(response, have, part);
    await save(response, { part, start, total }, watchdog, options);
    return start > 0;
  } catch (error) {
    options.signal?.throwIfAborted();
    throw error;
  } finally {
    watchdog.stop();
  }
}

/** Aborts its signal when what is expected does not happen in time. */
class Watchdog {
  readonly #stalled = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  readonly signal: AbortSignal;

  constructor(outer: AbortSignal | undefined) {
    this.signal = outer === undefined ? this.#stalled.signal : AbortSignal.any([outer, this.#stalled.signal]);
  }

  expect(ms: number, failure: TransferFailure): void {
    this.stop();
    this.#timer = setTimeout(() => this.#stalled.abort(failure), ms);
  }

  stop(): void {
    clearTimeout(this.#timer);
  }
}

async function sizeOf(part: string): Promise<number> {
  try {
    await using file = await open(part, 'r');
    return (await file.stat()).size;
  } catch {
    return 0;
  }
}

async function request(url: string, have: number, signal: AbortSignal): Promise<Response> {
  // Compressed on the way, the bytes would not be those that the range counts.
  const headers = { 'accept-encoding': 'identity', ...(have > 0 && { range: `bytes=${have}-` }) };
  try {
    return await fetch(url, { headers, signal });
  } catch (error) {
    if (error instanceof TransferFailure || !(error instanceof Error)) throw error;
    const cause = error.cause instanceof Error ? error.cause : error;
    // A name that has no address, a refused connection or a bad certificate stays so; a lost one may come back.
    const lost = hasCode(cause, 'ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET');
    throw new TransferFailure(reasonOf(cause), lost ? 'retry' : 'unreachable');
  }
}

function reasonOf(cause: Error): string {
  if (hasCode(cause, 'ENOTFOUND', 'EAI_AGAIN')) return 'its name has no address here; is there a network?';
  if (hasCode(cause, 'ECONNREFUSED')) return 'the connection was refused';
  return cause.message || String('code' in cause ? cause.code : cause.name);
}

/** Where the response's bytes belong, and how long the file is, where the server says so. */
async function rangeOf(
  response: Response,
  have: number,
  part: string,
): Promise<{ start: number; total: number | undefined }> {
  const { status, headers } = response;
  if (status === 200) {
    const encoded = headers.get('content-encoding') !== null;
    const length = headers.get('content-length');
    return { start: 0, total: length === null || encoded ? undefined : Number(length) };
  }
  const range = /^bytes (\d+)-\d+\/(\d+)$/.exec(headers.get('content-range') ?? '');
  if (status === 206 && have > 0 && range !== null && Number(range[1]) === have)
    return { start: have, total: Number(range[2]) };
  await response.body?.cancel();
  if (status === 206 || status === 416) {
    await rm(part, { force: true });
    throw new TransferFailure('it could not go on from where the last transfer stopped', 'retry');
  }
  const mayPass = status === 408 || status === 429 || status >= 500;
  throw new TransferFailure(`it answered with status ${status}`, mayPass ? 'retry' : 'give-up');
}

interface Destination {
  readonly part: string;
  readonly start: number;
  readonly total: number | undefined;
}

async function save(
  response: Response,
  { part, start, total }: Destination,
  watchdog: Watchdog,
  { idleMs, maxBytes, onBytes }: TransferOptions,
): Promise<void> {
  await using file = await openPart(part, start);
  let received = start;
  const stalled = () => new TransferFailure(`the transfer stalled at ${received} bytes`, 'retry');
  watchdog.expect(idleMs, stalled());
  for await (const chunk of chunksOf(response)) {
    if (received + chunk.length > maxBytes) {
      await rm(part, { force: true });
      throw new TransferFailure(`it sent more than the ${maxBytes} bytes that the file can have`, 'give-up');
    }
    await writing(part, () => writeAll(file, chunk, received));
    received += chunk.length;
    onBytes(received, total);
    watchdog.expect(idleMs, stalled());
  }
  if (total !== undefined && received !== total)
    throw new TransferFailure(`the transfer ended at ${received} of ${total} bytes`, 'retry');
  await writing(part, () => file.sync());
}

async function* chunksOf(response: Response): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of response.body ?? []) yield chunk;
  } catch (error) {
    if (error instanceof TransferFailure || !(error instanceof Error)) throw error;
    throw new TransferFailure(`the transfer broke off (${reasonOf(error)})`, 'retry');
  }
}

/** A single write may take only a part, on a disk that is almost full for one. */
async function writeAll(file: FileHandle, chunk: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < chunk.length; ) {
    const { bytesWritten } = await file.write(chunk, done, chunk.length - done, position + done);
    done += bytesWritten;
  }
}

async function openPart(part: string, start: number): Promise<FileHandle> {
  return await writing(part, async () => {
    await mkdir(dirname(part), { recursive: true });
    return await open(part, start > 0 ? 'r+' : 'w');
  });
}

/** Runs what writes to the cache; a failure there is the user's to put right, and gives the space back. */
export async function writing<T>(part: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    await rm(part, { force: true }).catch(() => undefined);
    const reason = error instanceof Error ? error.message : String(error);
    throw new UserError(
      `The downloaded data can't be kept in ${dirname(part)} (${reason}). Make room there or make it writable, ` +
        'name another cache folder in SLIPWAY_CACHE_DIR, or name a folder that holds the data with --data DIR.',
    );
  }
}
