import Router from '@koa/router';
import { datasetLabel } from '../registry/manifest.ts';
import type { AppDeps } from './app.ts';
import type { RequestState } from './state.ts';

/** What is served here and where, the contract that callers test against, and the metrics. */
export function indexRoutes({ serving, metrics }: AppDeps): Router<RequestState> {
  const router = new Router<RequestState>();

  router.get('/', (ctx) => {
    const manifest = serving.model?.manifest;
    const model = manifest?.model ?? 'MODEL';
    ctx.body = {
      service: 'slipway',
      ready: serving.ready,
      ...(manifest && {
        model,
        version: manifest.version,
        dataset: { name: datasetLabel(manifest.dataset), synthetic: manifest.dataset.synthetic },
        metrics: manifest.metrics,
        signature: manifest.signature,
      }),
      endpoints: {
        seldon: ['/predict', '/api/v1.0/predictions', '/send-feedback', '/metadata', '/seldon.json'],
        v2: ['/v2', `/v2/models/${model}`, `/v2/models/${model}/infer`],
        image: ['/classify'],
        health: ['/health/ping', '/health/status', '/v2/health/live', '/v2/health/ready'],
        other: ['/contract.json', '/metrics'],
      },
    };
  });

  router.get('/contract.json', (ctx) => {
    ctx.body = Buffer.from(serving.loaded.contractFile);
    ctx.type = 'application/json';
  });

  router.get('/metrics', async (ctx) => {
    ctx.set('Content-Type', metrics.registry.contentType);
    ctx.body = await metrics.registry.metrics();
  });

  return router;
}
