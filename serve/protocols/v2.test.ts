import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { generateRows, parseContract } from '../../registry/contract.ts';
import {
  classes,
  contract,
  features,
  modelSource,
  startServer,
  type TestServer,
} from '../testing/fixture.ts';

const rows = generateRows(parseContract(JSON.stringify(contract), 'contract.json'), 2, 5);
const input = { name: 'x', shape: [2, features], datatype: 'FP32', data: rows as unknown };

let server: TestServer;
beforeAll(async () => {
  server = await startServer(modelSource());
});
afterAll(() => server.stop());

function infer(request: unknown, path = '/v2/models/mnist/infer', headers = {}) {
  return fetch(server.url + path, {
    method: 'POST',
    headers,
    body: typeof request === 'string' ? request : JSON.stringify(request),
  });
}

const answerSchema = z.looseObject({
  id: z.string().optional(),
  error: z.string().optional(),
  outputs: z.array(z.looseObject({ data: z.array(z.number()).optional() })).optional(),
});

async function v2Json(response: Response) {
  return answerSchema.parse(await response.json());
}

async function get(path: string) {
  const response = await fetch(server.url + path);
  return { status: response.status, body: await v2Json(response) };
}

describe('infer', () => {
  test('nested and flat data give the same answer, on versioned and unversioned paths', async () => {
    const nested = await v2Json(await infer({ inputs: [input] }));
    expect(nested).toMatchObject({ model_name: 'mnist', model_version: '7' });
    expect(nested.outputs).toEqual([
      { name: 'class', shape: [2, classes], datatype: 'FP32', data: expect.any(Array) },
    ]);
    expect(nested.outputs?.[0]?.data).toHaveLength(2 * classes);
    expect(nested).not.toHaveProperty('id');
    const flat = { inputs: [{ ...input, data: rows.flat() }] };
    expect(await (await infer(flat)).json()).toEqual(nested);
    expect(await (await infer(flat, '/v2/models/mnist/versions/7/infer')).json()).toEqual(nested);
  });

  test('a given id comes back, outputs can be chosen, parameters are let through', async () => {
    const request = {
      id: 'abc',
      parameters: { a: 1 },
      inputs: [{ ...input, parameters: { b: 2 } }],
      outputs: [{ name: 'class', parameters: {} }],
    };
    const answer = await v2Json(await infer(request));
    expect(answer.id).toBe('abc');
    expect(answer.outputs).toHaveLength(1);
  });

  test.each<[string, unknown, string]>([
    ['no inputs', {}, 'inputs: '],
    ['an empty list of inputs', { inputs: [] }, 'expected the inputs "x", got none'],
    ['another name', { inputs: [{ ...input, name: 'y' }] }, 'expected the inputs "x", got "y"'],
    ['the same input twice', { inputs: [input, input] }, 'got "x", "x"'],
    [
      'another datatype',
      { inputs: [{ ...input, datatype: 'INT64' }] },
      'expected datatype FP32, got "INT64"',
    ],
    [
      'a wrong width',
      { inputs: [{ ...input, shape: [2, 3], data: [1, 2, 3, 4, 5, 6] }] },
      'expected shape [n, 784], got [2, 3]',
    ],
    [
      'too few values',
      { inputs: [{ ...input, data: [1] }] },
      'expected 1568 values for the shape [2, 784], got 1',
    ],
    [
      'a shape unlike its data',
      { inputs: [{ ...input, shape: [1, features] }] },
      'its shape says [1, 784], its data are [2, 784]',
    ],
    ['ragged data', { inputs: [{ ...input, data: [rows[0], [1]] }] }, 'ragged'],
    ['null', { inputs: [{ ...input, data: rows.flat().map(() => null) }] }, 'got null at [0, 0]'],
    ['strings', { inputs: [{ ...input, data: rows.flat().map(String) }] }, 'expected float32 values'],
    ['a negative dimension', { inputs: [{ ...input, shape: [-2, -784] }] }, 'inputs.0.shape.0'],
    ['no data', { inputs: [{ ...input, data: undefined }] }, 'inputs.0.data'],
    [
      'an unknown output',
      { inputs: [input], outputs: [{ name: 'y' }] },
      'expected outputs among "class", got "y"',
    ],
    ['an id that is no string', { id: 7, inputs: [input] }, 'id: '],
    ['no JSON', '{"inputs":[NaN]}', 'no NaN'],
    ['an empty body', '', 'empty'],
  ])('%s is a 400 with an error text', async (_, request, message) => {
    const response = await infer(request);
    expect(await response.json()).toEqual({ error: expect.stringContaining(message) });
    expect(response.status).toBe(400);
  });

  test('binary tensors are refused with a hint, not misread', async () => {
    const response = await infer('{}', undefined, { 'inference-header-content-length': '2' });
    expect(response.status).toBe(400);
    expect((await v2Json(response)).error).toContain('binary');
  });
});

describe('what a client asks first', () => {
  test('server metadata, with and without the slash', async () => {
    for (const path of ['/v2', '/v2/'])
      expect(await get(path)).toEqual({
        status: 200,
        body: { name: 'slipway', version: expect.any(String), extensions: [] },
      });
  });

  test('model metadata, ready and live', async () => {
    for (const path of ['/v2/models/mnist', '/v2/models/mnist/versions/7']) {
      expect((await get(path)).body).toEqual({
        name: 'mnist',
        versions: ['7'],
        platform: 'onnxruntime_onnx',
        inputs: [{ name: 'x', datatype: 'FP32', shape: [-1, 784] }],
        outputs: [{ name: 'class', datatype: 'FP32', shape: [-1, 10] }],
      });
      expect(await get(`${path}/ready`)).toEqual({ status: 200, body: { name: 'mnist', ready: true } });
    }
    expect(await get('/v2/health/live')).toEqual({ status: 200, body: { live: true } });
    expect(await get('/v2/health/ready')).toEqual({ status: 200, body: { ready: true, live: true } });
  });

  test.each([
    '/v2/models/other',
    '/v2/models/other/ready',
    '/v2/models/mnist/versions/8',
    '/v2/models/mnist/versions/seven/ready',
    '/v2/models/%E0%A4%A',
  ])('%s is a 404 that names what is served', async (path) => {
    const { status, body } = await get(path);
    expect(status).toBe(404);
    expect(body.error).toContain('served: "mnist" version 7');
  });

  test('infer on another model or version is a 404', async () => {
    expect((await infer({ inputs: [input] }, '/v2/models/other/infer')).status).toBe(404);
    expect((await infer({ inputs: [input] }, '/v2/models/mnist/versions/8/infer')).status).toBe(404);
  });
});
