import * as tf from '@tensorflow/tfjs-core';
import { type Case, testAgreement } from './agreement.ts';
import { tensor, withGradients } from './testing.ts';

const sizes: [number, number][] = [
  [8, 10],
  [3, 2],
  [1, 1],
  [7, 4],
];
const samplings: [boolean, boolean][] = [
  [false, false],
  [true, false],
  [false, true],
];

const forward: Case[] = sizes.flatMap((size) =>
  samplings.flatMap(([alignCorners, halfPixels]): Case[] => {
    const image = () => tensor([2, 4, 5, 3]) as tf.Tensor4D;
    return [
      ['ResizeBilinear', () => tf.image.resizeBilinear(image(), size, alignCorners, halfPixels)],
      [
        'ResizeNearestNeighbor',
        () => tf.image.resizeNearestNeighbor(image(), size, alignCorners, halfPixels),
      ],
    ];
  }),
);
// Square, because the cpu backend's bilinear gradient exchanges height and width in its shape; and one image, because
// its other one takes the second image's gradient from the wrong place.
const gradients: Case[] = sizes.flatMap((size) =>
  [false, true].flatMap((alignCorners): Case[] => [
    [
      'ResizeBilinearGrad',
      () =>
        withGradients(
          (x) => tf.image.resizeBilinear(x as tf.Tensor4D, size, alignCorners),
          [tensor([2, 4, 4, 3])],
        ),
    ],
    [
      'ResizeNearestNeighborGrad',
      () =>
        withGradients(
          (x) => tf.image.resizeNearestNeighbor(x as tf.Tensor4D, size, alignCorners),
          [tensor([1, 4, 5, 3])],
        ),
    ],
  ]),
);
testAgreement('resizings', [...forward, ...gradients]);
