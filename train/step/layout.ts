import { sizeOf } from '../backend/value.ts';

/** Float tensors that lie one after the other in a vector. */
export type Layout = readonly { readonly name: string; readonly shape: readonly number[] }[];

/** Of the vector: how many numbers it holds. */
export function vectorSize(layout: Layout): number {
  return layout.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
}

/** The parts of `vector`, by name: what is written there is written into it. */
export function partsOf(vector: Float32Array, layout: Layout): ReadonlyMap<string, Float32Array> {
  let end = 0;
  return new Map(
    layout.map(({ name, shape }) => {
      const start = end;
      end += sizeOf(shape);
      return [name, vector.subarray(start, end)];
    }),
  );
}
