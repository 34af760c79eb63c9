import * as tf from '@tensorflow/tfjs-core';
import { type Case, testAgreement } from './agreement.ts';
import { tensor, withGradients } from './testing.ts';

const products: Case[] = [false, true].flatMap((ta) =>
  [false, true].flatMap((tb): Case[] => {
    const product = (a?: tf.Tensor, b?: tf.Tensor) => tf.matMul(a as tf.Tensor, b as tf.Tensor, ta, tb);
    const [left, right] = [ta ? [3, 2] : [2, 3], tb ? [4, 3] : [3, 4]];
    return [
      ['BatchMatMul', () => withGradients(product, [tensor(left), tensor(right, 2)])],
      ['BatchMatMul', () => withGradients(product, [tensor([5, ...left]), tensor([5, ...right], 2)])],
      ['BatchMatMul', () => product(tensor([5, ...left]), tensor(right, 2))],
      ['BatchMatMul', () => product(tensor([1, ...left]), tensor([1, ...right], 2))],
    ];
  }),
);

const activations = ['linear', 'relu', 'relu6', 'sigmoid', 'elu', 'leakyrelu', 'prelu'] as const;
const fused: Case[] = activations.flatMap((activation) => {
  const product = (a: tf.Tensor, b: tf.Tensor, bias?: tf.Tensor) =>
    tf.fused.matMul({
      a,
      b,
      activation,
      ...(bias ? { bias } : {}),
      ...(activation === 'leakyrelu' ? { leakyreluAlpha: 0.3 } : {}),
      ...(activation === 'prelu' ? { preluActivationWeights: tensor([5], 4) } : {}),
    });
  return [
    ['_FusedMatMul', () => product(tensor([4, 3]), tensor([3, 5], 2), tensor([5], 3))],
    ['_FusedMatMul', () => product(tensor([4, 3]), tensor([3, 5], 2))],
    ['_FusedMatMul', () => product(tensor([2, 4, 3]), tensor([2, 3, 5], 2), tensor([5], 3))],
  ];
});
/** TensorFlow.js has gradients for these activations only. */
const fusedGradients: Case[] = (['linear', 'relu', 'relu6', 'sigmoid', 'elu'] as const).map((activation) => [
  '_FusedMatMul',
  () =>
    withGradients(
      (a, b, bias) =>
        tf.fused.matMul({
          a: a as tf.Tensor,
          b: b as tf.Tensor,
          bias: bias as tf.Tensor,
          activation,
        }),
      [tensor([4, 3]), tensor([3, 5], 2), tensor([5], 3)],
    ),
]);

const einsums: Case[] = [
  ['Einsum', () => tf.einsum('ij,jk->ik', tensor([2, 3]), tensor([3, 4], 2))],
  ['Einsum', () => tf.einsum('bij,bkj->bik', tensor([2, 3, 4]), tensor([2, 5, 4], 2))],
  ['Einsum', () => tf.einsum('ij->j', tensor([2, 3]))],
  ['Einsum', () => tf.einsum('ij,->i', tensor([2, 3]), tf.scalar(3))],
];

testAgreement('products', [
  ...einsums,
  ...products,
  ...fused,
  ...fusedGradients,
  ['BatchMatMul', () => tf.matMul(tf.ones([2, 3], 'int32'), tf.ones([3, 2], 'int32'))],
  ['BatchMatMul', () => tf.matMul(tf.zeros([0, 3]), tf.ones([3, 2]))],
  ['BatchMatMul', () => tf.dot(tensor([4]), tensor([4], 2))],
  ['BatchMatMul', () => tf.outerProduct(tensor([4]) as tf.Tensor1D, tensor([3], 2) as tf.Tensor1D)],
]);
