import { pino } from 'pino';
import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import { digestOf } from '../../registry/digest.ts';
import { type Draft, draftSchema, files, type Manifest, manifestSchema } from '../../registry/manifest.ts';
import { createApp } from '../app.ts';
import { listen } from '../listen.ts';
import { createMetrics } from '../metrics.ts';
import { loadModel, type ModelSource } from '../model.ts';
import { defaultLimits, type Limits, Serving } from '../state.ts';
import { linearModel } from './onnx-model.ts';

export const features = 784;
export const classes = 10;

export const contract = {
  features: [{ name: 'x', dtype: 'FLOAT', ftype: 'continuous', range: [0, 1], repeat: features }],
  targets: [
    {
      name: 'class',
      dtype: 'FLOAT',
      ftype: 'continuous',
      range: [0, 1],
      repeat: classes,
      probabilities: true,
    },
  ],
};

export function randomWeights(seed = 1): Float32Array {
  const random = xoroshiro128plus(seed);
  return Float32Array.from({ length: features * classes }, () => uniformFloat64(random) - 0.5);
}

/** The files of a version as the pipeline publishes them, with a linear model that loads in a moment. */
export function versionFiles(weights = randomWeights()): Record<string, Uint8Array> {
  return {
    [files.model]: linearModel(features, classes, weights),
    [files.contract]: Buffer.from(JSON.stringify(contract)),
  };
}

export function draft(overrides: Partial<Record<keyof Draft, unknown>> = {}): Draft {
  return draftSchema.parse({
    fingerprint: digestOf('a version for tests'),
    run: 'run-1',
    dataset: {
      name: 'synthetic-digits',
      synthetic: true,
      trainDigest: digestOf('train'),
      testDigest: digestOf('test'),
    },
    parameters: {},
    metrics: { accuracy: 0.99, loss: 0.03, ece: 0.01 },
    parity: { images: 10, largestDifference: 0, differentAnswers: 0 },
    contract: { rows: 10, failures: [] },
    signature: {
      inputs: [{ name: 'x', dtype: 'float32', shape: [-1, features] }],
      outputs: [{ name: 'class', dtype: 'float32', shape: [-1, classes] }],
    },
    code: { commit: null, clean: null },
    environment: {},
    ...overrides,
  });
}

/** A version without a registry. */
export function modelSource(
  contents = versionFiles(),
  overrides: Parameters<typeof draft>[0] = {},
): ModelSource & { manifest: Manifest } {
  const manifest = manifestSchema.parse({
    ...draft(overrides),
    format: 1,
    model: 'mnist',
    version: 7,
    created: '2026-01-01T00:00:00.000Z',
    files: Object.fromEntries(
      Object.entries(contents).map(([path, body]) => [path, { digest: digestOf(body), bytes: body.length }]),
    ),
  });
  return {
    manifest,
    readFile: async (path) => {
      const body = contents[path];
      if (!body) throw new Error(`no file ${path}`);
      return body;
    },
  };
}

export interface TestServer extends AsyncDisposable {
  readonly url: string;
  readonly serving: Serving;
  stop(): Promise<void>;
}

/** The app on a free port; without a source nothing is loaded, as before the first load ends. */
export async function startServer(source?: ModelSource, limits: Partial<Limits> = {}): Promise<TestServer> {
  const serving = new Serving();
  if (source) serving.model = await loadModel(source);
  const metrics = createMetrics(serving);
  const log = pino({ level: 'silent' });
  const app = createApp({ serving, metrics, log, limits: { ...defaultLimits, ...limits } });
  const { close, url } = await listen(app, 0, '127.0.0.1');
  const stop = async () => {
    await close(0);
    await serving.model?.release();
  };
  return { url, serving, stop, [Symbol.asyncDispose]: stop };
}
