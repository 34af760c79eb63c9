import type { MirrorPadAttrs, PadV2Attrs } from '@tensorflow/tfjs-core';
import type { GraphBuilder, Ref } from '../graph.ts';
import { defineKernel, inputOf, type Kernel, numberOf, numbersOf } from '../kernel.ts';
import type { Dtype, Shape } from '../value.ts';
import { constant } from './fill.ts';

interface Padding {
  /** How many elements before and after, for each axis. */
  readonly start: readonly number[];
  readonly end: readonly number[];
  readonly value: number;
  readonly dtype: Dtype;
}

export function padded(graph: GraphBuilder, x: Ref, { start, end, value, dtype }: Padding): Ref {
  return graph.op('Pad', [x, graph.ints([...start, ...end]), constant(graph, value, dtype)]);
}

function paddedShape(shape: Shape, paddings: [number, number][]): Shape {
  return shape.map((size, axis) => size + (paddings[axis]?.[0] ?? 0) + (paddings[axis]?.[1] ?? 0));
}

const padV2 = defineKernel<'x', PadV2Attrs>(
  'PadV2',
  ({ x }, { paddings, constantValue }) => ({
    inputs: [x],
    shape: paddedShape(x.shape, paddings),
    dtype: x.dtype,
    attributes: {
      start: paddings.map(([start]) => start),
      end: paddings.map(([, end]) => end),
      value: constantValue,
    },
  }),
  (graph, call) => {
    const [start, end] = [numbersOf(call.attributes, 'start'), numbersOf(call.attributes, 'end')];
    const value = numberOf(call.attributes, 'value');
    if (call.inputs[0]?.shape.includes(0)) return constant(graph, value, call.dtype, call.shape);
    return padded(graph, graph.ref(inputOf(call, 0)), { start, end, value, dtype: call.dtype });
  },
);

/** Where element `place` of a padded axis comes from; "symmetric" repeats the border, "reflect" does not. */
function mirrored(place: number, size: number, repeatsBorder: boolean): number {
  const offset = repeatsBorder ? 1 : 0;
  if (place < 0) return -place - offset;
  return place < size ? place : 2 * (size - 1) - place + offset;
}

const mirrorPad = defineKernel<'x', MirrorPadAttrs>(
  'MirrorPad',
  ({ x }, { paddings, mode }) => ({
    inputs: [x],
    shape: paddedShape(x.shape, paddings),
    dtype: x.dtype,
    attributes: { start: paddings.map(([start]) => start), symmetric: mode === 'symmetric' },
  }),
  (graph, call) => {
    const x = inputOf(call, 0);
    const symmetric = call.attributes.symmetric === true;
    return numbersOf(call.attributes, 'start').reduce((result, start, axis) => {
      const [size, wanted] = [x.shape[axis] ?? 1, call.shape[axis] ?? 1];
      if (size === wanted) return result;
      const places = Array.from({ length: wanted }, (_, place) => mirrored(place - start, size, symmetric));
      return graph.op('Gather', [result, graph.ints(places)], { axis });
    }, graph.ref(x));
  },
);

export const pads: readonly Kernel[] = [padV2, mirrorPad];
