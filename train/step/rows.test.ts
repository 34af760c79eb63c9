import { expect, test } from 'vitest';
import { augmentations } from '../data/augment.ts';
import { inSharedMemory, type RowOptions } from './plan.ts';
import { RowMaker } from './rows.ts';

const images = Uint8Array.from({ length: 3 * 64 }, (_, i) => (i * 37) % 256);
const data = inSharedMemory({ images, labels: Uint8Array.of(2, 0, 1) });
const places = Uint32Array.of(2, 0);
const options: RowOptions = { classes: 3, seed: 1, augmentation: augmentations.full, labelSmoothing: 0.3 };
const maker = new RowMaker(data, options);

const asTheyAre = Float32Array.from(
  [...images.subarray(128), ...images.subarray(0, 64)],
  (value) => value / 255,
);

test('images are moved in another way in each epoch, and in the same way for the same seed', () => {
  const [first, second] = [1, 2].map((epoch) => maker.inputs(places, { epoch, plain: false }));
  expect(first).not.toEqual(asTheyAre);
  expect(second).not.toEqual(first);
  expect(new RowMaker(data, options).inputs(places, { epoch: 1, plain: false })).toEqual(first);
});

test('images are left as they are in a plain epoch', () => {
  expect(maker.inputs(places, { epoch: 1, plain: true })).toEqual(asTheyAre);
});

test('the wanted answers are those of the places, smoothed', () => {
  const answers = [...maker.answers(places)].map((share) => Number(share.toFixed(6)));
  expect(answers).toEqual([0.1, 0.8, 0.1, 0.1, 0.1, 0.8]);
});
