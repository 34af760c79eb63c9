import * as tf from '@tensorflow/tfjs-core';
import { afterAll, describe, expect, test } from 'vitest';
import { kernels } from './kernels/all.ts';
import { useOnnxRuntime } from './register.ts';
import { expectSameAsCpu, values } from './testing.ts';

afterAll(() => tf.removeBackend('onnxruntime'));

const tensor = (shape: number[], seed = 1) => tf.tensor(values(tf.util.sizeFromShape(shape), seed), shape);
const positive = (shape: number[], seed = 1) => tf.add(tf.abs(tensor(shape, seed)), 0.5);

/** The results and all gradients of `f`, weighted so that no two elements count the same. */
function withGradients(f: (...inputs: tf.Tensor[]) => tf.Tensor, inputs: tf.Tensor[]): tf.Tensor[] {
  const result = f(...inputs);
  return [result, ...tf.grads(f)(inputs, tensor(result.shape, 77))];
}

type Case = readonly [name: string, compute: () => tf.Tensor | tf.Tensor[], tolerance?: number];

const unaryWithGradient: Case[] = [
  ['Abs', () => withGradients((x) => tf.abs(x as tf.Tensor), [positive([3, 5])])],
  ['Exp', () => withGradients((x) => tf.exp(x as tf.Tensor), [tensor([3, 5])])],
  ['Log', () => withGradients((x) => tf.log(x as tf.Tensor), [positive([3, 5])])],
  ['Neg', () => withGradients((x) => tf.neg(x as tf.Tensor), [tensor([3, 5])])],
  ['Relu', () => withGradients((x) => tf.relu(x as tf.Tensor), [tensor([3, 5])])],
  ['Reciprocal', () => tf.reciprocal(positive([3, 5]))],
  ['Sqrt', () => withGradients((x) => tf.sqrt(x as tf.Tensor), [positive([3, 5])])],
  ['Square', () => withGradients((x) => tf.square(x as tf.Tensor), [tensor([3, 5])])],
  ['Floor', () => tf.floor(tf.mul(tensor([3, 5]), 4))],
  [
    'Step',
    () => [tf.step(tensor([3, 5])), tf.step(tensor([3, 5]), 0.25), tf.step(tf.tensor([Number.NaN, 1]))],
  ],
  ['ClipByValue', () => withGradients((x) => tf.clipByValue(x as tf.Tensor, -0.4, 0.3), [tensor([4, 6])])],
  ['Identity', () => tf.clone(tensor([2, 3]))],
  ['ZerosLike', () => tf.zerosLike(tensor([2, 3]))],
  ['OnesLike', () => tf.onesLike(tensor([2, 3]))],
  ['Fill', () => [tf.fill([2, 3], 7.5), tf.fill([4], 3, 'int32')]],
];

const binary: Case[] = [
  [
    'Add',
    () =>
      withGradients((a, b) => tf.add(a as tf.Tensor, b as tf.Tensor), [tensor([2, 3, 4]), tensor([4], 2)]),
  ],
  [
    'Sub',
    () =>
      withGradients((a, b) => tf.sub(a as tf.Tensor, b as tf.Tensor), [tensor([2, 3, 4]), tensor([3, 1], 2)]),
  ],
  [
    'Multiply',
    () =>
      withGradients((a, b) => tf.mul(a as tf.Tensor, b as tf.Tensor), [tensor([2, 3]), tensor([2, 3], 2)]),
  ],
  ['Multiply', () => tf.mul(tensor([3, 4]), tf.step(tensor([3, 4], 2)))],
  [
    'RealDiv',
    () => withGradients((a, b) => tf.div(a as tf.Tensor, b as tf.Tensor), [tensor([2, 3]), positive([3], 2)]),
  ],
  ['Maximum', () => tf.maximum(tensor([3, 4]), tensor([3, 4], 2))],
  ['Minimum', () => tf.minimum(tensor([3, 4]), tensor([3, 4], 2))],
  ['Pow', () => tf.pow(positive([3, 4]), tensor([3, 4], 2))],
  ['Equal', () => tf.equal(tensor([4, 4]), tensor([4, 4], 2))],
  ['Greater', () => tf.greater(tensor([4, 4]), tensor([4], 2))],
  ['GreaterEqual', () => tf.greaterEqual(tensor([4, 4]), tensor([4], 2))],
  ['Less', () => tf.less(tensor([4, 4]), tensor([4], 2))],
  ['LessEqual', () => tf.lessEqual(tensor([4, 4]), tensor([4], 2))],
  ['LogicalAnd', () => tf.logicalAnd(tf.greater(tensor([4, 4]), 0), tf.less(tensor([4, 4]), 0.5))],
  ['LogicalNot', () => tf.logicalNot(tf.greater(tensor([4, 4]), 0))],
  [
    'Select',
    () =>
      withGradients(
        (a, b) => tf.where(tf.greater(tensor([3, 4], 3), 0), a as tf.Tensor, b as tf.Tensor),
        [tensor([3, 4]), tensor([3, 4], 2)],
      ),
  ],
  [
    'Cast',
    () => [
      tf.cast(tf.mul(tensor([3, 4]), 5), 'int32'),
      tf.cast(tensor([3, 4]), 'bool'),
      tf.cast(tf.tensor([1, 2], [2], 'int32'), 'float32'),
    ],
  ],
];

const reductions: Case[] = [
  ['Sum', () => withGradients((x) => tf.sum(x as tf.Tensor, [0, 2]), [tensor([2, 3, 4])])],
  ['Sum', () => [tf.sum(tensor([2, 3, 4]), 1, true), tf.sum(tf.greater(tensor([5]), 0))]],
  ['Mean', () => withGradients((x) => tf.mean(x as tf.Tensor, 1), [tensor([3, 4])])],
  [
    'Max',
    () =>
      withGradients(
        (x) => tf.max(x as tf.Tensor, 1),
        [
          tf.tensor([
            [1, 5, 3],
            [9, 2, 4],
          ]),
        ],
      ),
  ],
  ['ArgMax', () => [tf.argMax(tensor([5, 7]), 1), tf.argMax(tensor([5, 7]), 0)]],
  ['Softmax', () => withGradients((x) => tf.softmax(x as tf.Tensor), [tensor([4, 6])])],
];

const sumOverNothing: Case = ['Sum', () => tf.sum(tensor([2, 3]), [])];

const shapes: Case[] = [
  ['Reshape', () => withGradients((x) => tf.reshape(x as tf.Tensor, [4, -1]), [tensor([2, 6])])],
  ['ExpandDims', () => [tf.expandDims(tensor([2, 3]), 1), tf.expandDims(tensor([2, 3]), -1)]],
  ['Transpose', () => withGradients((x) => tf.transpose(x as tf.Tensor, [2, 0, 1]), [tensor([2, 3, 4])])],
  ['Slice', () => [tf.slice(tensor([4, 5]), [1, 2], [2, -1]), tf.slice(tensor([4, 5]), 2)]],
  ['Concat', () => tf.concat([tensor([2, 3]), tensor([2, 2], 2)], 1)],
  ['GatherV2', () => tf.gather(tensor([4, 3]), tf.tensor1d([3, 0, 3], 'int32'))],
];

const products: Case[] = [false, true].flatMap((ta) =>
  [false, true].flatMap((tb): Case[] => [
    [
      'BatchMatMul',
      () =>
        withGradients(
          (a, b) => tf.matMul(a as tf.Tensor2D, b as tf.Tensor2D, ta, tb),
          [tensor(ta ? [3, 2] : [2, 3]), tensor(tb ? [4, 3] : [3, 4], 2)],
        ),
    ],
    [
      'BatchMatMul',
      () => tf.matMul(tensor(ta ? [5, 3, 2] : [5, 2, 3]), tensor(tb ? [5, 4, 3] : [5, 3, 4], 2), ta, tb),
    ],
  ]),
);
const fusedProducts: Case[] = (['linear', 'relu', 'sigmoid', 'elu'] as const).map((activation) => [
  '_FusedMatMul',
  () =>
    tf.fused.matMul({
      a: tensor([4, 3]) as tf.Tensor2D,
      b: tensor([3, 5], 2) as tf.Tensor2D,
      bias: tensor([5], 3),
      activation,
    }),
]);

/** [image, filter, strides, padding]: each with its gradients for image and filter. */
const convolutionCases: [number[], number[], number, 'same' | 'valid' | number][] = [
  [[2, 7, 6, 1], [3, 3, 1, 4], 1, 'valid'],
  [[2, 7, 6, 3], [3, 3, 3, 4], 1, 'valid'],
  [[2, 7, 6, 3], [3, 3, 3, 4], 1, 'same'],
  [[2, 7, 6, 3], [2, 3, 3, 4], 1, 'same'],
  [[2, 9, 8, 3], [3, 3, 3, 4], 2, 'valid'],
  [[2, 9, 8, 3], [3, 3, 3, 4], 2, 'same'],
  [[2, 9, 8, 3], [5, 2, 3, 4], 3, 'same'],
  [[1, 5, 5, 2], [1, 1, 2, 3], 1, 'valid'],
  [[2, 6, 6, 2], [3, 3, 2, 3], 1, 2],
];
const convolutions: Case[] = convolutionCases.map(([image, filter, strides, pad]) => [
  'Conv2D',
  () =>
    withGradients(
      (x, w) => tf.conv2d(x as tf.Tensor4D, w as tf.Tensor4D, strides, pad),
      [tensor(image), tensor(filter, 2)],
    ),
]);
const fusedConvolutions: Case[] = (['linear', 'relu'] as const).map((activation) => [
  'FusedConv2D',
  () =>
    tf.fused.conv2d({
      x: tensor([2, 7, 6, 3]) as tf.Tensor4D,
      filter: tensor([3, 3, 3, 4], 2) as tf.Tensor4D,
      strides: 1,
      pad: 'same',
      bias: tensor([4], 3),
      activation,
    }),
]);
const dilated: Case = [
  'Conv2D',
  () =>
    tf.conv2d(
      tensor([2, 9, 9, 2]) as tf.Tensor4D,
      tensor([3, 3, 2, 3], 2) as tf.Tensor4D,
      1,
      'valid',
      'NHWC',
      2,
    ),
];

const pools: Case[] = [
  ...(
    [
      [[2, 6, 6, 3], 2],
      [[2, 7, 5, 3], 2],
      [[1, 9, 9, 2], 3],
      [[2, 7, 7, 1], 2],
    ] as [number[], number][]
  ).map(
    ([image, size]): Case => [
      'MaxPool',
      () => withGradients((x) => tf.maxPool(x as tf.Tensor4D, size, size, 'valid'), [tensor(image)]),
    ],
  ),
  ['MaxPool', () => tf.maxPool(tensor([2, 7, 7, 3]) as tf.Tensor4D, 3, 2, 'same')],
];

/** The merged forms: a convolution with bias, ReLU and max-pool, forward and back, as a layer stack has them. */
const stacks: Case[] = (
  [
    [[3, 8, 8, 2], 2],
    [[3, 9, 9, 2], 2],
    [[2, 11, 11, 1], 3],
    [[3, 9, 9, 1], 2],
  ] as [number[], number][]
).map(([image, size]) => [
  'MaxPoolGrad',
  () =>
    withGradients(
      (x, w, b) =>
        tf.maxPool(
          tf.relu(
            tf.add(tf.conv2d(x as tf.Tensor4D, w as tf.Tensor4D, 1, 'valid'), b as tf.Tensor),
          ) as tf.Tensor4D,
          size,
          size,
          'valid',
        ),
      [tensor(image), tensor([3, 3, image[3] ?? 1, 4], 2), tensor([4], 3)],
    ),
]);
/** Two such stacks, where the second one's pool leaves a row and a column out of what the first one gave. */
const twoStacks: Case = [
  'MaxPoolGrad',
  () => {
    const layer = (x: tf.Tensor, w: tf.Tensor, b: tf.Tensor) =>
      tf.maxPool(
        tf.relu(tf.add(tf.conv2d(x as tf.Tensor4D, w as tf.Tensor4D, 1, 'valid'), b)) as tf.Tensor4D,
        2,
        2,
        'valid',
      );
    return withGradients(
      (w1, b1, w2, b2) =>
        layer(
          layer(tensor([2, 15, 14, 1]), w1 as tf.Tensor, b1 as tf.Tensor),
          w2 as tf.Tensor,
          b2 as tf.Tensor,
        ),
      [tensor([3, 3, 1, 4], 2), tensor([4], 3), tensor([2, 3, 4, 3], 4), tensor([3], 5)],
    );
  },
];
/** Where the ReLU's result has another user too, the merged gradient must not be taken for the whole one. */
const sharedRelu: Case = [
  'MaxPoolGrad',
  () =>
    withGradients(
      (x) => {
        const active = tf.relu(x as tf.Tensor4D);
        return tf.add(tf.sum(tf.maxPool(active, 2, 2, 'valid')), tf.sum(tf.mul(active, active)));
      },
      [tensor([2, 6, 6, 3])],
    ),
];
/** A leaky step is not a ReLU's: the sum over it must count the small gradients too. */
const leakyStep: Case = [
  'MaxPoolGrad',
  () => {
    const z = tf.sub(tensor([1, 4, 4, 2]), 0.5);
    const active = tf.relu(z);
    const gradient = tf.grad((x) => tf.maxPool(x as tf.Tensor4D, 2, 2, 'valid'))(
      active,
      tensor([1, 2, 2, 2], 3),
    );
    return tf.sum(tf.mul(gradient, tf.step(z, 0.5)), [0, 1, 2]);
  },
];
/** The ReLU before the pool is not part of what is differentiated: ties at zero go to the first place. */
const detachedRelu: Case = [
  'MaxPoolGrad',
  () => {
    const active = tf.relu(tensor([2, 6, 6, 3]));
    return tf.grad((x) => tf.maxPool(x as tf.Tensor4D, 2, 2, 'valid'))(active, tensor([2, 3, 3, 3], 5));
  },
];
/** The sum of a pool's gradient over all but the channels is taken at the pooled size. */
const sharedConvolution: Case = [
  'Conv2D',
  () =>
    withGradients(
      (x, w, b) => {
        const y = tf.conv2d(x as tf.Tensor4D, w as tf.Tensor4D, 1, 'valid');
        return tf.add(tf.relu(tf.add(y, b as tf.Tensor)), y);
      },
      [tensor([2, 6, 6, 2]), tensor([3, 3, 2, 4], 2), tensor([4], 3)],
    ),
];

const cases: Case[] = [
  ...unaryWithGradient,
  ...binary,
  ...reductions,
  sumOverNothing,
  leakyStep,
  ...shapes,
  ...products,
  ...fusedProducts,
  ...convolutions,
  ...fusedConvolutions,
  dilated,
  ...pools,
  ...stacks,
  twoStacks,
  sharedRelu,
  detachedRelu,
  sharedConvolution,
];

describe('every kernel and its gradient agree with the plain cpu backend', () => {
  test.each(cases.map((each, i) => [`${each[0]} (${i})`, each] as const))(
    '%s',
    async (_, [, compute, tolerance]) => {
      await expectSameAsCpu(compute, tolerance);
    },
  );

  test('no kernel is without a case', () => {
    const reachedByGradients = ['Conv2DBackpropInput', 'Conv2DBackpropFilter'];
    const covered = new Set([...cases.map(([name]) => name), ...reachedByGradients]);
    expect(kernels.map(({ name }) => name).filter((name) => !covered.has(name))).toEqual([]);
  });
});

describe('what the backend cannot do fails with the kernel in the message', () => {
  test('a kernel that it does not have', async () => {
    await useOnnxRuntime({ threads: 1 });
    expect(() => tf.tidy(() => tf.erf(tf.tensor([1, 2])))).toThrow(
      /'Erf' not registered for the backend 'onnxruntime'|Erf/,
    );
  });

  test('an overlapping max-pool gradient', async () => {
    await useOnnxRuntime({ threads: 1 });
    const gradient = () => tf.grad((x) => tf.maxPool(x as tf.Tensor4D, 3, 2, 'valid'))(tensor([1, 7, 7, 1]));
    expect(() => tf.tidy(gradient)).toThrow(/MaxPoolGrad: windows must not overlap/);
  });
});
