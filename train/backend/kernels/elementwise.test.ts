import * as tf from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { useOnnxRuntime } from '../register.ts';
import { type Case, testAgreement } from './agreement.ts';
import { tensor, withGradients } from './testing.ts';

type Binary = (a: tf.Tensor, b: tf.Tensor) => tf.Tensor;

const above0 = (shape: number[], seed = 1) => tf.add(tf.abs(tensor(shape, seed)), 0.5);
const wholes = (...values: number[]) => tf.tensor(values, [values.length], 'int32');
const bools = (...values: boolean[]) => tf.tensor(values);

/** Both operands are broadcast; `b` is kept off 0 where it must be. */
const differentiable: [string, Binary, (shape: number[], seed: number) => tf.Tensor][] = [
  ['Add', tf.add, tensor],
  ['Sub', tf.sub, tensor],
  ['Multiply', tf.mul, tensor],
  ['RealDiv', tf.div, above0],
  ['Mod', tf.mod, above0],
  ['Atan2', tf.atan2, above0],
];
const shapePairs: [number[], number[]][] = [
  [[2, 3, 4], [4]],
  [
    [2, 1, 4],
    [3, 1],
  ],
  [[3], [3]],
  [[], [2, 2]],
];

const comparable: [string, Binary][] = [
  ['Equal', tf.equal],
  ['NotEqual', tf.notEqual],
  ['Greater', tf.greater],
  ['GreaterEqual', tf.greaterEqual],
  ['Less', tf.less],
  ['LessEqual', tf.lessEqual],
];

const odd = [Number.NaN, Number.POSITIVE_INFINITY, 0, 1];
const allPairs = (f: Binary) => () => f(tf.tensor(odd, [4, 1]), tf.tensor(odd));

const cases: Case[] = [
  ...differentiable.flatMap(([name, f, second]) =>
    shapePairs.map(
      ([a, b]): Case => [
        name,
        () => withGradients((x, y) => f(x as tf.Tensor, y as tf.Tensor), [tensor(a), second(b, 2)]),
      ],
    ),
  ),
  // TensorFlow.js's gradients of these know no broadcasting.
  ...(
    [
      ['Maximum', tf.maximum],
      ['Minimum', tf.minimum],
      ['SquaredDifference', tf.squaredDifference],
    ] as const
  ).flatMap(([name, f]): Case[] => [
    [
      name,
      () => withGradients((a, b) => f(a as tf.Tensor, b as tf.Tensor), [tensor([3, 4]), tensor([3, 4], 2)]),
    ],
    [name, () => f(tensor([2, 1, 4]), tensor([3, 1], 2))],
  ]),
  [
    'Pow',
    () =>
      withGradients((a, b) => tf.pow(a as tf.Tensor, b as tf.Tensor), [above0([3, 4]), tensor([3, 4], 2)]),
  ],
  ['Multiply', () => tf.mul(tensor([3, 4]), tf.step(tensor([3, 4], 2)))],
  ...comparable.flatMap(([name, f]): Case[] => [
    [name, () => f(tensor([4, 4]), tensor([4], 2))],
    [name, () => f(wholes(1, 2, 3), wholes(3, 2, 1))],
    [name, () => f(bools(true, false, true), bools(true, true, false))],
    [name, allPairs(f)],
  ]),
  ['LogicalAnd', () => tf.logicalAnd(bools(true, true, false, false), bools(true, false, true, false))],
  ['LogicalOr', () => tf.logicalOr(bools(true, true, false, false), bools(true, false, true, false))],
  ['LogicalOr', () => tf.logicalXor(bools(true, true, false, false), bools(true, false, true, false))],
  [
    'AddN',
    () => withGradients((...xs) => tf.addN(xs), [tensor([2, 3]), tensor([2, 3], 2), tensor([2, 3], 3)]),
  ],
  ['AddN', () => tf.addN([wholes(1, 2), wholes(3, 4)])],

  // Whole numbers: by 0 too, and on both sides of it.
  ['FloorDiv', () => tf.floorDiv(wholes(7, -7, 7, -7, 5, 2147483647), wholes(2, 2, -2, -2, 0, -1))],
  ['FloorDiv', () => tf.floorDiv(wholes(-2147483648, -2147483648), wholes(3, 7))],
  ['FloorDiv', () => tf.floorDiv(tf.tensor([7, -7, 0.5]), tf.tensor([2, 2, 0.2]))],
  ['FloorDiv', () => tf.div(wholes(7, -8), wholes(2, 3))],
  ['Mod', () => tf.mod(wholes(7, -7, 7, -7, 5, -2147483648), wholes(3, 3, -3, -3, 0, -1))],
  ['Mod', () => tf.mod(tf.tensor([7, -7, 7, -7, 1e-9]), tf.tensor([3, 3, -3, -3, 1]))],
  ['Pow', () => tf.pow(wholes(2, 3, -2, 5), wholes(10, 0, 3, 1))],
  ['BitwiseAnd', () => tf.bitwiseAnd(wholes(12, 7, -1), wholes(10, 2, 6))],
  ['Multiply', () => [tf.mul(wholes(3, -4), wholes(5, 6)), tf.mul(bools(true, false), bools(true, true))]],
  ['SquaredDifference', () => tf.squaredDifference(wholes(3, -4), wholes(5, 6))],
  ['Maximum', () => [tf.maximum(wholes(3, -4), wholes(2, 6)), tf.maximum(tf.tensor(odd), tf.zeros([4]))]],
  ['Add', () => tf.add(wholes(1, 2), tf.tensor([0.5, 0.25]))],
  ['Atan2', () => tf.atan2(tf.tensor([0, 1, 1, 0, -1, -1, -1, 0]), tf.tensor([1, 1, 0, -1, -1, 0, 1, 0]))],

  [
    'Select',
    () =>
      withGradients(
        (a, b) => tf.where(tf.greater(tensor([3, 4], 3), 0), a as tf.Tensor, b as tf.Tensor),
        [tensor([3, 4]), tensor([3, 4], 2)],
      ),
  ],
  ['Select', () => tf.where(bools(true, false), wholes(1, 2), wholes(3, 4))],
  ['Select', () => tf.where(bools(true, false), bools(true, true), bools(false, false))],
  ['Select', () => tf.where(tf.scalar(true), tensor([2, 2]), tensor([2, 2], 2))],
];
testAgreement('functions of two tensors', cases);

test('LogicalXor is true where one of two is', async () => {
  await useOnnxRuntime({ threads: 1 });
  const either = tf.tidy(() => {
    const [a, b] = [bools(true, true, false, false), bools(true, false, true, false)];
    return (tf.engine().runKernel('LogicalXor', { a, b }) as tf.Tensor).arraySync();
  });
  expect(either).toEqual([0, 1, 1, 0]);
});
