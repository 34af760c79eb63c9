import {
  type AvgPool3DAttrs,
  type AvgPool3DGradAttrs,
  backend_util,
  type MaxPool3DGradAttrs,
} from '@tensorflow/tfjs-core';
import { type GraphBuilder, type Ref, UnsupportedKernel } from '../graph.ts';
import { defineKernel, inputOf, type Kernel } from '../kernel.ts';
import { type KernelAttributes, type Shape, sameShape, sizeOf, type Value } from '../value.ts';
import {
  filledUp,
  geometryOf,
  recordedGeometry,
  type Shape5,
  spread,
  toChannelsFirst,
  toChannelsLast,
} from './volume.ts';

/** Pools of volumes [batch, depth, height, width, channels] and their gradients. */

type PoolAttributes = Omit<AvgPool3DAttrs, 'dataFormat'> & Partial<Pick<AvgPool3DAttrs, 'dataFormat'>>;

/** The pooled shape of `x` and its windows; refuses what the backend has not. */
function pooling(
  kernel: string,
  x: Value,
  { filterSize, strides, pad, dimRoundingMode, dataFormat = 'NDHWC' }: PoolAttributes,
): { outShape: Shape; attributes: KernelAttributes } {
  const refuse = (why: string): never => {
    const asked = JSON.stringify({ filterSize, strides, pad, dimRoundingMode, dataFormat });
    throw new UnsupportedKernel(kernel, `${why}; x ${x.dtype} [${x.shape}], ${asked}`);
  };
  if (dataFormat !== 'NDHWC') refuse(`it has no data format ${dataFormat}, only NDHWC`);
  if (x.dtype !== 'float32') refuse('it pools float32 only: cast the volume first');
  const size = [...x.shape] as Shape5;
  const info = backend_util.computePool3DInfo(size, filterSize, strides, 1, pad, dimRoundingMode);
  if (sizeOf(info.outShape) === 0) return { outShape: info.outShape, attributes: {} };
  return { outShape: info.outShape, attributes: recordedGeometry(info, refuse) };
}

/** The same for a pool's gradient `dy`, which must be of the pooled shape. */
function gradientPooling(kernel: string, x: Value, dy: Value, given: PoolAttributes): KernelAttributes {
  const { outShape, attributes } = pooling(kernel, x, given);
  if (sameShape(dy.shape, outShape)) return attributes;
  throw new UnsupportedKernel(
    kernel,
    `pooling [${x.shape}] by ${JSON.stringify(attributes)} gives [${outShape}], ` +
      `and so must its gradient be; got [${dy.shape}]`,
  );
}

/** Whether some window may be all padding, which ONNX Runtime's pools refuse. */
function mayMiss({ window, pads }: ReturnType<typeof geometryOf>): boolean {
  return pads.some((pad, side) => pad >= (window[side % 3] ?? 0));
}

const maxPool = defineKernel<'x', AvgPool3DAttrs>(
  'MaxPool3D',
  ({ x }, given) => {
    const { outShape, attributes } = pooling('MaxPool3D', x, given);
    if (sizeOf(outShape) > 0 && mayMiss(geometryOf(attributes))) refuseMissing('MaxPool3D', x, attributes);
    return { inputs: [x], shape: outShape, dtype: 'float32', attributes };
  },
  (graph, call) => {
    const { window: kernel_shape, strides, pads } = geometryOf(call.attributes);
    const volume = toChannelsFirst(graph, graph.ref(inputOf(call, 0)));
    return toChannelsLast(graph, graph.op('MaxPool', [volume], { kernel_shape, strides, pads }));
  },
);

/** The mean of each window; padding does not count, and the mean of nothing is 0 as it is in TensorFlow.js. */
const avgPool = defineKernel<'x', AvgPool3DAttrs>(
  'AvgPool3D',
  ({ x }, given) => {
    const { outShape, attributes } = pooling('AvgPool3D', x, given);
    return { inputs: [x], shape: outShape, dtype: 'float32', attributes };
  },
  (graph, call) => {
    const x = inputOf(call, 0);
    const geometry = geometryOf(call.attributes);
    const { window: kernel_shape, strides, pads } = geometry;
    if (!mayMiss(geometry)) {
      const volume = toChannelsFirst(graph, graph.ref(x));
      return toChannelsLast(graph, graph.op('AveragePool', [volume], { kernel_shape, strides, pads }));
    }
    const means = (of: Ref) =>
      graph.op('AveragePool', [withZeros(graph, of, pads)], { kernel_shape, strides });
    const ones = graph.op('Expand', [graph.float(1), graph.ints([1, ...x.shape.slice(1, 4), 1])]);
    const covered = graph.op('Max', [means(ones), graph.float(1 / sizeOf(kernel_shape))]);
    return toChannelsLast(graph, graph.op('Div', [means(graph.ref(x)), covered]));
  },
);

/**
 * A volume with zeros around it, channels first. It is padded before the change of layout: next to a pool, ONNX
 * Runtime would make the padding a part of it.
 */
function withZeros(graph: GraphBuilder, x: Ref, pads: readonly number[]): Ref {
  const ends = graph.ints([0, ...pads.slice(0, 3), 0, 0, ...pads.slice(3), 0]);
  return toChannelsFirst(graph, graph.op('Pad', [x, ends]));
}

/** Each element of a window gets the gradient divided by the window's size, padding or not, as in TensorFlow.js. */
const avgPoolGrad = defineKernel<'dy' | 'input', AvgPool3DGradAttrs>(
  'AvgPool3DGrad',
  ({ dy, input }, given) => {
    const attributes = gradientPooling('AvgPool3DGrad', input, dy, given);
    return { inputs: [dy], shape: input.shape, dtype: 'float32', attributes };
  },
  (graph, call) => {
    const { window } = geometryOf(call.attributes);
    const channels = call.shape[4] ?? 0;
    const share = graph.float(1 / sizeOf(window));
    const weights = graph.op('Expand', [share, graph.ints([channels, 1, ...window])]);
    return spread(graph, call, weights, channels);
  },
);

/**
 * Each window's gradient goes to the last element that is its maximum, as in TensorFlow.js. ONNX Runtime's pool tells
 * the place of the first one: so all is done in reverse.
 */
const maxPoolGrad = defineKernel<'dy' | 'input' | 'output', MaxPool3DGradAttrs>(
  'MaxPool3DGrad',
  ({ dy, input }, given) => {
    const attributes = gradientPooling('MaxPool3DGrad', input, dy, given);
    if (mayMiss(geometryOf(attributes))) refuseMissing('MaxPool3DGrad', input, attributes);
    return { inputs: [dy, input], shape: input.shape, dtype: 'float32', attributes };
  },
  (graph, call) => {
    const [dy, input] = [inputOf(call, 0), inputOf(call, 1)];
    const { window, strides, pads } = geometryOf(call.attributes);
    const [batch = 0, depth = 0, height = 0, width = 0, channels = 0] = call.shape;
    // Without the planes that no window reaches, which would come first in reverse.
    const reached = [depth, height, width].map((size, axis) => {
      const last = ((dy.shape[axis + 1] ?? 0) - 1) * (strides[axis] ?? 1) - (pads[axis] ?? 0);
      return Math.min(size, last + (window[axis] ?? 0));
    });
    const covered = graph.slice(graph.ref(input), {
      axes: [1, 2, 3],
      start: [0, 0, 0],
      end: reached,
      step: [1, 1, 1],
    });
    const volume = graph.reshape(reversed(graph, toChannelsFirst(graph, covered)), [
      batch,
      channels,
      ...reached,
    ]);
    const [, places] = graph.outputs('MaxPool', [volume], 2, {
      kernel_shape: window,
      strides,
      pads: [...pads.slice(3), ...pads.slice(0, 3)],
    });
    const targets = graph.reshape(places as Ref, [-1]);
    const shares = reversed(graph, toChannelsFirst(graph, graph.ref(dy)));
    const zeros = graph.op('Expand', [graph.float(0), graph.ints([batch * channels * sizeOf(reached)])]);
    const sums = graph.op('ScatterElements', [zeros, targets, shares], { axis: 0, reduction: 'add' });
    const dx = graph.reshape(reversed(graph, sums), [batch, channels, ...reached]);
    return filledUp(graph, toChannelsLast(graph, dx), reached, [depth, height, width]);
  },
);

/** All elements of `x` as a vector, the last one first. */
function reversed(graph: GraphBuilder, x: Ref): Ref {
  const [start, end, step] = [[-1], [-(2 ** 31)], [-1]];
  return graph.slice(graph.reshape(x, [-1]), { axes: [0], start, end, step });
}

function refuseMissing(kernel: string, x: Value, attributes: KernelAttributes): never {
  const asked = JSON.stringify(attributes);
  throw new UnsupportedKernel(kernel, `a window may not be all padding; x [${x.shape}], ${asked}`);
}

export const volumePools: readonly Kernel[] = [maxPool, maxPoolGrad, avgPool, avgPoolGrad];
