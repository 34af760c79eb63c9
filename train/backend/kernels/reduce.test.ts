import * as tf from '@tensorflow/tfjs-core';
import { type Case, testAgreement } from './agreement.ts';
import { tensor, withGradients } from './testing.ts';

type Reduce = (x: tf.Tensor, axis?: number | number[], keepDims?: boolean) => tf.Tensor;

const reductions: [string, Reduce][] = [
  ['Sum', tf.sum],
  ['Prod', tf.prod],
  ['Mean', tf.mean],
  ['Max', tf.max],
  ['Min', tf.min],
];
/** Different everywhere: of equal extremes each backend may choose another for the gradient. */
const distinct = () => tf.reshape(tf.mul(tf.sin(tf.range(1, 25)), 2), [2, 3, 4]);
const wholes = () => tf.tensor([3, -1, 4, 1, -5, 9], [2, 3], 'int32');
const bools = () => tf.tensor([true, false, true, true, false, false], [3, 2]);

const cases: Case[] = [
  ...reductions.flatMap(([name, f]): Case[] => [
    [name, () => withGradients((x) => f(x as tf.Tensor), [distinct()])],
    [name, () => withGradients((x) => f(x as tf.Tensor, 1, true), [distinct()])],
    [name, () => withGradients((x) => f(x as tf.Tensor, 2), [distinct()])],
  ]),
  ...reductions.flatMap(([name, f]): Case[] => [
    [name, () => [f(distinct()), f(distinct(), 1, true), f(distinct(), -1)]],
    [name, () => f(distinct(), [0, 2])],
    [name, () => [f(wholes(), 0), f(wholes())]],
  ]),
  ['Sum', () => withGradients((x) => tf.sum(x as tf.Tensor, [0, 2]), [distinct()])],
  ['Mean', () => withGradients((x) => tf.mean(x as tf.Tensor, [0, 1]), [distinct()])],
  ['Sum', () => [tf.sum(bools(), 0), tf.sum(tensor([2, 3]), [])]],
  ['Prod', () => tf.prod(bools(), 0)],
  ['Mean', () => tf.mean(bools(), 1)],
  ['Max', () => tf.max(bools(), 1)],
  ['Any', () => [tf.any(bools(), 0), tf.any(bools(), [0, 1], true)]],
  ['All', () => [tf.all(bools(), 1), tf.all(bools())]],
  ['ArgMax', () => [tf.argMax(tensor([5, 7]), 1), tf.argMax(tensor([5, 7]), 0), tf.argMax(wholes(), -1)]],
  ['ArgMin', () => [tf.argMin(tensor([5, 7]), 1), tf.argMin(tensor([5, 7]), 0), tf.argMin(wholes(), -1)]],
  ...[
    [0, false, false],
    [1, true, false],
    [2, false, true],
    [2, true, true],
  ].flatMap(([axis, exclusive, reverse]): Case[] => {
    const [along, without, backwards] = [axis as number, exclusive === true, reverse === true];
    return [
      ['Cumsum', () => tf.cumsum(distinct(), along, without, backwards)],
      ['Cumprod', () => tf.cumprod(distinct(), along, without, backwards)],
    ];
  }),
  ['Cumsum', () => withGradients((x) => tf.cumsum(x as tf.Tensor, 2, true, false), [distinct()])],
  ['Cumsum', () => [tf.cumsum(wholes(), 1), tf.cumsum(bools(), 0)]],
  ['Cumprod', () => [tf.cumprod(wholes(), 1), tf.cumprod(tf.range(1, 12, 1, 'int32'))]],

  // TensorFlow.js composes these.
  ['Max', () => withGradients((x) => tf.logSumExp(x as tf.Tensor, 1), [distinct()])],
  ['Sum', () => withGradients((x) => tf.logSoftmax(x as tf.Tensor), [distinct()])],
  ['Mean', () => Object.values(tf.moments(distinct(), [0, 1]))],
  [
    'Sum',
    () => (['euclidean', 1, Number.POSITIVE_INFINITY] as const).map((order) => tf.norm(distinct(), order)),
  ],

  // NaN is every extreme, and in no place.
  ...[
    ['Max', tf.max],
    ['Min', tf.min],
    ['ArgMax', tf.argMax],
    ['ArgMin', tf.argMin],
  ].map(
    ([name, f]): Case => [name as string, () => (f as typeof tf.argMax)(tf.tensor([1, Number.NaN, 2]), 0)],
  ),

  // Over nothing
  ['Sum', () => [tf.sum(tf.zeros([0, 3]), 0), tf.sum(tf.zeros([0, 3]), 1), tf.sum(tf.zeros([0]))]],
  ['Prod', () => tf.prod(tf.zeros([0, 3]), 0)],
];
testAgreement('reductions', cases);
