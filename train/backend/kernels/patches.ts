import type { GraphBuilder, Ref } from '../graph.ts';
import { image } from '../layout.ts';
import type { Shape } from '../value.ts';
import { placesOf } from './windows.ts';

interface PatchOptions {
  /** Where the first window begins. */
  readonly start?: readonly [row: number, column: number];
  readonly strides: readonly [number, number];
  /** A shape [batch, height, width, ...] with a pixel for each window. */
  readonly of: Shape;
}

/**
 * What a filter sees of one-channel images [batch, height, width, 1] in each of its windows, a column for each:
 * [filterHeight * filterWidth, batch * height * width]. A convolution is a matrix product with it.
 */
export function patches(
  graph: GraphBuilder,
  images: Ref,
  filter: Shape,
  { start, strides, of }: PatchOptions,
): Ref {
  const [batch, height, width] = image(of);
  const [filterHeight, filterWidth] = image(filter);
  const window = [filterHeight, filterWidth] as const;
  const places = placesOf(graph, images, { window, strides }, [height, width], start);
  const rows = places.map((place) => graph.reshape(place, [1, batch * height * width]));
  return graph.op('Concat', rows, { axis: 0 });
}
