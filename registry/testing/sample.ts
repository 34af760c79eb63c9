import { digestOf } from '../digest.ts';
import { type Draft, files, type Manifest } from '../manifest.ts';
import type { Registry } from '../registry.ts';

export const realData: Draft['dataset'] = {
  name: 'mnist',
  synthetic: false,
  trainDigest: digestOf('mnist train'),
  testDigest: digestOf('mnist test'),
};

export const syntheticData: Draft['dataset'] = {
  name: 'generated',
  synthetic: true,
  trainDigest: digestOf('synthetic train'),
  testDigest: digestOf('synthetic test'),
};

/** So many that an error more or less stays above the gate's floor. */
export const images = 1000;

export function metricsOf(correct: Uint8Array): Draft['metrics'] {
  const right = correct.filter((answer) => answer === 1).length;
  return { accuracy: correct.length === 0 ? 0 : right / correct.length, loss: 0.03, ece: 0.004 };
}

/** A draft that passes the gate; `fingerprint` tells one from another. */
export function sampleDraft(fingerprint: string, changes: Partial<Draft> = {}): Draft {
  return {
    fingerprint: digestOf(fingerprint),
    run: 'run-1',
    dataset: realData,
    parameters: { epochs: 5, preset: 'default' },
    metrics: metricsOf(answersWrongAt(0)),
    parity: { images, largestDifference: 4e-7, differentAnswers: 0 },
    contract: { rows: 10, failures: [] },
    signature: {
      inputs: [{ name: 'x', dtype: 'float32', shape: [-1, 784] }],
      outputs: [{ name: 'class', dtype: 'float32', shape: [-1, 10] }],
    },
    code: { commit: 'a'.repeat(40), clean: true },
    environment: { node: '20.20.2' },
    ...changes,
  };
}

/** One byte an image: wrong at these, right at all others. */
export function answersWrongAt(...wrong: number[]): Uint8Array {
  return Uint8Array.from({ length: images }, (_, image) => (wrong.includes(image) ? 0 : 1));
}

export function sampleFiles(content: string, correct = answersWrongAt(0)): Record<string, Uint8Array> {
  return {
    [files.model]: Buffer.from(`model of ${content}`.repeat(1000)),
    [files.contract]: Buffer.from('{}'),
    [files.evaluation]: Buffer.from('{}'),
    [files.correct]: correct,
  };
}

export async function publishSample(
  registry: Registry,
  name: string,
  changes: Partial<Draft> = {},
  correct = answersWrongAt(0),
): Promise<Manifest> {
  const draft = sampleDraft(name, { metrics: metricsOf(correct), ...changes });
  return await registry.publish('mnist', draft, sampleFiles(name, correct), 'tester');
}
