import fc from 'fast-check';
import { expect, test } from 'vitest';
import { RunningMeans } from './running-means.ts';
import { batchRows, type EpochPlan, stepsOf } from './step/plan.ts';

function plan(images: number, batchSize: number): EpochPlan {
  const rates = new Float32Array(Math.ceil(images / batchSize));
  return {
    epoch: 1,
    order: Uint32Array.from({ length: images }, (_, place) => place),
    batchSize,
    firstStep: 0,
    learningRates: rates,
    plain: false,
    averagingRates: rates,
  };
}

test('a last smaller batch counts for as many images as it has', () => {
  const means = new RunningMeans(plan(5, 4));
  means.add(Float32Array.of(1, 0.5, 6, 1), 2);
  expect(means.images).toBe(5);
  expect(means.values).toEqual({ loss: (4 * 1 + 6) / 5, accuracy: (2 + 1) / 5 });
});

test('only the steps that are done count, and each of them once', () => {
  const means = new RunningMeans(plan(6, 2));
  const figures = Float32Array.of(3, 0, 0, 0, 0, 0);
  expect(means.add(figures, 0)).toBe(false);
  expect(means.add(figures, 1)).toBe(true);
  expect(means.add(figures, 1)).toBe(false);
  expect(means.images).toBe(2);
  expect(means.values).toEqual({ loss: 3, accuracy: 0 });

  figures.set([9, 1, 1, 1]); // what is said of the first step later on changes nothing
  expect(means.add(figures, 2)).toBe(true);
  expect(means.add(figures, 1)).toBe(false);
  expect(means.images).toBe(4);
  expect(means.values).toEqual({ loss: (3 + 1) / 2, accuracy: 0.5 });
});

test('however the steps are told of, the means are those over the images', () => {
  const someImages = fc.array(fc.record({ loss: fc.nat(50), right: fc.boolean() }), { minLength: 1 });
  fc.assert(
    fc.property(
      someImages,
      fc.integer({ min: 1, max: 40 }),
      fc.array(fc.nat(3)),
      (images, batchSize, pace) => {
        const epoch = plan(images.length, batchSize);
        const mean = (of: typeof images, value: (image: (typeof images)[number]) => number) =>
          of.reduce((sum, image) => sum + value(image), 0) / of.length;
        const figuresOf = (of: typeof images) => ({
          loss: mean(of, ({ loss }) => loss),
          accuracy: mean(of, ({ right }) => Number(right)),
        });
        const figures = Float32Array.from(
          Array.from({ length: stepsOf(epoch) }, (_, step) => {
            const start = step * batchSize;
            const { loss, accuracy } = figuresOf(images.slice(start, start + batchRows(epoch, step)));
            return [loss, accuracy];
          }).flat(),
        );

        const means = new RunningMeans(epoch);
        let done = 0;
        for (const steps of [...pace, stepsOf(epoch)]) {
          done = Math.min(done + steps, stepsOf(epoch));
          means.add(figures, done);
          if (done === 0) continue;
          const expected = figuresOf(images.slice(0, done * batchSize));
          expect(means.images).toBe(Math.min(done * batchSize, images.length));
          expect(means.values.loss).toBeCloseTo(expected.loss, 4);
          expect(means.values.accuracy).toBeCloseTo(expected.accuracy, 5);
        }
        expect(means.images).toBe(images.length);
      },
    ),
  );
});
