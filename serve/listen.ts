import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type Koa from 'koa';
import { UserError } from '../cli/errors.ts';
import type { RequestState } from './state.ts';

/** A row of 784 numbers with its column names, percent-encoded in a query, needs more than Node's 16 KiB. */
const maxHeaderSize = 64 * 1024;

export interface Listening {
  readonly url: string;
  /** Ends when the last request in flight is answered, or at the deadline with the rest cut off. */
  close(deadlineMs: number): Promise<void>;
}

/** @throws UserError when the address is taken or not ours. */
export async function listen(app: Koa<RequestState>, port: number, host: string): Promise<Listening> {
  const server = createServer(
    {
      maxHeaderSize,
      headersTimeout: 10_000,
      requestTimeout: 30_000,
      connectionsCheckingInterval: 5_000,
      keepAliveTimeout: 65_000, // longer than the 60 s of most load balancers, which must be the first to close
    },
    app.callback(),
  );
  server.maxConnections = 4096;
  const close = closerOf(server);
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(new UserError(explain(error, port, host))));
    server.listen(port, host, resolve);
  });
  const address = server.address() as AddressInfo;
  return { close, url: `http://${forUrl(host, address)}:${address.port}` };
}

/** An address that a client on this machine can use: none can connect to "any interface". */
function forUrl(host: string, { address, family }: AddressInfo): string {
  if (address === '0.0.0.0' || address === '::') return '127.0.0.1';
  return family === 'IPv6' ? `[${address}]` : host;
}

function explain(error: NodeJS.ErrnoException, port: number, host: string): string {
  if (error.code === 'EADDRINUSE')
    return `Port ${port} on ${host} is taken; give another with --port, or 0 for any free one.`;
  if (error.code === 'EACCES')
    return `Port ${port} needs more rights than this process has; use --port 8080.`;
  return `Can't listen on ${host}:${port}: ${error.message}`;
}

/**
 * Node's closeIdleConnections knows only connections that have had an answer: one that never sent a request, or sent
 * a part of one, would hold the server back until the deadline.
 */
function closerOf(server: Server): Listening['close'] {
  const unanswered = new Map<Socket, Set<ServerResponse>>();
  server.on('connection', (socket) => {
    unanswered.set(socket, new Set());
    socket.once('close', () => unanswered.delete(socket));
  });
  server.on('request', ({ socket }, response) => {
    const waiting = unanswered.get(socket);
    waiting?.add(response);
    response.once('close', () => {
      waiting?.delete(response);
      if (!server.listening && waiting?.size === 0) socket.destroySoon();
    });
  });
  return async (deadlineMs) => {
    const deadline = setTimeout(() => server.closeAllConnections(), deadlineMs);
    const closed = once(server, 'close');
    server.close();
    for (const [socket, waiting] of unanswered) if (waiting.size === 0) socket.destroySoon();
    await closed;
    clearTimeout(deadline);
  };
}
