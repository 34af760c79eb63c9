import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, test } from 'vitest';
import { useOnnxRuntime } from '../register.ts';
import { type Case, testAgreement } from './agreement.ts';
import { tensor, withGradients } from './testing.ts';

type Unary = (x: tf.Tensor) => tf.Tensor;

const within = (low: number, high: number) => () =>
  tf.add(tf.mul(tensor([3, 5]), (high - low) / 2), (high + low) / 2);
const anywhere = within(-3, 3);
const noKink = () => tf.add(tensor([3, 5]), 1 / 128);

/** The function and where it is defined and has a gradient that TensorFlow.js knows. */
const differentiable: [string, Unary, () => tf.Tensor][] = [
  ['Abs', tf.abs, noKink],
  ['Acos', tf.acos, within(-0.9, 0.9)],
  ['Acosh', tf.acosh, within(1.2, 4)],
  ['Asin', tf.asin, within(-0.9, 0.9)],
  ['Asinh', tf.asinh, anywhere],
  ['Atan', tf.atan, anywhere],
  ['Atanh', tf.atanh, within(-0.9, 0.9)],
  ['Ceil', tf.ceil, anywhere],
  ['Cos', tf.cos, anywhere],
  ['Cosh', tf.cosh, anywhere],
  ['Elu', tf.elu, anywhere],
  ['Erf', tf.erf, anywhere],
  ['Exp', tf.exp, anywhere],
  ['Expm1', tf.expm1, anywhere],
  ['Floor', tf.floor, anywhere],
  ['LeakyRelu', (x) => tf.leakyRelu(x, 0.3), anywhere],
  ['Log', tf.log, within(0.1, 4)],
  ['Log1p', tf.log1p, within(-0.9, 4)],
  ['Neg', tf.neg, anywhere],
  ['Reciprocal', tf.reciprocal, within(0.2, 3)],
  ['Relu', tf.relu, anywhere],
  ['Relu6', tf.relu6, within(-9, 9)],
  ['Round', tf.round, anywhere],
  ['Rsqrt', tf.rsqrt, within(0.2, 3)],
  ['Selu', tf.selu, anywhere],
  ['Sigmoid', tf.sigmoid, anywhere],
  ['Sign', tf.sign, anywhere],
  ['Sin', tf.sin, anywhere],
  ['Sinh', tf.sinh, anywhere],
  ['Softplus', tf.softplus, anywhere],
  ['Sqrt', tf.sqrt, within(0.2, 3)],
  ['Square', tf.square, anywhere],
  ['Step', (x) => tf.step(x, 0.25), anywhere],
  ['Tan', tf.tan, within(-1.2, 1.2)],
  ['Tanh', tf.tanh, anywhere],
];

const odd = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0, 1, -1];
const special = (f: Unary) => () => f(tf.tensor(odd));

const cases: Case[] = [
  ...differentiable.map(([name, f, x]): Case => [name, () => withGradients((y) => f(y as tf.Tensor), [x()])]),
  [
    'Prelu',
    () =>
      withGradients(
        (x, a) => tf.prelu(x as tf.Tensor, a as tf.Tensor),
        [tensor([2, 3, 4]), tensor([3, 1], 2)],
      ),
  ],
  ['EluGrad', () => tf.engine().runKernel('EluGrad', { dy: tensor([9], 2), y: tensor([9]) }) as tf.Tensor],
  ['IsNan', special(tf.isNaN)],
  ['IsInf', special(tf.isInf)],
  ['IsFinite', special(tf.isFinite)],
  ['Step', special((x) => tf.step(x))],
  ['Relu', () => withGradients((x) => tf.relu(x as tf.Tensor), [tf.tensor([...odd, 1e-37, -1e-37])])],
  ['Sign', special(tf.sign)],
  ['Expm1', special(tf.expm1)],
  ['Log1p', special(tf.log1p)],
  ['Sigmoid', special(tf.sigmoid)],
  ['Softplus', special(tf.softplus)],
  ['Round', () => tf.round(tf.tensor([-2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 3.49]))],
  ['Exp', () => tf.exp(tf.tensor([0, 1, 2], [3], 'int32'))],
  ['LogicalNot', () => tf.logicalNot(tf.greater(tensor([4, 4]), 0))],
  ['ClipByValue', () => withGradients((x) => tf.clipByValue(x as tf.Tensor, -0.4, 0.3), [tensor([4, 6])])],
  ['ClipByValue', () => tf.clipByValue(tf.tensor([-3, 0, 9], [3], 'int32'), -1, 5)],
  ['ClipByValue', () => tf.clipByValue(tf.tensor([-3, 0, 9], [3], 'int32'), 1e-7, Number.MAX_VALUE)],
  ['Identity', () => tf.clone(tensor([2, 3]))],
  [
    'Cast',
    () => [
      tf.cast(tf.mul(tensor([3, 4]), 5), 'int32'),
      tf.cast(tensor([3, 4]), 'bool'),
      tf.cast(tf.tensor([1, 2], [2], 'int32'), 'float32'),
    ],
  ],
  // On whole numbers and on bools, as the cpu backend has them: cut to the type of what came in.
  ...['Abs', 'Ceil', 'Cos', 'Neg', 'Relu', 'Relu6', 'Sign', 'Sqrt', 'Square', 'Step', 'Tanh', 'IsNan'].map(
    (name): Case => [
      name,
      () =>
        [
          tf.tensor(name === 'Sqrt' ? [0, 4] : [-3, 0, 1, 4], undefined, 'int32'),
          tf.tensor([false, true]),
        ].map((x) => tf.engine().runKernel(name, { x }, { alpha: 0 }) as tf.Tensor),
    ],
  ),
];
testAgreement('functions of one tensor', cases);

describe('near 0, where 1 + x rounds x away', () => {
  test.each([
    ['expm1', tf.expm1, Math.expm1],
    ['log1p', tf.log1p, Math.log1p],
  ] as const)('%s keeps all digits', async (_, f, exact) => {
    await useOnnxRuntime({ threads: 1 });
    const xs = [1e-20, -1e-10, 3e-8, -5e-5, 1e-3];
    const y = f(tf.tensor(xs));
    const results = await y.data();
    xs.forEach((x, i) => {
      expect(Math.abs((results[i] ?? 0) / exact(Math.fround(x)) - 1)).toBeLessThan(1e-6);
    });
    y.dispose();
  });
});
