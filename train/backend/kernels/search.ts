import type { SearchSortedAttrs, UniqueAttrs } from '@tensorflow/tfjs-core';
import { defineKernel, inputOf, type Kernel, normalAxes } from '../kernel.ts';
import { dataValue, sizeOf } from '../value.ts';
import { immediate } from './immediate.ts';
import { calculable, typed } from './typed.ts';

/** Where each value belongs in its row of a sorted sequence: as many places in as there are smaller ones there. */
const searchSorted = defineKernel<'sortedSequence' | 'values', SearchSortedAttrs>(
  'SearchSorted',
  ({ sortedSequence, values }, { side }) => ({
    inputs: [sortedSequence, values],
    shape: values.shape,
    dtype: 'int32',
    attributes: { side },
  }),
  (graph, call) => {
    const [sequence, values] = [inputOf(call, 0), inputOf(call, 1)];
    const [rows = 1, length = 1] = sequence.shape;
    const type = sequence.dtype === values.dtype ? calculable(values.dtype) : 'float32';
    const before = graph.op(call.attributes.side === 'left' ? 'Less' : 'LessOrEqual', [
      graph.reshape(typed(graph, sequence, type), [rows, 1, length]),
      graph.reshape(typed(graph, values, type), [...values.shape, 1]),
    ]);
    return graph.op('ReduceSum', [graph.cast(before, 'int32'), graph.ints([2])], { keepdims: 0 });
  },
);

/** The different slices along an axis in the order in which they come first, and which of these each slice is. */
const unique = immediate<'x', UniqueAttrs>('Unique', ({ x }, { axis }, read) => {
  const data = read(x);
  const along = normalAxes(axis, x.shape)[0] ?? 0;
  const count = x.shape[along] ?? 1;
  const inner = sizeOf(x.shape.slice(along + 1));
  const size = sizeOf(x.shape.slice(0, along)) * inner;
  const places = (slice: number, slices: number) =>
    Array.from({ length: size }, (_, i) => (Math.floor(i / inner) * slices + slice) * inner + (i % inner));

  const elements = (slice: number) => places(slice, count).map((place) => data[place] as number);
  const numbers = new Map<string, number>();
  const found: number[][] = [];
  const indices = Int32Array.from({ length: count }, (_, slice) => {
    const here = elements(slice);
    const key = here.join();
    const number = numbers.get(key) ?? found.push(here) - 1;
    numbers.set(key, number);
    return number;
  });

  const values = data.slice(0, size * found.length);
  for (const [number, slice] of found.entries()) {
    for (const [i, place] of places(number, found.length).entries()) values[place] = slice[i] as number;
  }
  return [
    dataValue(x.shape.with(along, found.length), x.dtype, values),
    dataValue([count], 'int32', indices),
  ];
});

export const searches: readonly Kernel[] = [searchSorted, unique];
