import type { AvgPoolAttrs, AvgPoolGradAttrs } from '@tensorflow/tfjs-core';
import { type GraphBuilder, type Ref, UnsupportedKernel } from '../graph.ts';
import { defineKernel, inputOf, type Kernel } from '../kernel.ts';
import { image, toChannelsFirst, toChannelsLast } from '../layout.ts';
import { type Shape, sameShape, type Value } from '../value.ts';
import { mayMiss, padded, paddedShape, pooling, putBack, type Windows, windowsOf } from './windows.ts';

/** The mean of each window; padding does not count. */
const avgPool = defineKernel<'x', AvgPoolAttrs>(
  'AvgPool',
  ({ x }, attributes) => {
    const { outShape, attributes: recorded, isWhole } = pooling('AvgPool', x, attributes);
    if (isWhole) return x;
    return { inputs: [x], shape: outShape, dtype: 'float32', attributes: recorded };
  },
  (graph, call) => {
    const x = inputOf(call, 0);
    const windows = windowsOf(call.attributes);
    return mayMiss(windows)
      ? meansOfCovered(graph, x, windows, call.shape)
      : means(graph, graph.ref(x), x.shape, windows, call.shape);
  },
);

function means(graph: GraphBuilder, x: Ref, shape: Shape, windows: Windows, pooled: Shape): Ref {
  const { window, strides, pads } = windows;
  const mean = graph.op('AveragePool', [toChannelsFirst(graph, x, shape)], {
    kernel_shape: window,
    strides,
    pads,
    count_include_pad: 0,
  });
  return toChannelsLast(graph, mean, pooled);
}

/**
 * The means where some windows may be all padding: with zeros around the image, over the part of each window that is
 * image. The mean of nothing is NaN, as it is in TensorFlow.js.
 */
function meansOfCovered(graph: GraphBuilder, x: Value, windows: Windows, pooled: Shape): Ref {
  const withZeros = (ref: Ref, shape: Shape, outShape: Shape) => {
    const source = padded(graph, ref, windows, 0);
    const inside = { ...windows, pads: [0, 0, 0, 0] };
    return means(graph, source, paddedShape(shape, windows), inside, outShape);
  };
  const [, height, width] = image(x.shape);
  const [, outHeight, outWidth] = image(pooled);
  const plane = [1, height, width, 1];
  const ones = graph.op('Expand', [graph.float(1), graph.ints(plane)]);
  const covered = withZeros(ones, plane, [1, outHeight, outWidth, 1]);
  return graph.op('Div', [withZeros(graph.ref(x), x.shape, pooled), covered]);
}

/**
 * Each pixel of a window gets the gradient divided by the window's size, as in all of TensorFlow.js's own backends.
 * At padded borders that is less than the gradient of the mean, which leaves the padding out.
 */
const avgPoolGrad = defineKernel<'dy' | 'input', AvgPoolGradAttrs>(
  'AvgPoolGrad',
  ({ dy, input }, attributes) => {
    const { outShape, attributes: recorded } = pooling('AvgPoolGrad', input, attributes);
    if (!sameShape(dy.shape, outShape)) {
      throw new UnsupportedKernel(
        'AvgPoolGrad',
        `pooling [${input.shape}] by ${JSON.stringify(recorded)} gives [${outShape}], ` +
          `and so must its gradient be; got [${dy.shape}]`,
      );
    }
    return { inputs: [dy, input], shape: input.shape, dtype: 'float32', attributes: recorded };
  },
  (graph, call) => {
    const dy = inputOf(call, 0);
    const windows = windowsOf(call.attributes);
    const size = windows.window[0] * windows.window[1];
    const share = graph.op('Div', [graph.ref(dy), graph.float(size)]);
    const shares = Array.from({ length: size }, () => share);
    return putBack(graph, shares, windows, dy.shape, call.shape);
  },
);

export const averagePools: readonly Kernel[] = [avgPool, avgPoolGrad];
