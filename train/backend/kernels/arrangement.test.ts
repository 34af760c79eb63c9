import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, test } from 'vitest';
import { useOnnxRuntime } from '../register.ts';
import { type Case, testAgreement } from './agreement.ts';
import { tensor, withGradients } from './testing.ts';

const wholes = (shape: number[]) => tf.reshape(tf.range(0, tf.util.sizeFromShape(shape), 1, 'int32'), shape);
const bools = () => tf.greater(tensor([2, 3]), 0);
const of = (f: (x: tf.Tensor) => tf.Tensor, shape: number[]) => () =>
  withGradients((x) => f(x as tf.Tensor), [tensor(shape)]);
const image = (shape: number[]) => tensor(shape) as tf.Tensor4D;

const shapes: Case[] = [
  ['Reshape', of((x) => tf.reshape(x, [4, -1]), [2, 6])],
  ['ExpandDims', () => [tf.expandDims(tensor([2, 3]), 1), tf.expandDims(tensor([2, 3]), -1)]],
  ['Reshape', () => [tf.squeeze(tensor([1, 3, 1])), tf.reshape(tensor([1]), [])]],
  ['Transpose', of((x) => tf.transpose(x, [2, 0, 1]), [2, 3, 4])],
  ['DepthToSpace', () => tf.depthToSpace(image([2, 3, 2, 8]), 2)],
  [
    'SpaceToBatchND',
    () =>
      tf.spaceToBatchND(
        image([2, 3, 4, 2]),
        [2, 3],
        [
          [1, 0],
          [0, 2],
        ],
      ),
  ],
  [
    'SpaceToBatchND',
    of(
      (x) =>
        tf.spaceToBatchND(
          x,
          [2, 3],
          [
            [1, 0],
            [0, 2],
          ],
        ),
      [2, 3, 4],
    ),
  ],
  [
    'BatchToSpaceND',
    () =>
      tf.batchToSpaceND(
        image([8, 2, 3, 2]),
        [2, 2],
        [
          [0, 1],
          [1, 0],
        ],
      ),
  ],
  [
    'BatchToSpaceND',
    of(
      (x) =>
        tf.batchToSpaceND(
          x,
          [2, 2],
          [
            [0, 1],
            [1, 0],
          ],
        ),
      [8, 2, 3],
    ),
  ],
];

const slices: Case[] = [
  ['Slice', of((x) => tf.slice(x, [1, 2], [2, -1]), [4, 5])],
  ['Slice', () => [tf.slice(tensor([4, 5]), 2), tf.slice(bools(), [0, 1]), tf.slice(wholes([6]), 1, 3)]],
  ['StridedSlice', () => tf.stridedSlice(tensor([7, 8]), [1, 7], [6, 0], [2, -3])],
  ['StridedSlice', () => tf.stridedSlice(tensor([5]), [4], [0], [-1], 0, 1)],
  ['StridedSlice', () => tf.stridedSlice(tensor([3, 4, 5]), [1, 0], [2, 3], [1, 1], 0, 0, 0, 0, 1)],
  ['StridedSlice', () => tf.stridedSlice(tensor([3, 4]), [0, 1, 1], [1, 2, 3], [1, 1, 1], 0, 0, 0, 1)],
  ['Reverse', of((x) => tf.reverse(x, [0, 2]), [2, 3, 4])],
  ['Reverse', () => [tf.reverse(tensor([5])), tf.reverse(wholes([2, 3]), -1), tf.reverse(tf.scalar(3))]],
  ['SplitV', () => tf.split(tensor([4, 6]), 3, 1)],
  ['SplitV', () => tf.split(tensor([4, 6]), [1, -1, 2], -1)],
  ['SplitV', () => withGradients((x) => tf.split(x as tf.Tensor, 2)[1] as tf.Tensor, [tensor([4, 3])])],
  [
    'Unpack',
    () => [...tf.unstack(tensor([2, 3, 4]), 1), ...tf.unstack(wholes([2, 3]), -1), ...tf.unstack(bools())],
  ],
  [
    'Unpack',
    () =>
      withGradients(
        (x) => {
          const [first, , last] = tf.unstack(x as tf.Tensor, 1) as [tf.Tensor, tf.Tensor, tf.Tensor];
          return tf.mul(first, last);
        },
        [tensor([2, 3, 4])],
      ),
  ],
];

const joins: Case[] = [
  [
    'Concat',
    () =>
      withGradients(
        (a, b, c) => tf.concat([a, b, c] as tf.Tensor[], 1),
        [tensor([2, 3]), tensor([2, 1], 2), tensor([2, 4], 3)],
      ),
  ],
  ['Concat', () => tf.concat([wholes([1, 3]), wholes([2, 3])], -2)],
  ['Concat', () => tf.concat([tf.zeros([0, 3]), tensor([2, 3])])],
  [
    'Pack',
    () => withGradients((a, b) => tf.stack([a, b] as tf.Tensor[], 1), [tensor([2, 3]), tensor([2, 3], 2)]),
  ],
  ['Pack', () => [tf.stack([tensor([2, 3])], -1), tf.stack([bools(), bools()])]],
  ...[[5], [2, 3], [2, 3, 2], [1, 2, 2, 3]].map(
    (shape): Case => [
      'Tile',
      of(
        (x) =>
          tf.tile(
            x,
            shape.map((_, axis) => axis + 1),
          ),
        shape,
      ),
    ],
  ),
  ['Tile', () => [tf.tile(bools(), [2, 1]), tf.tile(wholes([3]), [4])]],
  ['Tile', of((x) => tf.broadcastTo(x, [2, 3, 4]), [3, 1])],
  [
    'PadV2',
    of(
      (x) =>
        tf.pad(
          x,
          [
            [1, 0],
            [2, 3],
          ],
          7,
        ),
      [2, 3],
    ),
  ],
  [
    'PadV2',
    () => [
      tf.pad(wholes([3]), [[1, 2]], -4),
      tf.pad(
        tf.zeros([0, 2]),
        [
          [1, 1],
          [0, 0],
        ],
        3,
      ),
    ],
  ],
  [
    'MirrorPad',
    () =>
      tf.mirrorPad(
        tensor([4, 3]),
        [
          [2, 1],
          [1, 2],
        ],
        'reflect',
      ),
  ],
  [
    'MirrorPad',
    () =>
      tf.mirrorPad(
        tensor([4, 3]),
        [
          [2, 4],
          [3, 0],
        ],
        'symmetric',
      ),
  ],
];

const fills: Case[] = [
  [
    'Fill',
    () => [tf.fill([2, 3], 7.5), tf.fill([4], 3, 'int32'), tf.fill([], 1, 'bool'), tf.fill([0, 2], 5)],
  ],
  ['ZerosLike', () => [tf.zerosLike(tensor([2, 3])), tf.zerosLike(bools())]],
  ['OnesLike', () => [tf.onesLike(tensor([2, 3])), tf.onesLike(wholes([2]))]],
  ['Range', () => [tf.range(0, 9, 2), tf.range(5, 0), tf.range(1, 2, 0.25), tf.range(3, 3)]],
  ['Range', () => [tf.range(9, -4, -3, 'int32'), tf.range(0, 5, 1, 'int32')]],
  ['LinSpace', () => [tf.linspace(-1, 4, 7), tf.linspace(2, 5, 1)]],
  [
    'OneHot',
    () =>
      tf.oneHot(
        tf.tensor(
          [
            [0, 2],
            [5, -1],
          ],
          [2, 2],
          'int32',
        ),
        4,
      ),
  ],
  ['OneHot', () => [tf.oneHot(wholes([3]), 3, 5, -2), tf.oneHot(wholes([3]), 2, 0.5, -0.5, 'float32')]],
  ['Diag', () => [tf.diag(tensor([4])), tf.diag(wholes([2, 2]))]],
  ['Diag', () => tf.eye(3)],
];

const gathers: Case[] = [
  ['GatherV2', of((x) => tf.gather(x, tf.tensor1d([3, 0, 3], 'int32')), [4, 3])],
  ['GatherV2', of((x) => tf.gather(x, tf.tensor2d([2, 1, 0, 2], [2, 2], 'int32'), 1), [2, 3, 4])],
  ['GatherV2', of((x) => tf.gather(x, tf.tensor2d([2, 1, 0, 2], [2, 2], 'int32'), 1, 1), [2, 3, 4])],
  ['GatherV2', () => tf.gather(tensor([2, 5, 3, 2]), tf.tensor2d([2, 1, 0, 2], [2, 2], 'int32'), 2, 1)],
  ['GatherV2', () => tf.gather(bools(), tf.tensor1d([1, 0, 1], 'int32'), -1)],
  ['GatherV2', () => tf.gather(tensor([4, 3]), tf.tensor1d([], 'int32'))],
  ['GatherNd', () => tf.gatherND(tensor([3, 4, 2]), tf.tensor2d([2, 1, 0, 3], [2, 2], 'int32'))],
  ['GatherNd', () => tf.gatherND(wholes([3, 4]), tf.tensor3d([2, 1, 0, 3], [2, 1, 2], 'int32'))],
  ['TopK', () => Object.values(tf.topk(tensor([3, 9]), 4))],
  ['TopK', () => Object.values(tf.topk(tf.tensor([3, 1, 4, 1, 5, 9, 2, 6], [2, 4], 'int32'), 2))],
  ['TopK', () => tf.topk(tensor([9]), 3).indices],
];

const ids = (...values: number[]) => tf.tensor1d(values, 'int32');
const scatters: Case[] = [
  ['UnsortedSegmentSum', of((x) => tf.unsortedSegmentSum(x, ids(2, 0, 2, 2), 4), [4, 3])],
  ['UnsortedSegmentSum', () => tf.unsortedSegmentSum(tensor([5]), ids(1, -1, 7, 1, 0), 3)],
  ['UnsortedSegmentSum', () => tf.cast(tf.unsortedSegmentSum(wholes([4, 2]), ids(1, 1, 0, 1), 2), 'float32')],
  ['ScatterNd', () => tf.scatterND(tf.tensor2d([4, 3, 1, 4], [4, 1], 'int32'), tensor([4]), [8])],
  ['ScatterNd', () => tf.scatterND(tf.tensor2d([1, 2, 0, 3], [2, 2], 'int32'), tensor([2, 5]), [2, 4, 5])],
  [
    'TensorScatterUpdate',
    () => tf.tensorScatterUpdate(tensor([4, 3]), tf.tensor2d([3, 1], [2, 1], 'int32'), tensor([2, 3], 2)),
  ],
  [
    'TensorScatterUpdate',
    () => tf.tensorScatterUpdate(wholes([2, 3]), tf.tensor2d([0, 2, 1, 0], [2, 2], 'int32'), ids(-1, -2)),
  ],
];

const counts: Case[] = [
  ['Bincount', () => tf.bincount(ids(1, 5, 1, 9), tf.tensor1d([]), 6)],
  ['Bincount', () => tf.bincount(wholes([2, 3]) as tf.Tensor1D, tf.tensor1d([]), 4)],
  ['Bincount', () => tf.bincount(ids(1, 5, 1, 9), tensor([4]) as tf.Tensor1D, 6)],
  [
    'DenseBincount',
    () => tf.denseBincount(tf.tensor2d([1, 3, 3, 0, 0, 7], [2, 3], 'int32'), tf.tensor2d([], [0, 0]), 4),
  ],
  [
    'DenseBincount',
    () => tf.denseBincount(tf.tensor2d([1, 3, 3, 0], [2, 2], 'int32'), tf.tensor2d([], [0, 0]), 4, true),
  ],
  [
    'SparseToDense',
    () => tf.sparseToDense(tf.tensor2d([0, 1, 2, 0], [2, 2], 'int32'), tensor([2]), [3, 2], 7),
  ],
  ['SparseToDense', () => tf.sparseToDense(ids(1, 3), tf.scalar(4, 'int32'), [5], tf.scalar(-1, 'int32'))],
  ['FlipLeftRight', () => tf.image.flipLeftRight(image([2, 3, 4, 2]))],
];

const unique = (x: tf.Tensor, axis?: number) => Object.values(tf.unique(x, axis)) as tf.Tensor[];

const searches: Case[] = [
  [
    'SearchSorted',
    () => tf.searchSorted(tf.tensor1d([-1, 2, 2, 9]), tf.tensor1d([2, -3, 9.5, 0, 9]), 'left'),
  ],
  [
    'SearchSorted',
    () => tf.searchSorted(tf.tensor1d([-1, 2, 2, 9]), tf.tensor1d([2, -3, 9.5, 0, 9]), 'right'),
  ],
  ['SearchSorted', () => tf.searchSorted(tf.cumsum(tf.ones([2, 5]), 1), tensor([2, 3]), 'right')],
  ['SearchSorted', () => tf.upperBound(ids(1, 3, 3, 8), ids(3, 0, 9))],
  ['Unique', () => unique(tf.add(ids(3, 1, 3, -7, 1), 0))],
  ['Unique', () => unique(tf.greater(tensor([9]), 0))],
  ['Unique', () => unique(tf.tile(tensor([2, 3, 2]), [1, 2, 1]), 1)],
  ['Unique', () => unique(tf.tile(tensor([2, 3, 2]), [1, 1, 2]), -1)],
  ['BroadcastArgs', () => tf.broadcastArgs(ids(1, 6, -1), ids(3, 1, 1, 1))],
];

testAgreement('arrangements', [
  ...shapes,
  ...slices,
  ...joins,
  ...fills,
  ...gathers,
  ...scatters,
  ...counts,
  ...searches,
]);

test('BroadcastTo repeats rows and columns', async () => {
  await useOnnxRuntime({ threads: 1 });
  const repeated = tf.tidy(() => {
    const x = tf.tensor2d([1, 2], [2, 1]);
    const result = tf.engine().runKernel('BroadcastTo', { x }, { shape: [2, 2, 3] }) as tf.Tensor;
    return result.arraySync();
  });
  const each = [
    [1, 1, 1],
    [2, 2, 2],
  ];
  expect(repeated).toEqual([each, each]);
});

describe('what does not fit is refused when it is called', () => {
  const wrong: Record<string, () => unknown> = {
    'concatenating [2,2] and [1,2] along axis 1': () => tf.concat([tensor([2, 2]), tensor([1, 2])], 1),
    'stacking [2] and [3]': () => tf.stack([tensor([2]), tensor([3])]),
    'axis 3 of a vector': () => tf.expandDims(tensor([2]), 3),
    'a slice beyond the end': () => tf.slice(tensor([4, 5]), [3, 0], [2, 5]),
  };
  test.each(Object.entries(wrong))('%s', async (_, call) => {
    await useOnnxRuntime({ threads: 1 });
    expect(() => tf.tidy(() => void call())).toThrow();
  });
});
