import type { MaxPoolAttrs, MaxPoolGradAttrs } from '@tensorflow/tfjs-core';
import { type GraphBuilder, type Ref, UnsupportedKernel } from '../graph.ts';
import { defineKernel, inputOf, type Kernel } from '../kernel.ts';
import { type Images, image, toChannelsFirst, toChannelsLast } from '../layout.ts';
import { type Call, callOf, type Shape, sameShape, type Value } from '../value.ts';
import { keepWherePositive } from './activation.ts';
import { croppedBiasAdd } from './convolution.ts';
import { isPhased, phasedFilterGradient, phases } from './phases.ts';
import {
  filledUp,
  interleave,
  mayMiss,
  padded,
  placesOf,
  pooling,
  putBack,
  tiles,
  type Windows,
  windowsOf,
} from './windows.ts';

const maxPool = defineKernel<'x', MaxPoolAttrs>(
  'MaxPool',
  ({ x }, attributes) => {
    const { outShape, attributes: recorded, isWhole } = pooling('MaxPool', x, attributes);
    if (isWhole) return x;
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

function lowerPlainMaxPool(graph: GraphBuilder, x: Value, windows: Windows, outShape: Shape): Ref {
  if (mayMiss(windows)) return maximum(graph, overlapping(graph, x, windows, outShape));
  const { window: kernel_shape, strides, pads } = windows;
  const images = toChannelsFirst(graph, graph.ref(x), x.shape);
  return toChannelsLast(graph, graph.op('MaxPool', [images], { kernel_shape, strides, pads }), outShape);
}

/**
 * For each place in a tile, in row-major order, `x` at that place of all tiles: [batch, out, out, channels].
 * All that compares `x` with its maximum takes it from here, so that the two are equal to the last bit.
 */
function positions(graph: GraphBuilder, x: Value, { window }: Pick<Windows, 'window'>, pooled: Shape): Ref[] {
  const relu = callOf(x, 'Relu');
  if (relu !== undefined) {
    const before = positions(graph, inputOf(relu, 0), { window }, pooled);
    return before.map((place) => graph.op('Relu', [place]));
  }
  return phases(graph, x, window, pooled) ?? slices(graph, x, window, pooled);
}

function slices(graph: GraphBuilder, x: Value, window: Windows['window'], pooled: Shape): Ref[] {
  const [, outHeight, outWidth] = image(pooled);
  const source = croppedBiasAdd(graph, x, outHeight * window[0], outWidth * window[1]) ?? graph.ref(x);
  return placesOf(graph, source, { window, strides: window }, [outHeight, outWidth]);
}

function maximum(graph: GraphBuilder, of: readonly Ref[]): Ref {
  return graph.op('Max', of);
}

const maxPoolGrad = defineKernel<'dy' | 'input' | 'output', MaxPoolGradAttrs>(
  'MaxPoolGrad',
  ({ dy, input, output }, attributes) => {
    const { outShape, attributes: recorded } = pooling('MaxPoolGrad', input, attributes);
    if (!sameShape(dy.shape, outShape)) {
      throw new UnsupportedKernel(
        'MaxPoolGrad',
        `pooling [${input.shape}] by ${JSON.stringify(recorded)} gives [${outShape}], ` +
          `and so must its gradient be; got [${dy.shape}]`,
      );
    }
    return { inputs: [dy, input, output], shape: input.shape, dtype: 'float32', attributes: recorded };
  },
  (graph, call) => {
    const [dy, input, output] = [inputOf(call, 0), inputOf(call, 1), inputOf(call, 2)];
    const windows = windowsOf(call.attributes);
    const places = tiles(windows)
      ? positions(graph, input, windows, output.shape)
      : overlapping(graph, input, windows, output.shape);
    const shares = firstMatch(graph, places, graph.ref(output), graph.ref(dy));
    return putBack(graph, shares, windows, output.shape, input.shape);
  },
);

/** The places of windows that overlap or are padded; nothing in the padding can be a maximum. */
function overlapping(graph: GraphBuilder, x: Value, windows: Windows, pooled: Shape): Ref[] {
  const [, outHeight, outWidth] = image(pooled);
  const source = padded(graph, graph.ref(x), windows, Number.NEGATIVE_INFINITY);
  return placesOf(graph, source, windows, [outHeight, outWidth]);
}

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

/**
 * A max-pool's gradient times the step of the ReLU before it: Multiply(MaxPoolGrad(dy, relu(z), pooled), Step(z)),
 * where the windows are tiles.
 */
function maskedMaxPoolGrad(multiply: Pick<Call, 'inputs'>) {
  const grad = callOf(inputOf(multiply, 0), 'MaxPoolGrad');
  const step = callOf(inputOf(multiply, 1), 'Step');
  if (grad === undefined || step?.attributes.alpha !== 0) return undefined;
  const [dy, input, pooled] = [inputOf(grad, 0), inputOf(grad, 1), inputOf(grad, 2)];
  const relu = callOf(input, 'Relu');
  const stepped = inputOf(step, 0);
  if (relu === undefined || (stepped !== input && stepped !== inputOf(relu, 0))) return undefined;
  const windows = windowsOf(grad.attributes);
  return tiles(windows) ? { dy, before: inputOf(relu, 0), pooled, windows } : undefined;
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
export function coveredGradient(graph: GraphBuilder, dy: Value): Images {
  const multiply = callOf(dy, 'Multiply');
  const match = multiply && maskedMaxPoolGrad(multiply);
  return match === undefined ? { ref: graph.ref(dy), shape: dy.shape } : coveredPart(graph, match);
}

function coveredPart(graph: GraphBuilder, match: MaskedMaxPoolGrad): Images {
  return interleave(graph, sharesOf(graph, match), match.windows.window, match.pooled.shape);
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
