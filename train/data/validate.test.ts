import { expect, test } from 'vitest';
import { UserError } from '../../cli/errors.ts';
import type { Dataset, Split } from './load.ts';
import { validate } from './validate.ts';

/** Images whose first pixel and last pixel are as given, the rest background. */
function split(rows: readonly (readonly [label: number, first: number, last: number])[]): Split {
  const images = new Uint8Array(rows.length * 784);
  rows.forEach(([, first, last], index) => {
    images[index * 784] = first;
    images[index * 784 + 783] = last;
  });
  return { images, labels: Uint8Array.from(rows, ([label]) => label), count: rows.length };
}

function dataset(train: Split, test: Split): Dataset {
  return { name: 'mnist', synthetic: false, classes: ['a', 'b'], train, test };
}

const fine = split([
  [0, 10, 1],
  [1, 20, 1],
  [1, 30, 1],
]);

test('counts, pixel figures and imbalance are those of the images', () => {
  const { train, problems } = validate(dataset(fine, split([[0, 1, 2], [1, 2, 1]]))); // biome-ignore format: two rows
  const mean = 63 / (3 * 784);
  expect(train).toMatchObject({ count: 3, perClass: [1, 2], imbalance: 2, blank: 0, duplicates: 0 });
  expect(train.pixels).toMatchObject({ min: 0, max: 30 });
  expect(train.pixels.mean).toBeCloseTo(mean, 12);
  expect(train.pixels.std).toBeCloseTo(Math.sqrt((100 + 400 + 900 + 3) / (3 * 784) - mean * mean), 12);
  expect(problems).toEqual([]);
});

test('an image that is there again is counted, within a set and between the sets', () => {
  const train = split([[0, 5, 1], [1, 5, 1], [1, 6, 1], [1, 5, 1]]); // biome-ignore format: rows
  const test = split([[0, 6, 1], [1, 9, 1], [1, 5, 1]]); // biome-ignore format: rows
  const figures = validate(dataset(train, test));
  expect(figures.train.duplicates).toBe(2);
  expect(figures.test.duplicates).toBe(0);
  expect(figures.duplicatesAcross).toBe(2);
  expect(figures.problems).toEqual([
    '2 training images are there more than once',
    '2 images are in both the training and the test set: the test flatters the model',
  ]);
});

test('uneven classes and single blank images are named as problems', () => {
  const train = split([[0, 1, 2], [1, 0, 0], [1, 3, 1], [1, 4, 1], [1, 5, 1]]); // biome-ignore format: rows
  const { problems } = validate(dataset(train, split([[0, 7, 1], [1, 8, 1]]))); // biome-ignore format: rows
  expect(problems).toEqual([
    '1 training images are blank',
    "the largest class of the training set has 4.0 times the smallest's images",
  ]);
});

test('a class without images is refused by its name', () => {
  const onlyFirst = split([[0, 1, 2]]); // biome-ignore format: rows
  expect(() => validate(dataset(onlyFirst, fine))).toThrow(/^The training set of mnist has no image of b:/);
  expect(() => validate(dataset(fine, onlyFirst))).toThrow(/^The test set of mnist has no image of b:/);
  expect(() => validate(dataset(fine, onlyFirst))).toThrow(UserError);
});

test('mostly blank images are refused, whatever their grey', () => {
  const blank = split([[0, 0, 0], [1, 0, 0], [1, 3, 1]]); // biome-ignore format: rows
  expect(() => validate(dataset(blank, fine))).toThrow(/^2 of the 3 training images of mnist are blank/);
  const grey = { ...fine, images: new Uint8Array(fine.images.length).fill(7) };
  expect(() => validate(dataset(grey, fine))).toThrow(/^3 of the 3 training images/);
});
