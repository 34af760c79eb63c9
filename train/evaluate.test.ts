import { describe, expect, test } from 'vitest';
import { evaluate } from './evaluate.ts';
import { evaluationSchema } from './records.ts';

/** Four images of three classes: answers a a b c, of which the second (really b) is wrong. */
const probabilities = Float32Array.of(0.8, 0.1, 0.1, 0.6, 0.3, 0.1, 0.2, 0.7, 0.1, 0, 0.1, 0.9);
const labels = Uint8Array.of(0, 1, 1, 2);
const images = new Uint8Array(4 * 784).fill(7);
const evaluation = evaluate(probabilities, { images, labels, classes: ['a', 'b', 'c'] });

describe('an evaluation', () => {
  test('counts what was taken for what', () => {
    expect(evaluation.confusion).toEqual([
      [1, 0, 0],
      [1, 1, 0],
      [0, 0, 1],
    ]);
    expect(evaluation.accuracy).toBe(0.75);
  });

  test('gives the mean cross-entropy in nats', () => {
    const expected = -(Math.log(0.8) + Math.log(0.3) + Math.log(0.7) + Math.log(0.9)) / 4;
    expect(evaluation.loss).toBeCloseTo(expected, 6);
  });

  test('gives precision and recall of each class', () => {
    expect(evaluation.classes).toEqual([
      { name: 'a', images: 1, precision: 0.5, recall: 1 },
      { name: 'b', images: 2, precision: 1, recall: 0.5 },
      { name: 'c', images: 1, precision: 1, recall: 1 },
    ]);
  });

  test('measures calibration by how far confidence is from accuracy', () => {
    // Four bins of one image each: |0.8-1|, |0.6-0|, |0.7-1|, |0.9-1|.
    expect(evaluation.calibration).toHaveLength(4);
    expect(evaluation.ece).toBeCloseTo((0.2 + 0.6 + 0.3 + 0.1) / 4, 6);
  });

  test('shows the mistakes with their pixels', () => {
    expect(evaluation.mistakes).toEqual([
      {
        index: 1,
        actual: 1,
        predicted: 0,
        probability: expect.closeTo(0.6, 6),
        pixels: Buffer.alloc(784, 7).toString('base64'),
      },
    ]);
  });

  test('is what its schema says', () => {
    expect(evaluationSchema.parse(JSON.parse(JSON.stringify(evaluation)))).toEqual(evaluation);
  });

  test('of a class that was never answered has a precision of 0, not of nothing', () => {
    const { classes } = evaluate(Float32Array.of(1, 0), {
      images: new Uint8Array(784),
      labels: Uint8Array.of(1),
      classes: ['a', 'b'],
    });
    expect(classes[1]).toEqual({ name: 'b', images: 1, precision: 0, recall: 0 });
  });
});
