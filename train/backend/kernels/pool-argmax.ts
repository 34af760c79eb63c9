import type { MaxPoolWithArgmaxAttrs } from '@tensorflow/tfjs-core';
import { type GraphBuilder, type Ref, UnsupportedKernel } from '../graph.ts';
import { defineKernel, inputOf, type Kernel } from '../kernel.ts';
import { image, toChannelsFirst, toChannelsLast } from '../layout.ts';
import { mayMiss, pooling, windowsOf } from './windows.ts';

/**
 * A max-pool that also tells where in the image [height, width, channels] each maximum was, or in the batch of images
 * if `includeBatchInIndex`; of equal ones it is the first.
 */
const maxPoolWithArgmax = defineKernel<'x', MaxPoolWithArgmaxAttrs>(
  'MaxPoolWithArgmax',
  ({ x }, { includeBatchInIndex, ...given }) => {
    const { outShape: shape, attributes } = pooling('MaxPoolWithArgmax', x, given);
    if (mayMiss(windowsOf(attributes))) {
      const asked = JSON.stringify(given);
      throw new UnsupportedKernel(
        'MaxPoolWithArgmax',
        `a window may not be all padding; x [${x.shape}], ${asked}`,
      );
    }
    return {
      inputs: [x],
      outputs: [
        { shape, dtype: 'float32' },
        { shape, dtype: 'int32' },
      ],
      attributes: { ...attributes, includeBatchInIndex },
    };
  },
  (graph, call) => {
    const x = inputOf(call, 0);
    const { window: kernel_shape, strides, pads } = windowsOf(call.attributes);
    // NaN is no maximum, but ONNX Runtime takes it for one where a window starts with it.
    const lowest = graph.float(Number.NEGATIVE_INFINITY);
    const numbers = graph.op('Where', [graph.op('IsNaN', [graph.ref(x)]), lowest, graph.ref(x)]);
    const images = toChannelsFirst(graph, numbers, x.shape);
    const both = graph.outputs('MaxPool', [images], 2, { kernel_shape, strides, pads });
    const wanted = toChannelsLast(graph, both[call.output] as Ref, call.shape);
    if (call.output === 0) return wanted;
    const [batch, ...size] = image(x.shape);
    return inTheirOrder(graph, wanted, call.attributes.includeBatchInIndex === true ? batch : 1, size);
  },
);

/**
 * ONNX's places, which are in [batch, channels, height, width], as TensorFlow.js counts them: `batch` images of
 * [height, width, channels].
 */
function inTheirOrder(graph: GraphBuilder, places: Ref, batch: number, size: readonly number[]): Ref {
  const [height = 0, width = 0, channels = 0] = size;
  const pixels = height * width;
  const starts = Array.from({ length: batch * channels }, (_, i) => {
    const channel = i % channels;
    return (i - channel) * pixels + channel;
  });
  const pixel = graph.op('Mod', [places, graph.ints([pixels])]);
  const start = graph.reshape(graph.ints(starts), [batch, 1, 1, channels]);
  const place = graph.op('Add', [graph.op('Mul', [pixel, graph.ints([channels])]), start]);
  return graph.cast(place, 'int32');
}

export const argmaxPools: readonly Kernel[] = [maxPoolWithArgmax];
