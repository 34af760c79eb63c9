import { once } from 'node:events';
import { Agent, type IncomingMessage, request } from 'node:http';
import { connect } from 'node:net';
import { json } from 'node:stream/consumers';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { contract, features, modelSource, startServer, type TestServer } from './testing/fixture.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startServer(modelSource(), { bodyBytes: 100_000, rows: 4 });
});
afterAll(() => server.stop());

const zeros = new Array<number>(features).fill(0);
const predictPaths = ['/predict', '/send-feedback', '/v2/models/mnist/infer', '/classify'];

function post(path: string, body: string | Uint8Array, type = 'application/json', to = server) {
  return fetch(to.url + path, { method: 'POST', headers: { 'content-type': type }, body });
}

/** Seldon's error shape on Seldon's paths, `{error}` elsewhere. */
function expectErrorShape(path: string, body: unknown) {
  if (['/predict', '/send-feedback'].includes(path))
    expect(body).toEqual({
      status: {
        code: -1,
        info: expect.any(String),
        reason: expect.stringContaining('MICROSERVICE'),
        status: 1,
      },
    });
  else expect(body).toEqual({ error: expect.any(String) });
}

describe('before a model is loaded', () => {
  test('the process is alive, not ready, and predictions are 503 in their shape', async () => {
    await using empty = await startServer();
    expect((await fetch(`${empty.url}/health/ping`)).status).toBe(200);
    expect((await fetch(`${empty.url}/v2/health/live`)).status).toBe(200);
    expect((await fetch(`${empty.url}/`)).status).toBe(200);
    for (const path of [
      '/health/status',
      '/v2/health/ready',
      '/v2/models/mnist/ready',
      '/contract.json',
      '/metadata',
    ])
      expect((await fetch(empty.url + path)).status).toBe(503);
    for (const path of predictPaths.filter((each) => each !== '/send-feedback')) {
      const response = await post(path, '{}', undefined, empty);
      expect(response.status).toBe(503);
      expect(response.headers.get('retry-after')).toBe('1');
      expectErrorShape(path, await response.json());
    }
    expect(await (await fetch(`${empty.url}/metrics`)).text()).toContain('slipway_ready 0');
  });
});

describe('while it drains', () => {
  test('ready is 503, what still arrives is answered, and connections are closed', async () => {
    await using draining = await startServer(modelSource());
    draining.serving.draining = true;
    expect((await fetch(`${draining.url}/health/status`)).status).toBe(503);
    const ready = await fetch(`${draining.url}/v2/health/ready`);
    expect([ready.status, await ready.json()]).toEqual([503, { ready: false, live: true }]);
    const response = await post(
      '/predict',
      JSON.stringify({ data: { ndarray: [zeros] } }),
      undefined,
      draining,
    );
    expect(response.status).toBe(200);
    expect(response.headers.get('connection')).toBe('close');
  });
});

describe('limits', () => {
  test.each(predictPaths)('%s refuses a body over the limit with 413', async (path) => {
    const response = await post(path, ' '.repeat(100_001));
    expect(response.status).toBe(413);
    expectErrorShape(path, await response.json());
  });

  test('a body far over the limit is cut off, not read to its end', async () => {
    const socket = connect(Number(new URL(server.url).port), '127.0.0.1');
    socket.on('error', () => {}); // the server may close before the last write
    socket.write('POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: 999999999\r\n\r\n');
    const chunk = Buffer.alloc(50_000, ' ');
    for (let sent = 0; sent < 20; sent++) socket.write(chunk);
    const [answer] = await once(socket, 'data');
    expect(String(answer)).toContain('413');
    await once(socket, 'close');
  });

  test('more rows than the limit are 413', async () => {
    const body = JSON.stringify({ data: { ndarray: new Array(5).fill(zeros) } });
    expect((await post('/predict', body)).status).toBe(413);
  });

  test('a compressed body is 415', async () => {
    const response = await fetch(`${server.url}/predict`, {
      method: 'POST',
      headers: { 'content-encoding': 'gzip' },
      body: 'x',
    });
    expect(response.status).toBe(415);
  });
});

describe('what is not there', () => {
  test('an unknown path is a 404 in plain JSON', async () => {
    const response = await fetch(`${server.url}/nowhere`);
    expect(response.status).toBe(404);
    expect(await response.json()).toEqual({ error: expect.stringContaining('/nowhere') });
  });

  test.each(['http://[/', 'foo://'])(
    'the target %s has no path: 400 in plain JSON, and the connection goes on',
    async (target) => {
      const agent = new Agent({ keepAlive: true, maxSockets: 1 });
      const get = async (path: string) => {
        const asked = request(server.url, { agent, path }).end();
        const [response]: IncomingMessage[] = await once(asked, 'response');
        return { status: response?.statusCode, body: response && (await json(response)) };
      };
      const { status, body } = await get(target);
      expect(status).toBe(400);
      expect(body).toEqual({ error: expect.stringContaining(target) });
      expect((await get('/')).status).toBe(200);
      agent.destroy();
    },
  );

  test.each([
    ['DELETE', '/predict'],
    ['GET', '/api/v1.0/predictions'],
    ['PUT', '/v2/models/mnist/infer'],
    ['GET', '/classify'],
    ['POST', '/metrics'],
  ])('%s %s is a 405 that names what is allowed', async (method, path) => {
    const response = await fetch(server.url + path, { method });
    expect(response.status).toBe(405);
    const allowed = response.headers.get('allow')?.split(', ') ?? [];
    expect(allowed).toContain(method === 'POST' ? 'GET' : 'POST');
    expect(allowed).not.toContain(method);
    expect(await response.json()).toEqual({
      error: expect.stringContaining(`${method} is not allowed here`),
    });
  });
});

describe('for people and machines', () => {
  test('the index says what is served and on which data it was trained', async () => {
    expect(await (await fetch(server.url)).json()).toMatchObject({
      model: 'mnist',
      version: 7,
      ready: true,
      dataset: { name: 'synthetic-digits', synthetic: true },
    });
  });

  test('the contract is served as it was published', async () => {
    const response = await fetch(`${server.url}/contract.json`);
    expect(response.headers.get('content-type')).toContain('application/json');
    expect(await response.json()).toEqual(contract);
  });

  test('the metrics count requests and rows and name the version', async () => {
    await using fresh = await startServer(modelSource());
    await post('/predict', JSON.stringify({ data: { ndarray: [zeros, zeros] } }), undefined, fresh);
    await post('/predict', '{}', undefined, fresh);
    await fetch(`${fresh.url}/nowhere`);
    const text = await (await fetch(`${fresh.url}/metrics`)).text();
    expect(text).toContain('slipway_requests_total{protocol="seldon",status="200"} 1');
    expect(text).toContain('slipway_requests_total{protocol="seldon",status="400"} 1');
    expect(text).toContain('slipway_requests_total{protocol="other",status="404"} 1');
    expect(text).toContain('slipway_request_duration_seconds_count{protocol="seldon"} 2');
    expect(text).toContain('slipway_rows_total{protocol="seldon"} 2');
    expect(text).toContain(
      'slipway_model_info{model="mnist",version="7",dataset="synthetic-digits",synthetic="true"} 1',
    );
  });

  test('a request id is kept when it is safe, else made', async () => {
    const idOf = async (id: string) =>
      (await fetch(server.url, { headers: { 'x-request-id': id } })).headers.get('x-request-id');
    expect(await idOf('abc-1')).toBe('abc-1');
    expect(await idOf('a b"c')).toMatch(/^[0-9a-f-]{36}$/);
  });
});

describe('whatever a client sends', () => {
  const value = fc.oneof(fc.constant(null), fc.boolean(), fc.double(), fc.string(), fc.jsonValue());
  /** Messages that are nearly right, so that the fuzzing gets past the first check. */
  const nearly = fc.oneof(
    fc.record({
      data: fc.record({ ndarray: fc.array(value), names: value }, { requiredKeys: [] }),
      meta: value,
    }),
    fc.record({ data: fc.record({ tensor: fc.record({ shape: fc.array(fc.integer()), values: value }) }) }),
    fc.record({
      data: fc.record({ ndarray: fc.array(fc.array(fc.double(), { minLength: 784, maxLength: 784 })) }),
    }),
    fc.record({
      inputs: fc.array(
        fc.record({
          name: fc.constantFrom('x', '__proto__'),
          shape: fc.array(fc.nat()),
          datatype: fc.constant('FP32'),
          data: fc.array(value),
        }),
      ),
      outputs: value,
    }),
    fc.record({ reward: value }),
  );

  test('no JSON body gives a 5xx, or no JSON, or no answer at all', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...predictPaths),
        fc.oneof(fc.jsonValue(), nearly),
        async (path, json) => {
          const response = await post(path, JSON.stringify(json));
          expect(response.status).toBeLessThan(500);
          const body = await response.json();
          if (response.status !== 200) expectErrorShape(path, body);
        },
      ),
      { numRuns: 400, interruptAfterTimeLimit: 20_000, markInterruptAsFailure: false },
    );
  });

  test('no bytes under any content type give a 5xx or no answer', async () => {
    const types = [
      'application/json',
      'application/x-www-form-urlencoded',
      'multipart/form-data',
      'multipart/form-data; boundary=b',
      'image/png',
    ];
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      fc
        .string()
        .map((text) =>
          Buffer.from(`--b\r\nContent-Disposition: form-data; name="data"\r\n\r\n${text}\r\n--b--\r\n`),
        ),
      fc
        .string()
        .map((text) =>
          Buffer.from(`--b\r\nContent-Disposition: form-data; name="f"; filename="f"\r\n\r\n${text}`),
        ),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...predictPaths),
        fc.constantFrom(...types),
        bytes,
        async (path, type, body) => {
          const response = await post(path, body, type);
          expect(response.status).toBeLessThan(500);
          if (response.status !== 200) expectErrorShape(path, await response.json());
        },
      ),
      { numRuns: 300, interruptAfterTimeLimit: 20_000, markInterruptAsFailure: false },
    );
  });

  test('a multipart form cut off anywhere is answered', async () => {
    const whole =
      '--b\r\nContent-Disposition: form-data; name="data"; filename="f"\r\n\r\n{"ndarray":[[1]]}\r\n--b--\r\n';
    for (let length = 0; length <= whole.length; length++) {
      const response = await post('/predict', whole.slice(0, length), 'multipart/form-data; boundary=b');
      expect(response.status).toBe(400);
    }
  });
});
