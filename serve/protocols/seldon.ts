import Router, { type RouterContext } from '@koa/router';
import { targetNames } from '../../registry/contract.ts';
import { datasetLabel } from '../../registry/manifest.ts';
import type { TensorSpec } from '../../registry/signature.ts';
import type { AppDeps } from '../app.ts';
import { type ErrorBody, RequestError, reportErrors } from '../errors.ts';
import type { LoadedModel } from '../model.ts';
import type { RequestState } from '../state.ts';
import {
  fromFlat,
  fromNested,
  nestedShape,
  rowWidth,
  sizeOf,
  type Tensor,
  toFlat,
  toNested,
} from '../tensor.ts';
import { modelMetadata } from './metadata.ts';
import { parseFeedback, parseMessage, readMessage, type SeldonMessage } from './seldon-message.ts';
import { openApi } from './seldon-openapi.ts';

/**
 * Seldon Core v1 over REST, as its Python wrapper speaks it (python/seldon_core/wrapper.py, v1.17.1). Its clients
 * parse answers strictly, so facts of ours go into `meta.tags` and nowhere else.
 */
export function seldonRoutes({ serving, metrics, log, limits }: AppDeps): Router<RequestState> {
  const router = new Router<RequestState>();
  router.use(reportErrors(seldonError, log));

  async function predict(ctx: RouterContext<RequestState>) {
    ctx.state.protocol = 'seldon';
    const model = serving.loaded;
    const message = parseMessage(await readMessage(ctx.req, ctx.query.json, limits));
    const { input, output } = mainTensors(model);
    const tensor = decode(input, message.data, limits.rows);
    const answer = (await model.predict({ [input.name]: tensor }))[output.name];
    if (!answer) throw new Error(`the model gave no output "${output.name}"`);
    ctx.body = { data: encode(model, answer, message.data), meta: metaOf(model, message) };
    ctx.state.rows = tensor.shape[0] ?? 1;
  }

  async function feedback(ctx: RouterContext<RequestState>) {
    ctx.state.protocol = 'seldon';
    const { reward = 0 } = parseFeedback(await readMessage(ctx.req, ctx.query.json, limits));
    metrics.feedback(reward);
    ctx.body = { meta: {} };
  }

  router.get('/predict', predict);
  router.post(['/predict', '/api/v1.0/predictions', '/api/v0.1/predictions'], predict);
  router.get('/send-feedback', feedback);
  router.post(['/send-feedback', '/api/v1.0/feedback', '/api/v0.1/feedback'], feedback);

  router.get('/health/ping', (ctx) => {
    ctx.body = 'pong';
  });
  router.get(['/health/status', '/api/v1.0/health/status'], (ctx) => {
    if (!serving.ready) throw new RequestError(503, 'not ready');
    ctx.body = { meta: {}, strData: 'healthy' };
  });
  router.get(['/metadata', '/api/v1.0/metadata'], (ctx) => {
    const { manifest } = serving.loaded;
    ctx.body = { ...modelMetadata(manifest), custom: { dataset: datasetLabel(manifest.dataset) } };
  });
  router.get('/seldon.json', (ctx) => {
    ctx.body = openApi(serving.loaded.manifest);
  });
  return router;
}

const seldonError: ErrorBody = (status, info) => ({
  status: {
    code: -1,
    info,
    reason: status >= 500 ? 'MICROSERVICE_INTERNAL_ERROR' : 'MICROSERVICE_BAD_DATA',
    status: 1,
  },
});

/**
 * Seldon sends one table and gets one. A model of several outputs answers with the one that the contract's
 * targets are named after, else with its first.
 */
function mainTensors({ manifest, contract }: LoadedModel): { input: TensorSpec; output: TensorSpec } {
  const { inputs, outputs } = manifest.signature;
  const [input, ...others] = inputs;
  const output = outputs.find((spec) => spec.name === contract.targets[0]?.name) ?? outputs[0];
  if (!input || !output || others.length > 0)
    throw new RequestError(
      400,
      `this model takes ${inputs.length} tensors, a Seldon message carries one; use the v2 protocol`,
    );
  return { input, output };
}

type Data = SeldonMessage['data'];

function decode(spec: TensorSpec, data: Data, maxRows: number): Tensor {
  if (data.tensor) {
    const { shape, values } = data.tensor;
    return reshape(spec, fromFlat(tableSpec(spec, shape.length), shape, values, maxRows));
  }
  const rank = nestedShape(spec, data.ndarray).length;
  return reshape(spec, fromNested(tableSpec(spec, rank), data.ndarray, maxRows));
}

/** A row may come flat, [n, columns], whatever shape the model gives it: the contract counts columns. */
function tableSpec(spec: TensorSpec, rank: number): TensorSpec {
  const width = rowWidth(spec);
  return rank === 2 && width !== undefined ? { ...spec, shape: [spec.shape[0] ?? -1, width] } : spec;
}

function reshape(spec: TensorSpec, tensor: Tensor): Tensor {
  if (tensor.shape.length === spec.shape.length) return tensor;
  return { ...tensor, shape: [tensor.shape[0] ?? 1, ...spec.shape.slice(1)] };
}

/** The payload comes back in the kind that it was sent in. */
function encode({ contract }: LoadedModel, answer: Tensor, { tensor }: Data) {
  const columns = sizeOf(answer.shape.slice(1));
  const own = targetNames(contract);
  // Seldon's own default, for an output that the contract does not describe.
  const names = own.length === columns ? own : Array.from({ length: columns }, (_, i) => `t:${i}`);
  return tensor
    ? { names, tensor: { shape: answer.shape, values: toFlat(answer) } }
    : { names, ndarray: toNested(answer) };
}

function metaOf({ manifest }: LoadedModel, { meta }: SeldonMessage) {
  const { model, version, dataset } = manifest;
  return {
    ...(meta?.puid !== undefined && { puid: meta.puid }),
    tags: { ...meta?.tags, model, model_version: String(version), dataset: datasetLabel(dataset) },
  };
}
