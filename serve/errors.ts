import type { Middleware } from 'koa';
import type { Logger } from 'pino';
import type { RequestState } from './state.ts';

/** A request that can't be answered, with the HTTP status; the message is meant for the client. */
export class RequestError extends Error {
  override readonly name = 'RequestError';
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

/** Turns a failure into the body of a protocol's error answer. */
export type ErrorBody = (status: number, message: string) => Record<string, unknown>;

export const plainError: ErrorBody = (_status, error) => ({ error });

/** Answers every failure below it in one protocol's shape; only a `RequestError` shows its message. */
export function reportErrors(errorBody: ErrorBody, log: Logger): Middleware<RequestState> {
  return async (ctx, next) => {
    try {
      await next();
    } catch (error) {
      const known = error instanceof RequestError;
      if (!known)
        log.error({ err: error, path: ctx.path, requestId: ctx.state.requestId }, 'a request failed');
      const status = known ? error.status : 500;
      if (status === 503) ctx.set('Retry-After', '1');
      if (status === 413) ctx.set('Connection', 'close'); // what is left of the body is not read
      ctx.status = status;
      ctx.body = errorBody(status, known ? error.message : 'internal error; the log has the details');
    }
  };
}
