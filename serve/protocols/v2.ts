import Router from '@koa/router';
import { z } from 'zod';
import { datasetLabel } from '../../registry/manifest.ts';
import type { TensorSpec } from '../../registry/signature.ts';
import type { AppDeps } from '../app.ts';
import { parseJson, readBody, validate } from '../body.ts';
import { plainError, RequestError, reportErrors } from '../errors.ts';
import type { LoadedModel, Tensors } from '../model.ts';
import type { RequestState, Serving } from '../state.ts';
import { fromFlat, fromNested, nestedShape, show, type Tensor, toFlat } from '../tensor.ts';
import { datatypeOf, modelMetadata, serverVersion } from './metadata.ts';

/** Open Inference Protocol v2 over REST, in JSON (kserve/open-inference-protocol, inference_rest.md). */
export function v2Routes({ serving, log, limits }: AppDeps): Router<RequestState> {
  const router = new Router<RequestState>();
  const model = '/v2/models/:model';
  const version = `${model}/versions/:version`;
  router.use(reportErrors(plainError, log));

  router.get('/v2', (ctx) => {
    ctx.body = { name: 'slipway', version: serverVersion, extensions: [] };
  });
  router.get('/v2/health/live', (ctx) => {
    ctx.body = { live: true };
  });
  router.get('/v2/health/ready', (ctx) => {
    ctx.status = serving.ready ? 200 : 503;
    ctx.body = { ready: serving.ready, live: true };
  });
  router.get([model, version], (ctx) => {
    ctx.body = modelMetadata(find(serving, ctx.params).manifest);
  });
  router.get([`${model}/ready`, `${version}/ready`], (ctx) => {
    const { manifest } = find(serving, ctx.params);
    ctx.status = serving.ready ? 200 : 503;
    ctx.body = { name: manifest.model, ready: serving.ready };
  });
  router.post([`${model}/infer`, `${version}/infer`], async (ctx) => {
    ctx.state.protocol = 'v2';
    const found = find(serving, ctx.params);
    if (ctx.get('inference-header-content-length'))
      throw new RequestError(400, 'binary tensors are not offered here (see extensions at /v2); send JSON');
    const json = parseJson(await readBody(ctx.req, limits.bodyBytes));
    const request = validate(requestSchema, json, '{"inputs":[{"name","shape","datatype","data"}]}');
    const wanted = wantedOutputs(found, request);
    const inputs = decode(found, request, limits.rows);
    const answers = await found.predict(inputs);
    ctx.body = encode(found, request, wanted, answers);
    ctx.state.rows = Object.values(inputs)[0]?.shape[0] ?? 1;
  });
  return router;
}

const requestSchema = z.object({
  id: z.string().max(1000).optional(),
  inputs: z
    .array(
      z.object({
        name: z.string(),
        shape: z.array(z.int().min(0)).max(9),
        datatype: z.string(),
        data: z.array(z.unknown()),
      }),
    )
    .max(100),
  outputs: z
    .array(z.object({ name: z.string() }))
    .max(100)
    .optional(),
});
type InferRequest = z.infer<typeof requestSchema>;

/** @throws RequestError 503 while nothing is loaded, 404 for a model or version that is not served here. */
function find(serving: Serving, { model, version }: Record<string, string>): LoadedModel {
  const { manifest } = serving.loaded;
  if (model === manifest.model && (version === undefined || version === String(manifest.version)))
    return serving.loaded;
  const asked = `${model}${version === undefined ? '' : ` version ${version}`}`.slice(0, 200);
  throw new RequestError(
    404,
    `"${asked}" is not served here; served: "${manifest.model}" version ${manifest.version}`,
  );
}

/** Each input of the signature once and no other. */
function decode({ manifest }: LoadedModel, { inputs }: InferRequest, maxRows: number): Tensors {
  const specs = manifest.signature.inputs;
  const given = specs.map((spec) => inputs.find(({ name }) => name === spec.name));
  if (inputs.length !== specs.length || given.includes(undefined))
    throw new RequestError(
      400,
      `expected the inputs ${quoted(specs.map((spec) => spec.name))}, got ${quoted(inputs.map((input) => input.name))}`,
    );
  return Object.fromEntries(
    specs.flatMap((spec, i) => {
      const input = given[i];
      return input ? [[spec.name, decodeInput(spec, input, maxRows)]] : [];
    }),
  );
}

function decodeInput(spec: TensorSpec, input: InferRequest['inputs'][number], maxRows: number): Tensor {
  const expected = datatypeOf(spec.dtype);
  if (input.datatype !== expected)
    throw new RequestError(
      400,
      `input "${spec.name}": expected datatype ${expected}, got "${input.datatype.slice(0, 40)}"`,
    );
  if (!Array.isArray(input.data[0])) return fromFlat(spec, input.shape, input.data, maxRows);
  const shape = nestedShape(spec, input.data);
  if (shape.join() !== input.shape.join())
    throw new RequestError(
      400,
      `input "${spec.name}": its shape says ${show(input.shape)}, its data are ${show(shape)}`,
    );
  return fromNested(spec, input.data, maxRows);
}

function wantedOutputs({ manifest }: LoadedModel, { outputs }: InferRequest): readonly TensorSpec[] {
  const all = manifest.signature.outputs;
  if (!outputs || outputs.length === 0) return all;
  return outputs.map(({ name }) => {
    const spec = all.find((each) => each.name === name);
    if (spec) return spec;
    throw new RequestError(
      400,
      `expected outputs among ${quoted(all.map((each) => each.name))}, got ${quoted([name])}`,
    );
  });
}

function encode(
  { manifest }: LoadedModel,
  { id }: InferRequest,
  wanted: readonly TensorSpec[],
  answers: Tensors,
) {
  return {
    model_name: manifest.model,
    model_version: String(manifest.version),
    ...(id !== undefined && { id }),
    parameters: { dataset: datasetLabel(manifest.dataset) },
    outputs: wanted.map(({ name, dtype }) => {
      const answer = answers[name];
      if (!answer) throw new Error(`the model gave no output "${name}"`);
      return { name, shape: answer.shape, datatype: datatypeOf(dtype), data: toFlat(answer) };
    }),
  };
}

function quoted(names: readonly string[]): string {
  return names.map((name) => `"${name.slice(0, 60)}"`).join(', ') || 'none';
}
