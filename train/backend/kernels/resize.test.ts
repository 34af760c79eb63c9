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

const [overlapping, scores] = [
  () => tf.tensor2d([0, 0, 1, 1, 0, 0.1, 1, 1.1, 0, -0.1, 1, 0.9, 0, 10, 1, 11, 0, 10.1, 1, 11.1], [5, 4]),
  () => tf.tensor1d([0.9, 0.75, 0.6, 0.95, 0.5]),
];
const boxes = () => tf.tensor2d([0, 0, 1, 1, 0.75, 0.2, 0.1, 0.9, -0.25, 0.5, 0.5, 1.5], [3, 4]);
const crop = (images: tf.Tensor, size: [number, number], method: 'bilinear' | 'nearest', outside?: number) =>
  tf.image.cropAndResize(
    images as tf.Tensor4D,
    boxes(),
    tf.tensor1d([1, 0, 1], 'int32'),
    size,
    method,
    outside,
  );

const boxed: Case[] = [
  ...sizes.flatMap((size): Case[] => [
    ['CropAndResize', () => crop(tensor([2, 4, 5, 3]), size, 'bilinear')],
    ['CropAndResize', () => crop(tensor([2, 4, 5, 3]), size, 'nearest', -1)],
  ]),
  ['CropAndResize', () => crop(tf.cast(tf.mul(tensor([2, 4, 5, 1]), 64), 'int32'), [3, 3], 'bilinear')],
  ['NonMaxSuppressionV3', () => tf.image.nonMaxSuppression(overlapping(), scores(), 4, 0.5, 0.55)],
  [
    'NonMaxSuppressionV4',
    () =>
      Object.values(
        tf.image.nonMaxSuppressionPadded(overlapping(), scores(), 4, 0.5, 0.55, true),
      ) as tf.Tensor[],
  ],
  [
    'NonMaxSuppressionV5',
    () =>
      Object.values(
        tf.image.nonMaxSuppressionWithScore(overlapping(), scores(), 4, 1, 0, 0.5),
      ) as tf.Tensor[],
  ],
];

testAgreement('resizings and boxes', [...forward, ...gradients, ...boxed]);
