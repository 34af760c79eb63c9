import { backend_util, type MaxPoolAttrs, type MaxPoolGradAttrs } from '@tensorflow/tfjs-core';
import { type GraphBuilder, type Ref, UnsupportedKernel } from '../graph.ts';
import { defineKernel, inputOf, type Kernel, numbersOf } from '../kernel.ts';
import { image, toChannelsFirst, toChannelsLast } from '../layout.ts';
import { type Call, callOf, type KernelAttributes, type Shape, type Value } from '../value.ts';
import { keepWherePositive } from './activation.ts';
import { croppedBiasAdd } from './convolution.ts';
import { isPhased, phasedFilterGradient, phases } from './phases.ts';

/** Window and strides as [height, width]; pads as [top, left, bottom, right]. */
interface Windows {
  readonly window: readonly [number, number];
  readonly strides: readonly [number, number];
  readonly pads: readonly number[];
}

function pooling(x: Shape, { filterSize, strides, pad, dimRoundingMode }: Omit<MaxPoolAttrs, 'dataFormat'>) {
  const info = backend_util.computePool2DInfo(
    [...x] as [number, number, number, number],
    filterSize,
    strides,
    1,
    pad,
    dimRoundingMode,
  );
  const { top, left, bottom, right } = info.padInfo;
  return {
    outShape: info.outShape,
    attributes: {
      window: [info.filterHeight, info.filterWidth],
      strides: [info.strideHeight, info.strideWidth],
      pads: [top, left, bottom, right],
    },
  };
}

function windowsOf(attributes: KernelAttributes): Windows {
  const pair = (name: string): [number, number] => {
    const [height = 1, width = 1] = numbersOf(attributes, name);
    return [height, width];
  };
  return { window: pair('window'), strides: pair('strides'), pads: numbersOf(attributes, 'pads') };
}

const maxPool = defineKernel<'x', MaxPoolAttrs>(
  'MaxPool',
  ({ x }, attributes) => {
    const { outShape, attributes: recorded } = pooling(x.shape, attributes);
    return { inputs: [x], shape: outShape, dtype: 'float32', attributes: recorded };
  },
  (graph, call) => {
    const x = inputOf(call, 0);
    const windows = windowsOf(call.attributes);
    if (!graph.plan.training || !tiles(windows)) return lowerPlainMaxPool(graph, x, windows, call.shape);
    // ReLU and max-pool commute: at the pooled size the ReLU costs a fraction.
    const relu = callOf(x, 'Relu');
    const before = relu === undefined ? x : inputOf(relu, 0);
    const pooled = maximum(graph, positions(graph, before, windows, call.shape));
    return relu === undefined ? pooled : graph.op('Relu', [pooled]);
  },
);

function lowerPlainMaxPool(
  graph: GraphBuilder,
  x: Value,
  { window, strides, pads }: Windows,
  outShape: Shape,
): Ref {
  const pooled = graph.op('MaxPool', [toChannelsFirst(graph, graph.ref(x), x.shape)], {
    kernel_shape: window,
    strides,
    pads,
  });
  return toChannelsLast(graph, pooled, outShape);
}

/** Windows that touch but do not overlap, without padding: each input belongs to one window at most. */
function tiles({ window, strides, pads }: Windows): boolean {
  return window[0] === strides[0] && window[1] === strides[1] && pads.every((pad) => pad === 0);
}

/**
 * For each place in the window, in row-major order, `x` at that place of all windows: [batch, out, out, channels].
 * All that compares `x` with its maximum takes it from here, so that the two are equal to the last bit.
 */
function positions(
  graph: GraphBuilder,
  x: Value,
  { window }: Pick<Windows, 'window'>,
  outShape: Shape,
): Ref[] {
  const relu = callOf(x, 'Relu');
  if (relu !== undefined) {
    const before = positions(graph, inputOf(relu, 0), { window }, outShape);
    return before.map((place) => graph.op('Relu', [place]));
  }
  return phases(graph, x, window, outShape) ?? slices(graph, x, window, outShape);
}

function slices(graph: GraphBuilder, x: Value, [height, width]: Windows['window'], outShape: Shape): Ref[] {
  const [, outHeight, outWidth] = image(outShape);
  const source = croppedBiasAdd(graph, x, outHeight * height, outWidth * width) ?? graph.ref(x);
  const at = (row: number, column: number) =>
    graph.slice(source, {
      axes: [1, 2],
      start: [row, column],
      end: [row + (outHeight - 1) * height + 1, column + (outWidth - 1) * width + 1],
      step: [height, width],
    });
  return Array.from({ length: height * width }, (_, place) => at(Math.floor(place / width), place % width));
}

function maximum(graph: GraphBuilder, of: readonly Ref[]): Ref {
  return graph.op('Max', of);
}

const maxPoolGrad = defineKernel<'dy' | 'input' | 'output', MaxPoolGradAttrs>(
  'MaxPoolGrad',
  ({ dy, input, output }, attributes) => {
    const { attributes: recorded } = pooling(input.shape, attributes);
    if (!tiles(windowsOf(recorded))) {
      throw new UnsupportedKernel(
        'MaxPoolGrad',
        `windows must not overlap or be padded; got a window of ${recorded.window} at strides of ${recorded.strides}`,
      );
    }
    return { inputs: [dy, input, output], shape: input.shape, dtype: 'float32', attributes: recorded };
  },
  (graph, call) => {
    const [dy, input, output] = [inputOf(call, 0), inputOf(call, 1), inputOf(call, 2)];
    const windows = windowsOf(call.attributes);
    const places = positions(graph, input, windows, output.shape);
    const shares = firstMatch(graph, places, graph.ref(output), graph.ref(dy));
    return filledUp(graph, interleave(graph, shares, windows, output.shape), input.shape);
  },
);

/**
 * Gives each window's gradient to the first place that holds its maximum, as TensorFlow.js does: in a picture's
 * even background all places are equal, and only one may get it.
 */
function firstMatch(graph: GraphBuilder, places: readonly Ref[], max: Ref, dy: Ref): Ref[] {
  let rest = dy;
  return places.map((place, i) => {
    if (i === places.length - 1) return rest;
    const share = graph.op('Where', [graph.op('Equal', [place, max]), rest, graph.float(0)]);
    rest = graph.op('Sub', [rest, share]);
    return share;
  });
}

/** Puts the places of all windows back where they came from: all that the windows cover of the image. */
function interleave(
  graph: GraphBuilder,
  shares: readonly Ref[],
  { window }: Windows,
  pooled: Shape,
): Covered {
  const [height, width] = window;
  const [batch, outHeight, outWidth, channels] = image(pooled);
  const rows = Array.from({ length: height }, (_, row) =>
    graph.reshape(graph.op('Concat', shares.slice(row * width, (row + 1) * width), { axis: 3 }), [
      batch,
      outHeight,
      1,
      outWidth * width * channels,
    ]),
  );
  const shape = [batch, outHeight * height, outWidth * width, channels];
  return { ref: graph.reshape(graph.op('Concat', rows, { axis: 2 }), shape), shape };
}

/** A gradient without the last rows and columns, which are 0 as no window covers them. */
interface Covered {
  readonly ref: Ref;
  readonly shape: Shape;
}

/** The gradient at its full size. */
function filledUp(graph: GraphBuilder, covered: Covered, shape: Shape): Ref {
  const [, height, width] = image(covered.shape);
  const [, fullHeight, fullWidth] = image(shape);
  if (height === fullHeight && width === fullWidth) return covered.ref;
  return graph.op('Pad', [
    covered.ref,
    graph.ints([0, 0, 0, 0, 0, fullHeight - height, fullWidth - width, 0]),
  ]);
}

/** A max-pool's gradient times the step of the ReLU before it: Multiply(MaxPoolGrad(dy, relu(z), pooled), Step(z)). */
function maskedMaxPoolGrad(multiply: Pick<Call, 'inputs'>) {
  const grad = callOf(inputOf(multiply, 0), 'MaxPoolGrad');
  const step = callOf(inputOf(multiply, 1), 'Step');
  if (grad === undefined || step?.attributes.alpha !== 0) return undefined;
  const [dy, input, pooled] = [inputOf(grad, 0), inputOf(grad, 1), inputOf(grad, 2)];
  const relu = callOf(input, 'Relu');
  const stepped = inputOf(step, 0);
  if (relu === undefined || (stepped !== input && stepped !== inputOf(relu, 0))) return undefined;
  return { dy, before: inputOf(relu, 0), pooled, windows: windowsOf(grad.attributes) };
}

type MaskedMaxPoolGrad = NonNullable<ReturnType<typeof maskedMaxPoolGrad>>;

/** Each place's share of the gradient, with the ReLU's selection made at the pooled size. */
function sharesOf(graph: GraphBuilder, { dy, before, pooled, windows }: MaskedMaxPoolGrad): Ref[] {
  const places = positions(graph, before, windows, pooled.shape);
  const kept = keepWherePositive(graph, graph.ref(pooled), graph.ref(dy));
  return firstMatch(graph, places, maximum(graph, places), kept);
}

/** Undefined where the product is another one. */
export function lowerMaskedMaxPoolGrad(graph: GraphBuilder, multiply: Pick<Call, 'inputs'>): Ref | undefined {
  const match = maskedMaxPoolGrad(multiply);
  return match && filledUp(graph, coveredPart(graph, match), match.before.shape);
}

/** The part of a gradient that need not be 0, where that is known; else all of it. */
export function coveredGradient(graph: GraphBuilder, dy: Value): Covered {
  const multiply = callOf(dy, 'Multiply');
  const match = multiply && maskedMaxPoolGrad(multiply);
  return match === undefined ? { ref: graph.ref(dy), shape: dy.shape } : coveredPart(graph, match);
}

function coveredPart(graph: GraphBuilder, match: MaskedMaxPoolGrad): Covered {
  return interleave(graph, sharesOf(graph, match), match.windows, match.pooled.shape);
}

/**
 * The sum of such a gradient over all but the channels, which is the gradient of a bias: each window has one
 * share of it, so the pooled gradient has the same sum. Undefined where `value` is something else.
 */
export function pooledSum(graph: GraphBuilder, value: Value): Ref | undefined {
  const multiply = callOf(value, 'Multiply');
  const match = multiply && maskedMaxPoolGrad(multiply);
  if (match === undefined) return undefined;
  return keepWherePositive(graph, graph.ref(match.pooled), graph.ref(match.dy));
}

/** The gradient of the filter that made `dy` from `images`, where both belong to a convolution done in phases. */
export function lowerPhasedFilterGradient(graph: GraphBuilder, images: Value, dy: Value): Ref | undefined {
  const multiply = callOf(dy, 'Multiply');
  const match = multiply && maskedMaxPoolGrad(multiply);
  if (match === undefined) return undefined;
  const { before, pooled, windows } = match;
  if (!isPhased(before, images)) return undefined;
  return phasedFilterGradient(graph, before, sharesOf(graph, match), windows.window, pooled.shape);
}

export const pools: readonly Kernel[] = [maxPool, maxPoolGrad];
