import { expect, test } from 'vitest';
import { digestOf } from '../../registry/digest.ts';
import type { Split } from './load.ts';
import { syntheticDigits } from './synthetic.ts';

const { train, test: testSplit } = syntheticDigits({ seed: 7, train: 1000, test: 400 });

test('every digit is drawn equally often, in mixed order', () => {
  const perDigit = new Array<number>(10).fill(0);
  for (const label of train.labels) perDigit[label] = (perDigit[label] ?? 0) + 1;
  expect(perDigit).toEqual(new Array(10).fill(100));
  expect([...train.labels.subarray(0, 10)]).not.toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
});

test('the same seed draws the same bytes, here and on any other machine', () => {
  const digestFor = (seed: number) => {
    const drawn = syntheticDigits({ seed, train: 50, test: 20 });
    return digestOf(Buffer.concat([drawn.train.images, drawn.test.images]));
  };
  expect(digestFor(1)).toBe('717a5036d12725c2a74dab80c4116ee533637d62d74dba1d2b0f102bf4d03cf8');
  expect(digestFor(2)).not.toBe(digestFor(1));
});

test('no image is drawn twice, in one set or in both', () => {
  const keys = [...imagesOf(train), ...imagesOf(testSplit)].map((image) =>
    Buffer.from(image).toString('latin1'),
  );
  expect(new Set(keys).size).toBe(1400);
});

test('the test images stay the same when the number of training images changes', () => {
  const fewer = syntheticDigits({ seed: 7, train: 30, test: 400 });
  expect(digestOf(fewer.test.images)).toBe(digestOf(testSplit.images));
  expect(digestOf(fewer.test.labels)).toBe(digestOf(testSplit.labels));
});

test('an image is ink on black with a free border, as MNIST has it', () => {
  for (const image of imagesOf(train)) {
    const ink = image.reduce((sum, value) => sum + value, 0) / 784 / 255;
    expect(ink).toBeGreaterThan(0.02);
    expect(ink).toBeLessThan(0.35);
    expect(Math.max(...image)).toBeGreaterThan(200);
  }
  const border = imagesOf(train).map((image) => image.subarray(0, 28).filter((value) => value > 110).length);
  expect(border.filter((inked) => inked > 0).length).toBeLessThan(5);
});

test('digits differ more than their drawings: the nearest mean image names most of them, but far from all', () => {
  const means = Array.from({ length: 10 }, () => new Float64Array(784));
  imagesOf(train).forEach((image, index) => {
    image.forEach((value, place) => {
      const mean = means[train.labels[index] ?? 0];
      if (mean) mean[place] = (mean[place] ?? 0) + value / 100;
    });
  });
  const right = imagesOf(testSplit).filter((image, index) => {
    const distances = means.map((mean) =>
      mean.reduce((sum, value, place) => sum + (value - (image[place] ?? 0)) ** 2, 0),
    );
    return distances.indexOf(Math.min(...distances)) === testSplit.labels[index];
  });
  expect(right.length / 400).toBeGreaterThan(0.65);
  expect(right.length / 400).toBeLessThan(0.92);
});

test('progress ends at all of them', () => {
  const seen: number[] = [];
  syntheticDigits({ seed: 1, train: 600, test: 100, onProgress: ({ drawn }) => void seen.push(drawn) });
  expect(seen).toEqual([500, 700]);
});

function imagesOf(split: Split): Uint8Array[] {
  return Array.from({ length: split.count }, (_, index) =>
    split.images.subarray(index * 784, (index + 1) * 784),
  );
}
