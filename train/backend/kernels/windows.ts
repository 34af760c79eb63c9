import { type AvgPoolAttrs, backend_util } from '@tensorflow/tfjs-core';
import { type GraphBuilder, type Ref, UnsupportedKernel } from '../graph.ts';
import { numbersOf } from '../kernel.ts';
import { type Images, image } from '../layout.ts';
import { type KernelAttributes, type Shape, sameShape, type Value } from '../value.ts';
import { MISFIT, padsOf } from './geometry.ts';

/** The windows of a pool: their size and strides as [height, width]; pads as [top, left, bottom, right]. */
export interface Windows {
  readonly window: readonly [number, number];
  readonly strides: readonly [number, number];
  readonly pads: readonly number[];
}

/**
 * The pooled shape of `x` [batch, height, width, channels] and its windows; refuses what the backend has not.
 * `isWhole`: the windows are single pixels, as many as the image has. TensorFlow.js then hands the image on as it is,
 * even where strides and padding would move the windows.
 */
export function pooling(
  kernel: string,
  x: Value,
  { filterSize, strides, pad, dimRoundingMode }: AvgPoolAttrs,
): { outShape: Shape; attributes: KernelAttributes; isWhole: boolean } {
  const refuse = (why: string): never => {
    const asked = JSON.stringify({ filterSize, strides, pad, dimRoundingMode });
    throw new UnsupportedKernel(kernel, `${why}; x ${x.dtype} [${x.shape}], ${asked}`);
  };
  if (x.dtype !== 'float32') refuse('it pools float32 only: cast the image first');
  if (x.shape.length !== 4) refuse('it has 4 dimensions for an image');
  const info = backend_util.computePool2DInfo(
    [...x.shape] as [number, number, number, number],
    filterSize,
    strides,
    1,
    pad,
    dimRoundingMode,
  );
  const window = [info.filterHeight, info.filterWidth];
  const pads = padsOf(info) ?? refuse(MISFIT);
  return {
    outShape: info.outShape,
    attributes: { window, strides: [info.strideHeight, info.strideWidth], pads },
    isWhole: window.every((size) => size === 1) && sameShape(x.shape, info.outShape),
  };
}

export function windowsOf(attributes: KernelAttributes): Windows {
  const pair = (name: string): [number, number] => {
    const [height = 1, width = 1] = numbersOf(attributes, name);
    return [height, width];
  };
  return { window: pair('window'), strides: pair('strides'), pads: numbersOf(attributes, 'pads') };
}

export function isPadded({ pads }: Windows): boolean {
  return pads.some((pad) => pad !== 0);
}

/** Whether some window may be all padding, which ONNX Runtime's pools refuse. */
export function mayMiss({ window, pads }: Pick<Windows, 'window' | 'pads'>): boolean {
  return pads.some((pad, side) => pad >= (window[side % 2] ?? 0));
}

/** Windows that touch but do not overlap, without padding: each input belongs to one window at most. */
export function tiles(windows: Windows): boolean {
  const { window, strides } = windows;
  return window[0] === strides[0] && window[1] === strides[1] && !isPadded(windows);
}

/** An image [batch, height, width, channels] with `outside` around it as the windows need it. */
export function padded(graph: GraphBuilder, x: Ref, { pads }: Pick<Windows, 'pads'>, outside: number): Ref {
  const [top = 0, left = 0, bottom = 0, right = 0] = pads;
  if (pads.every((pad) => pad === 0)) return x;
  return graph.op('Pad', [x, graph.ints([0, top, left, 0, 0, bottom, right, 0]), graph.float(outside)]);
}

/** The shape of an image of `shape` once it is padded. */
export function paddedShape(shape: Shape, { pads }: Pick<Windows, 'pads'>): Shape {
  const [batch, height, width, channels] = image(shape);
  const [top = 0, left = 0, bottom = 0, right = 0] = pads;
  return [batch, height + top + bottom, width + left + right, channels];
}

/** All places of a window, in row-major order. */
export function grid([height, width]: readonly [number, number]): [row: number, column: number][] {
  return Array.from({ length: height * width }, (_, place) => [Math.floor(place / width), place % width]);
}

/**
 * For each place in the window, in row-major order, the padded image `x` at that place of all windows:
 * [batch, outHeight, outWidth, channels]. The first window begins at `start`.
 */
export function placesOf(
  graph: GraphBuilder,
  x: Ref,
  { window, strides }: Pick<Windows, 'window' | 'strides'>,
  [outHeight, outWidth]: readonly [number, number],
  [top, left]: readonly [number, number] = [0, 0],
): Ref[] {
  const [strideY, strideX] = strides;
  return grid(window).map((place) => {
    const [row, column] = [top + place[0], left + place[1]];
    return graph.slice(x, {
      axes: [1, 2],
      start: [row, column],
      end: [row + (outHeight - 1) * strideY + 1, column + (outWidth - 1) * strideX + 1],
      step: strides,
    });
  });
}

/**
 * The opposite of `placesOf`: what each pixel of an image of `shape` gets from the windows that it lies in, added
 * up. A place and one a stride further lie on the same pixels, shifted by one window: so the shares of such
 * places are added, shifted, and what remains are tiles of the strides' size.
 */
export function putBack(
  graph: GraphBuilder,
  shares: readonly Ref[],
  windows: Windows,
  pooled: Shape,
  shape: Shape,
): Ref {
  if (tiles(windows)) return filledUp(graph, interleave(graph, shares, windows.window, pooled), shape);
  const [height, width] = windows.window;
  const [strideY, strideX] = windows.strides;
  const [batch, outHeight, outWidth, channels] = image(pooled);
  const down = Math.ceil(height / strideY) - 1; // the furthest shifts
  const across = Math.ceil(width / strideX) - 1;
  const tiled = [batch, outHeight + down, outWidth + across, channels];

  const tilePlaces = grid(windows.strides).map(([row, column]) => {
    const shifted: Ref[] = [];
    for (let y = 0; row + y * strideY < height; y += 1) {
      for (let x = 0; column + x * strideX < width; x += 1) {
        const share = shares[(row + y * strideY) * width + column + x * strideX] as Ref;
        shifted.push(padded(graph, share, { pads: [y, x, down - y, across - x] }, 0));
      }
    }
    if (shifted.length === 0) return graph.op('Expand', [graph.float(0), graph.ints(tiled)]);
    return shifted.length === 1 ? (shifted[0] as Ref) : graph.op('Sum', shifted);
  });
  return cutOut(graph, interleave(graph, tilePlaces, windows.strides, tiled), windows, shape);
}

/**
 * Puts the places of all tiles back where they came from: all that the tiles cover of the image, which is all but the
 * last rows and columns.
 */
export function interleave(
  graph: GraphBuilder,
  places: readonly Ref[],
  [height, width]: Windows['window'],
  pooled: Shape,
): Images {
  const [batch, outHeight, outWidth, channels] = image(pooled);
  const rows = Array.from({ length: height }, (_, row) =>
    graph.reshape(graph.op('Concat', places.slice(row * width, (row + 1) * width), { axis: 3 }), [
      batch,
      outHeight,
      1,
      outWidth * width * channels,
    ]),
  );
  const shape = [batch, outHeight * height, outWidth * width, channels];
  return { ref: graph.reshape(graph.op('Concat', rows, { axis: 2 }), shape), shape };
}

/** The gradient at its full size. */
export function filledUp(graph: GraphBuilder, covered: Images, shape: Shape): Ref {
  const [, height, width] = image(covered.shape);
  const [, fullHeight, fullWidth] = image(shape);
  if (height === fullHeight && width === fullWidth) return covered.ref;
  return graph.op('Pad', [
    covered.ref,
    graph.ints([0, 0, 0, 0, 0, fullHeight - height, fullWidth - width, 0]),
  ]);
}

/** The image inside a gradient that starts with the padding's. */
function cutOut(graph: GraphBuilder, { ref, shape }: Images, { pads }: Windows, full: Shape): Ref {
  const [top = 0, left = 0] = pads;
  const [batch, height, width, channels] = image(shape);
  const [, fullHeight, fullWidth] = image(full);
  const [endY, endX] = [Math.min(height, top + fullHeight), Math.min(width, left + fullWidth)];
  const whole = top === 0 && left === 0 && endY === height && endX === width;
  const inside = whole
    ? ref
    : graph.slice(ref, { axes: [1, 2], start: [top, left], end: [endY, endX], step: [1, 1] });
  return filledUp(graph, { ref: inside, shape: [batch, endY - top, endX - left, channels] }, full);
}
