import { removeBackend, type Tensor } from '@tensorflow/tfjs-core';
import { afterAll, describe, test } from 'vitest';
import { expectSameAsCpu } from '../testing.ts';

/** A use of one kernel, with gradients where it has some. The tolerance is relative to the largest value. */
export type Case = readonly [kernel: string, compute: () => Tensor | Tensor[], tolerance?: number];

/** One test for each case: it gives what TensorFlow.js's plain `cpu` backend does. */
export function testAgreement(subject: string, cases: readonly Case[]): void {
  afterAll(() => removeBackend('onnxruntime'));
  describe(`${subject} agree with the plain cpu backend`, () => {
    test.each(cases.map((each, i) => [`${each[0]} (${i})`, each] as const))(
      '%s',
      async (_, [, compute, tolerance]) => {
        await expectSameAsCpu(compute, tolerance);
      },
    );
  });
}
