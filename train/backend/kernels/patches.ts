import type { GraphBuilder, Ref } from '../graph.ts';
import { image } from '../layout.ts';
import type { Shape } from '../value.ts';

interface PatchOptions {
  /** Where the first window begins. */
  readonly start: readonly [row: number, column: number];
  /** From window to window. */
  readonly step: readonly [rows: number, columns: number];
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
  { start: [top, left], step: [stepY, stepX], of }: PatchOptions,
): Ref {
  const [batch, height, width] = image(of);
  const [filterHeight, filterWidth] = image(filter);
  const taps = grid(filterHeight, filterWidth).map(([y, x]) => {
    const pixels = graph.slice(images, {
      axes: [1, 2],
      start: [top + y, left + x],
      end: [top + y + (height - 1) * stepY + 1, left + x + (width - 1) * stepX + 1],
      step: [stepY, stepX],
    });
    return graph.reshape(pixels, [1, batch * height * width]);
  });
  return graph.op('Concat', taps, { axis: 0 });
}

/** All places of a grid, in row-major order. */
export function grid(height: number, width: number): [row: number, column: number][] {
  return Array.from({ length: height * width }, (_, i) => [Math.floor(i / width), i % width]);
}
