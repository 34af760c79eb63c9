import { expect, test } from 'vitest';
import { type Layout, partsOf, vectorSize } from './layout.ts';

const layout: Layout = [
  { name: 'kernel', shape: [3, 2] },
  { name: 'loss', shape: [] },
  { name: 'nothing', shape: [4, 0] },
  { name: 'bias', shape: [2] },
];

test('a vector holds the numbers of all tensors: one of a scalar, none of one with an empty axis', () => {
  expect(vectorSize(layout)).toBe(6 + 1 + 0 + 2);
  expect(vectorSize([])).toBe(0);
});

test('the parts lie one after the other in the order of the layout, and fill the vector', () => {
  const vector = Float32Array.from({ length: vectorSize(layout) }, (_, place) => place);
  expect([...partsOf(vector, layout)]).toEqual([
    ['kernel', Float32Array.of(0, 1, 2, 3, 4, 5)],
    ['loss', Float32Array.of(6)],
    ['nothing', Float32Array.of()],
    ['bias', Float32Array.of(7, 8)],
  ]);
});

test('what is written into a part is written into the vector, and the other way round', () => {
  const vector = new Float32Array(new SharedArrayBuffer(vectorSize(layout) * 4));
  const parts = partsOf(vector, layout);
  parts.get('loss')?.set([0.5]);
  parts.get('bias')?.set([1, 2]);
  expect(vector).toEqual(Float32Array.of(0, 0, 0, 0, 0, 0, 0.5, 1, 2));

  vector.fill(3);
  for (const part of parts.values()) expect(part.every((value) => value === 3)).toBe(true);
});
