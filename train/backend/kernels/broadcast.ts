import { type BroadCastToAttrs, broadcast_util } from '@tensorflow/tfjs-core';
import { defineKernel, inputOf, type Kernel } from '../kernel.ts';
import { dataValue } from '../value.ts';
import { immediate } from './immediate.ts';

/** The shape, as a tensor, that tensors of two such shapes broadcast to. */
const broadcastArgs = immediate<'s0' | 's1'>('BroadcastArgs', ({ s0, s1 }, _, read) => {
  const shape = broadcast_util.assertAndGetBroadcastShape([...read(s0)], [...read(s1)]);
  return dataValue([shape.length], 'int32', Int32Array.from(shape));
});

const broadcastTo = defineKernel<'x', BroadCastToAttrs>(
  'BroadcastTo',
  ({ x }, { shape }) => ({ inputs: [x], shape, dtype: x.dtype }),
  (graph, call) => graph.op('Expand', [graph.ref(inputOf(call, 0)), graph.shape(call.shape)]),
);

export const broadcasts: readonly Kernel[] = [broadcastArgs, broadcastTo];
