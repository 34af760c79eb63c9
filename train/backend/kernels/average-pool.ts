import type { AvgPoolAttrs, AvgPoolGradAttrs } from '@tensorflow/tfjs-core';
import { type GraphBuilder, type Ref, UnsupportedKernel } from '../graph.ts';
import { defineKernel, inputOf, type Kernel } from '../kernel.ts';
import { image, toChannelsFirst, toChannelsLast } from '../layout.ts';
import { type Shape, sameShape } from '../value.ts';
import { isPadded, pooling, putBack, type Windows, windowsOf } from './windows.ts';

/** The mean of each window; padding does not count. */
const avgPool = defineKernel<'x', AvgPoolAttrs>(
  'AvgPool',
  ({ x }, attributes) => {
    const { outShape, attributes: recorded } = pooling('AvgPool', x, attributes);
    return { inputs: [x], shape: outShape, dtype: 'float32', attributes: recorded };
  },
  (graph, call) => {
    const x = inputOf(call, 0);
    const { window, strides, pads } = windowsOf(call.attributes);
    const pooled = graph.op('AveragePool', [toChannelsFirst(graph, graph.ref(x), x.shape)], {
      kernel_shape: window,
      strides,
      pads,
      count_include_pad: 0,
    });
    return toChannelsLast(graph, pooled, call.shape);
  },
);

/**
 * Each pixel of a window gets the gradient divided by the number of pixels that the mean was taken of. That is
 * TensorFlow's gradient; TensorFlow.js's own kernels divide by the window's size at the borders too, although
 * their mean leaves the padding out, so theirs is too small there.
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
    const share = graph.op('Div', [graph.ref(dy), pixelCounts(graph, windows, dy.shape, call.shape)]);
    const [height, width] = windows.window;
    const shares = Array.from({ length: height * width }, () => share);
    return putBack(graph, shares, windows, dy.shape, call.shape);
  },
);

/** How many pixels of an image of `shape` lie in each window: one number, or [1, outHeight, outWidth, 1]. */
function pixelCounts(graph: GraphBuilder, windows: Windows, pooled: Shape, shape: Shape): Ref {
  const { window, strides, pads } = windows;
  if (!isPadded(windows)) return graph.float(window[0] * window[1]);
  const [, outHeight, outWidth] = image(pooled);
  const [, height, width] = image(shape);
  const along = (side: 0 | 1, out: number, size: number) =>
    Array.from({ length: out }, (_, place) => {
      const start = place * strides[side] - (pads[side] ?? 0);
      return Math.min(size, start + window[side]) - Math.max(0, start);
    });
  const columns = along(1, outWidth, width);
  const counts = along(0, outHeight, height).flatMap((rows) => columns.map((count) => rows * count));
  return graph.floats(counts, [1, outHeight, outWidth, 1]);
}

export const averagePools: readonly Kernel[] = [avgPool, avgPoolGrad];
