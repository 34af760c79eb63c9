import * as tf from '@tensorflow/tfjs-core';
import { type Case, testAgreement } from './agreement.ts';
import { tensor, withGradients } from './testing.ts';

const variance = (shape: number[]) => tf.add(tf.square(tensor(shape, 3)), 0.1);
const image = () => tensor([2, 3, 4, 5]);

const batchNorms: Case[] = [
  [
    'FusedBatchNorm',
    () =>
      withGradients(
        (x, mean, spread, offset, scale) =>
          tf.batchNorm(
            x as tf.Tensor4D,
            mean as tf.Tensor1D,
            tf.abs(spread as tf.Tensor1D),
            offset as tf.Tensor1D,
            scale as tf.Tensor1D,
            1e-2,
          ),
        [image(), tensor([5], 2), variance([5]), tensor([5], 4), tensor([5], 5)],
      ),
  ],
  ...[
    [true, true],
    [true, false],
    [false, true],
    [false, false],
  ].map(
    ([offset, scale]): Case => [
      'FusedBatchNorm',
      () =>
        tf.batchNorm(
          image(),
          tensor([5], 2),
          variance([5]),
          offset ? tensor([5], 4) : undefined,
          scale ? tensor([5], 5) : undefined,
        ),
    ],
  ),
  [
    'FusedBatchNorm',
    () => tf.batchNorm(tensor([4, 5]), tensor([5], 2), variance([5]), tensor([5], 4), tensor([5], 5)),
  ],
  ['FusedBatchNorm', () => tf.batchNorm(image(), tensor([2, 3, 4, 5], 2), variance([2, 3, 4, 5]))],
];

testAgreement('normalizations', [
  ['Softmax', () => withGradients((x) => tf.softmax(x as tf.Tensor), [tensor([4, 6])])],
  ...batchNorms,
  ['LRN', () => tf.localResponseNormalization(tensor([2, 2, 3, 7]) as tf.Tensor4D, 2, 1.5, 0.7, 0.6)],
  [
    'LRNGrad',
    () =>
      withGradients(
        (x) => tf.localResponseNormalization(x as tf.Tensor4D, 2, 1.5, 0.7, 0.6),
        [tensor([2, 2, 3, 7])],
      ),
  ],
]);
