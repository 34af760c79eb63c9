import { isUtf8 } from 'node:buffer';
import type { IncomingMessage } from 'node:http';
import { Busboy } from '@fastify/busboy';
import type { z } from 'zod';
import { RequestError } from './errors.ts';

/** Lists and objects inside each other; far above what any request needs, far below what overflows a stack. */
const maxJsonDepth = 64;
const maxParts = 20;

/** A part of a multipart form: a file has bytes, a field text in UTF-8. */
export interface Part {
  readonly name: string;
  readonly isFile: boolean;
  readonly content: Buffer;
}

/** @throws RequestError 413 above `limit` bytes, 415 for a compressed body, 400 when the client breaks off. */
export async function readBody(request: IncomingMessage, limit: number): Promise<Buffer> {
  const encoding = request.headers['content-encoding'] ?? 'identity';
  if (encoding !== 'identity')
    throw new RequestError(415, `the body is compressed (${encoding.slice(0, 20)}); send it as it is`);
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    // Not destroyed on leaving: the socket must still carry the answer.
    for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size <= limit) chunks.push(chunk);
      // What is a little too large is read to its end, so that the client sees the answer and not a reset.
      else if (size > 4 * limit) break;
    }
  } catch {
    throw new RequestError(400, 'the request broke off before its body was complete');
  }
  if (size > limit) throw new RequestError(413, `the body is larger than ${limit} bytes`);
  return Buffer.concat(chunks);
}

/** @throws RequestError 400 for what is not JSON in UTF-8, or is nested too deep. */
export function parseJson(bytes: Uint8Array): unknown {
  if (!isUtf8(bytes)) throw new RequestError(400, 'the body is not UTF-8 text; expected JSON');
  if (bytes.length === 0) throw new RequestError(400, 'the body is empty; expected JSON');
  if (depthOf(bytes) > maxJsonDepth)
    throw new RequestError(400, `the JSON is nested deeper than ${maxJsonDepth} levels`);
  try {
    return JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString());
  } catch (error) {
    const reason = error instanceof Error ? error.message.slice(0, 200) : '';
    throw new RequestError(400, `not valid JSON (which has no NaN or Infinity): ${reason}`);
  }
}

/** @throws RequestError 400 naming the first thing that is not as the schema has it. */
export function validate<T>(schema: z.ZodType<T>, json: unknown, expected: string): T {
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const where = issue?.path.length ? `${issue.path.join('.').slice(0, 100)}: ` : '';
  throw new RequestError(400, `expected ${expected}; ${where}${issue?.message}`);
}

const quote = 0x22;
const backslash = 0x5c;

/** How deep lists and objects nest, told from the bytes: parsed JSON would have to be walked recursively. */
function depthOf(bytes: Uint8Array): number {
  let depth = 0;
  let deepest = 0;
  let inString = false;
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i];
    if (inString) {
      if (byte === backslash) i++;
      else if (byte === quote) inString = false;
    } else if (byte === quote) inString = true;
    else if (byte === 0x5b || byte === 0x7b) {
      if (++depth > deepest) deepest = depth;
    } else if (byte === 0x5d || byte === 0x7d) depth--;
  }
  return deepest;
}

/** @throws RequestError 400 for a malformed form or one of more than 20 parts. */
export function parseMultipart(body: Buffer, contentType: string): Promise<Part[]> {
  return new Promise((resolve, reject) => {
    const fail = (reason: unknown) =>
      reject(
        new RequestError(
          400,
          `not a valid multipart form: ${reason instanceof Error ? reason.message : reason}`,
        ),
      );
    const parts: Part[] = [];
    try {
      const form = new Busboy({
        headers: { 'content-type': contentType },
        limits: { parts: maxParts, fieldSize: body.length, headerPairs: 50 },
      });
      form.on('field', (name, value) => parts.push({ name, isFile: false, content: Buffer.from(value) }));
      form.on('file', (name, stream) => {
        const chunks: Buffer[] = [];
        stream.on('data', (chunk: Buffer) => chunks.push(chunk));
        stream.on('error', fail);
        stream.on('end', () => parts.push({ name, isFile: true, content: Buffer.concat(chunks) }));
      });
      form.on('partsLimit', () => fail(`more than ${maxParts} parts`));
      form.on('error', fail);
      form.on('finish', () => resolve(parts));
      form.end(body);
    } catch (error) {
      fail(error); // no boundary in the content type
    }
  });
}
