import { UserError } from '../../cli/errors.ts';

/** What came back, read to its end. */
export interface Reply {
  readonly status: number;
  readonly contentType: string;
  readonly text: string;
}

export interface Request {
  /** Path and query. */
  readonly path: string;
  readonly method: 'GET' | 'POST';
  readonly headers?: Record<string, string>;
  readonly body?: string | URLSearchParams | FormData;
}

/** No answer came: nobody listens, the connection broke, it took too long, or it would not end. */
export class NoAnswer extends Error {
  override readonly name = 'NoAnswer';
}

const maxReplyBytes = 64 * 1024 * 1024;

/** One server, asked with a time limit for each request. */
export class Client {
  readonly url: string;
  readonly #timeoutMs: number;

  constructor(url: string, timeoutMs: number) {
    if (!/^https?:\/\//.test(url) || !URL.canParse(url))
      throw new UserError(`"${url}" is no address; expected one such as http://127.0.0.1:8080`);
    this.url = url.replace(/\/+$/, '');
    this.#timeoutMs = timeoutMs;
  }

  /** @throws NoAnswer */
  async send({ path, ...init }: Request): Promise<Reply> {
    const signal = AbortSignal.timeout(this.#timeoutMs);
    try {
      const response = await fetch(this.url + path, { ...init, signal });
      const contentType = response.headers.get('content-type') ?? '';
      return { status: response.status, contentType, text: await readText(response) };
    } catch (error) {
      if (error instanceof NoAnswer) throw error;
      if (signal.aborted) throw new NoAnswer(`no answer within ${this.#timeoutMs / 1000} s`);
      throw new NoAnswer(`no answer: ${reasonOf(error)}`);
    }
  }

  get(path: string): Promise<Reply> {
    return this.send({ path, method: 'GET' });
  }
}

async function readText(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.length;
    if (size > maxReplyBytes) throw new NoAnswer(`an answer of more than ${maxReplyBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

/** fetch says only "fetch failed"; the cause says why. */
function reasonOf(error: unknown): string {
  const cause = error instanceof Error ? (error.cause ?? error) : error;
  if (!(cause instanceof Error)) return String(cause);
  return cause.message || ('code' in cause ? String(cause.code) : cause.name);
}
