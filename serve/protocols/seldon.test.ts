import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { generateRows, parseContract, targetNames } from '../../registry/contract.ts';
import {
  classes,
  contract,
  features,
  modelSource,
  startServer,
  type TestServer,
  versionFiles,
} from '../testing/fixture.ts';

const messageSchema = z.looseObject({
  data: z
    .looseObject({ names: z.array(z.string()), ndarray: z.array(z.array(z.number())).optional() })
    .optional(),
  meta: z.looseObject({}).optional(),
  status: z.looseObject({ info: z.string(), reason: z.string() }).optional(),
});

async function seldonJson(response: Response) {
  return messageSchema.parse(await response.json());
}

const parsed = parseContract(JSON.stringify(contract), 'contract.json');
const rows = generateRows(parsed, 3, 5);
const names = targetNames(parsed);
const ndarray = { data: { ndarray: rows } };
const tensor = { data: { tensor: { shape: [rows.length, features], values: rows.flat() } } };

let server: TestServer;
let expected: number[][];

beforeAll(async () => {
  server = await startServer(modelSource());
  expected = (await seldonJson(await postJson('/predict', ndarray))).data?.ndarray ?? [];
});
afterAll(() => server.stop());

function postJson(path: string, message: unknown) {
  return fetch(server.url + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(message),
  });
}

function form(fields: Record<string, string | Blob>): FormData {
  const data = new FormData();
  for (const [name, value] of Object.entries(fields)) data.append(name, value);
  return data;
}

const json = JSON.stringify(ndarray);
const post = (body: NonNullable<RequestInit['body']>, headers: Record<string, string> = {}) =>
  ({ method: 'POST', body, headers }) satisfies RequestInit;

describe('every place that Seldon looks for a message in', () => {
  test.each<[string, string, RequestInit]>([
    ['a JSON body', '/predict', post(json, { 'content-type': 'application/json' })],
    ['a JSON body on the external path', '/api/v1.0/predictions', post(json)],
    ['a JSON body on the old external path', '/api/v0.1/predictions', post(json)],
    ['the form field json', '/predict', post(new URLSearchParams({ json }))],
    [
      'the form field json beside isDefault',
      '/predict',
      post(new URLSearchParams({ json, isDefault: 'True' })),
    ],
    [
      'JSON that curl -d calls a form',
      '/predict',
      post(json, { 'content-type': 'application/x-www-form-urlencoded' }),
    ],
    ['a multipart field data', '/predict', post(form({ data: JSON.stringify(ndarray.data), meta: '{}' }))],
    ['a multipart file data', '/predict', post(form({ data: new Blob([JSON.stringify(ndarray.data)]) }))],
    ['a multipart field json', '/predict', post(form({ json }))],
    ['the query field json of a GET', `/predict?json=${encodeURIComponent(json)}`, {}],
    ['the query field json of a POST', `/predict?json=${encodeURIComponent(json)}`, { method: 'POST' }],
  ])('%s', async (_, path, init) => {
    const response = await fetch(server.url + path, init);
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toContain('application/json');
    expect((await seldonJson(response)).data).toEqual({ names, ndarray: expected });
  });
});

describe('the answer', () => {
  test('is a table of probabilities, one name a column', async () => {
    expect(expected).toHaveLength(rows.length);
    for (const row of expected) {
      expect(row).toHaveLength(classes);
      expect(row.reduce((sum, value) => sum + value, 0)).toBeCloseTo(1, 5);
    }
  });

  test('to a tensor is a tensor with the same values', async () => {
    const { data } = await seldonJson(await postJson('/predict', tensor));
    expect(data).toEqual({ names, tensor: { shape: [rows.length, classes], values: expected.flat() } });
  });

  test('has the keys that strict clients know and no other; puid and tags come back', async () => {
    const message = { ...ndarray, meta: { puid: 'p1', tags: { run: 'a', nested: { b: [1] } }, routing: {} } };
    const answer = await seldonJson(await postJson('/predict', message));
    expect(Object.keys(answer).sort()).toEqual(['data', 'meta']);
    expect(answer.meta).toEqual({
      puid: 'p1',
      tags: { run: 'a', nested: { b: [1] }, model: 'mnist', model_version: '7', dataset: 'synthetic-digits' },
    });
  });

  test('has meta also when the request has none', async () => {
    const { meta } = await seldonJson(await postJson('/predict', ndarray));
    expect(Object.keys(meta ?? {})).toEqual(['tags']);
  });

  test('of one row is that row of the batch', async () => {
    const { data } = await seldonJson(await postJson('/predict', { data: { ndarray: rows.slice(1, 2) } }));
    data?.ndarray?.[0]?.forEach((value, i) => {
      expect(value).toBeCloseTo(expected[1]?.[i] ?? Number.NaN, 6);
    });
  });
});

describe('a bad message is a 400 in the shape of Seldon', () => {
  const zeros = new Array<number>(features).fill(0);
  test.each<[string, string, string]>([
    ['a wrong width', '{"data":{"ndarray":[[1,2]]}}', 'expected shape [n, 784], got [1, 2]'],
    ['ragged rows', JSON.stringify({ data: { ndarray: [zeros, [1]] } }), 'ragged'],
    [
      'strings',
      JSON.stringify({ data: { ndarray: [zeros.map(String)] } }),
      'expected float32 values, got "0"',
    ],
    ['null', JSON.stringify({ data: { ndarray: [zeros.map(() => null)] } }), 'got null at [0, 0]'],
    ['NaN', `{"data":{"ndarray":[[NaN${',0'.repeat(783)}]]}}`, 'no NaN'],
    ['a bare row', JSON.stringify({ data: { ndarray: zeros } }), 'expected shape [n, 784], got [784]'],
    ['no rows', '{"data":{"ndarray":[]}}', 'got [0]'],
    [
      'a tensor that its shape does not fit',
      '{"data":{"tensor":{"shape":[2,784],"values":[1]}}}',
      'expected 1568 values',
    ],
    [
      'a tensor of another shape',
      '{"data":{"tensor":{"shape":[1,2],"values":[1,2]}}}',
      'expected shape [n, 784], got [1, 2]',
    ],
    ['both kinds at once', '{"data":{"ndarray":[[1]],"tensor":{"shape":[1],"values":[1]}}}', 'one of'],
    ['neither kind', '{"data":{"names":["a"]}}', 'one of'],
    ['no data', '{}', 'data: '],
    ['binData', '{"binData":"AAAA"}', 'got "binData"'],
    ['strData', '{"strData":"seven"}', 'got "strData"'],
    ['a list', '[1,2]', 'SeldonMessage'],
    ['names that are no strings', '{"data":{"names":[1],"ndarray":[[1]]}}', 'data.names.0'],
    ['tags that are no object', '{"meta":{"tags":[1]},"data":{"ndarray":[[1]]}}', 'meta.tags'],
    ['no JSON', '{"data":', 'not valid JSON'],
    ['an empty body', '', 'no message'],
    ['JSON nested without end', '['.repeat(100_000), 'nested deeper'],
  ])('%s', async (_, body, message) => {
    const response = await fetch(`${server.url}/predict`, post(body, { 'content-type': 'application/json' }));
    const answer = await response.json();
    expect(answer).toEqual({
      status: {
        code: -1,
        info: expect.stringContaining(message),
        reason: 'MICROSERVICE_BAD_DATA',
        status: 1,
      },
    });
    expect(response.status).toBe(400);
  });

  test('also for bytes that are no UTF-8', async () => {
    const response = await fetch(`${server.url}/predict`, post(Buffer.from([0x7b, 0xff, 0x7d])));
    expect(response.status).toBe(400);
    expect((await seldonJson(response)).status?.info).toContain('not UTF-8');
  });

  test('also in a GET without json', async () => {
    const response = await fetch(`${server.url}/predict`);
    expect(response.status).toBe(400);
    expect((await seldonJson(response)).status?.info).toContain('no message');
  });
});

test('a model that answers NaN is a 500 without details, not NaN in JSON', async () => {
  await using broken = await startServer(
    modelSource(versionFiles(new Float32Array(features * classes).fill(Number.NaN))),
  );
  const response = await fetch(`${broken.url}/predict`, post(json));
  expect(response.status).toBe(500);
  const { status } = await seldonJson(response);
  expect(status?.reason).toBe('MICROSERVICE_INTERNAL_ERROR');
  expect(status?.info).not.toContain('at ');
});

describe('beside predictions', () => {
  test.each(['/send-feedback', '/api/v1.0/feedback', '/api/v0.1/feedback'])('%s is counted', async (path) => {
    const response = await postJson(path, { request: ndarray, response: {}, reward: 0.5 });
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({ meta: {} });
  });

  test('the metrics carry the count of feedback and the sum of rewards', async () => {
    const before = await metrics();
    await postJson('/send-feedback', { reward: -2 });
    const after = await metrics();
    expect(value(after, 'slipway_feedback_total') - value(before, 'slipway_feedback_total')).toBe(1);
    expect(value(after, 'slipway_feedback_reward') - value(before, 'slipway_feedback_reward')).toBe(-2);
  });

  test('a reward that is no number is refused', async () => {
    expect((await postJson('/send-feedback', { reward: 'good' })).status).toBe(400);
  });

  test('health', async () => {
    expect(await (await fetch(`${server.url}/health/ping`)).text()).toBe('pong');
    for (const path of ['/health/status', '/api/v1.0/health/status'])
      expect(await (await fetch(server.url + path)).json()).toEqual({ meta: {}, strData: 'healthy' });
  });

  test('metadata', async () => {
    for (const path of ['/metadata', '/api/v1.0/metadata'])
      expect(await (await fetch(server.url + path)).json()).toEqual({
        name: 'mnist',
        versions: ['7'],
        platform: 'onnxruntime_onnx',
        inputs: [{ name: 'x', datatype: 'FP32', shape: [-1, 784] }],
        outputs: [{ name: 'class', datatype: 'FP32', shape: [-1, 10] }],
        custom: { dataset: 'synthetic-digits' },
      });
  });

  test('OpenAPI names each path and resolves each reference', async () => {
    const text = await (await fetch(`${server.url}/seldon.json`)).text();
    const document = JSON.parse(text);
    expect(document.openapi).toBe('3.0.3');
    expect(Object.keys(document.paths)).toContain('/api/v1.0/predictions');
    for (const [, schema] of text.matchAll(/#\/components\/schemas\/(\w+)/g))
      expect(document.components.schemas).toHaveProperty(schema ?? '');
  });
});

async function metrics(): Promise<string> {
  return (await fetch(`${server.url}/metrics`)).text();
}

function value(text: string, name: string): number {
  return Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1]);
}
