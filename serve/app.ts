import { randomUUID } from 'node:crypto';
import Router from '@koa/router';
import Koa, { type Context, type Middleware } from 'koa';
import type { Logger } from 'pino';
import { plainError, reportErrors } from './errors.ts';
import { indexRoutes } from './index-page.ts';
import type { Metrics } from './metrics.ts';
import { imageRoutes } from './protocols/image.ts';
import { seldonRoutes } from './protocols/seldon.ts';
import { v2Routes } from './protocols/v2.ts';
import type { Limits, RequestState, Serving } from './state.ts';

export interface AppDeps {
  readonly serving: Serving;
  readonly metrics: Metrics;
  readonly log: Logger;
  readonly limits: Limits;
}

/** Builds the app; listening, signals and loading live in main.ts. */
export function createApp(deps: AppDeps): Koa<RequestState> {
  const app = new Koa<RequestState>();
  app.on('error', (err) => deps.log.debug({ err }, 'a connection broke')); // the client went away
  app.use(deps.metrics.middleware);
  app.use(refuseBadTargets);
  app.use(identify(deps.log));
  app.use(closeWhenDraining(deps.serving));
  app.use(explainRefusals);
  app.use(reportErrors(plainError, deps.log));
  // Routers of their own, so that each protocol's error shape stays within it.
  for (const routes of [indexRoutes, seldonRoutes, v2Routes, imageRoutes]) app.use(routes(deps).routes());
  app.use(new Router<RequestState>().allowedMethods());
  return app;
}

/** Node takes request targets that no path can be read from, such as http://[/; what follows relies on one. */
const refuseBadTargets: Middleware<RequestState> = async (ctx, next) => {
  if (hasPath(ctx)) return next();
  ctx.status = 400;
  ctx.body = { error: `expected a path such as /predict, got ${ctx.url.slice(0, 200)}` };
};

function hasPath(ctx: Context): boolean {
  try {
    return typeof ctx.path === 'string';
  } catch {
    return false;
  }
}

/** A caller's request id is kept, so that its log and ours can be read side by side. */
function identify(log: Logger): Middleware<RequestState> {
  return async (ctx, next) => {
    const given = ctx.get('x-request-id');
    ctx.state.requestId = /^[\w.:-]{1,100}$/.test(given) ? given : randomUUID();
    ctx.set('X-Request-Id', ctx.state.requestId);
    await next();
    const { requestId, rows } = ctx.state;
    log.debug({ requestId, method: ctx.method, path: ctx.path, status: ctx.status, rows }, 'answered');
  };
}

/** A connection kept open would hold the process back from ending. */
function closeWhenDraining(serving: Serving): Middleware<RequestState> {
  return async (ctx, next) => {
    await next();
    if (serving.draining) ctx.set('Connection', 'close');
  };
}

/** Paths and methods that no route takes. */
const explainRefusals: Middleware<RequestState> = async (ctx, next) => {
  await next();
  if (ctx.body) return;
  const { status } = ctx;
  if (status === 404)
    ctx.body = { error: `nothing is served at ${ctx.path.slice(0, 200)}; GET / lists what is` };
  else if (status === 405 || status === 501)
    ctx.body = { error: `${ctx.method} is not allowed here; allowed: ${ctx.response.get('Allow')}` };
  else return;
  ctx.status = status; // setting a body would turn it into 200
};
