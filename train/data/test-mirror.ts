import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Answers a request. `body` is the file that was asked for. */
export type Answer = (request: IncomingMessage, response: ServerResponse, body: Buffer) => void;

export interface Mirror extends AsyncDisposable {
  readonly url: string;
  /** `<method> <path> <range>` of each request so far. */
  readonly requests: string[];
}

/**
 * For tests: a real HTTP server that holds `files`. The first request is answered by the first of `answers`, and
 * so on; those after the last are answered well, ranges included.
 */
export async function startMirror(
  files: Readonly<Record<string, Uint8Array>>,
  answers: readonly Answer[] = [],
): Promise<Mirror> {
  const requests: string[] = [];
  const server = createServer((request, response) => {
    const name = request.url?.slice(1) ?? '';
    requests.push(`${name} ${request.headers.range ?? 'whole'}`);
    const body = files[name];
    if (body === undefined) return void response.writeHead(404).end();
    (answers[requests.length - 1] ?? answerWell)(request, response, Buffer.from(body));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/`,
    requests,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

export const answerWell: Answer = (request, response, body) => {
  const start = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
  if (start === 0) return void response.writeHead(200, { 'content-length': body.length }).end(body);
  if (start >= body.length) return void response.writeHead(416).end();
  const range = `bytes ${start}-${body.length - 1}/${body.length}`;
  response.writeHead(206, { 'content-length': body.length - start, 'content-range': range });
  response.end(body.subarray(start));
};

export const answerStatus =
  (status: number): Answer =>
  (_, response) =>
    void response.writeHead(status).end('no');

/** Sends the beginning, then drops the connection. */
export const answerTruncated =
  (bytes: number): Answer =>
  (_, response, body) => {
    response.writeHead(200, { 'content-length': body.length });
    response.write(body.subarray(0, bytes), () => response.destroy());
  };

/** Sends the beginning, then nothing more. */
export const answerStalled =
  (bytes: number): Answer =>
  (_, response, body) => {
    response.writeHead(200, { 'content-length': body.length });
    response.write(body.subarray(0, bytes));
  };

export const answerNothing: Answer = () => {};

export const answerIgnoringRange: Answer = (_, response, body) =>
  void response.writeHead(200, { 'content-length': body.length }).end(body);

export const answerOther =
  (other: Uint8Array): Answer =>
  (request, response) =>
    answerWell(request, response, Buffer.from(other));
