import type {
  Conv2DBackpropFilterAttrs,
  Conv2DBackpropInputAttrs,
  DepthwiseConv2dNativeBackpropFilterAttrs,
  DepthwiseConv2dNativeBackpropInputAttrs,
} from '@tensorflow/tfjs-core';
import { type GraphBuilder, type Ref, UnsupportedKernel } from '../graph.ts';
import { defineKernel, inputOf, type Kernel, type LoweredCall } from '../kernel.ts';
import { type Images, image, toChannelsFirst, toChannelsLast } from '../layout.ts';
import { type Shape, sameShape, type Value } from '../value.ts';
import {
  blockedBackwardFilter,
  blockedChannelsFirst,
  blockedConvolution,
  blockedImageFilter,
  blockOf,
} from './blocked.ts';
import { convolution, crop, floatsOnly, type Geometry, geometryOf, isPlain, onnxFilter } from './geometry.ts';
import { patches } from './patches.ts';
import { coveredGradient, lowerPhasedFilterGradient } from './pool.ts';
import { padded } from './windows.ts';

type GradientAttributes =
  | Omit<Conv2DBackpropInputAttrs, 'inputShape'>
  | Omit<DepthwiseConv2dNativeBackpropInputAttrs, 'inputShape'>;

/** The geometry of the convolution whose gradient is asked for; TensorFlow.js has none for a dilated one. */
function forwardGeometry(
  kernel: string,
  { x, filter, dy }: { readonly x: Shape; readonly filter: Shape; readonly dy: Shape },
  attributes: GradientAttributes,
  depthwise: boolean,
): Geometry {
  const { outShape, geometry } = convolution(kernel, x, filter, attributes, depthwise);
  if (geometry.channelsFirst) throw new UnsupportedKernel(kernel, 'it has no data format NCHW, only NHWC');
  if (geometry.dilations.some((dilation) => dilation !== 1)) {
    throw new UnsupportedKernel(kernel, `it has no dilations, got [${geometry.dilations}]`);
  }
  if (!sameShape(dy, outShape)) {
    throw new UnsupportedKernel(
      kernel,
      `a convolution of [${x}] with a filter [${filter}], strides [${geometry.strides}] and padding ` +
        `${JSON.stringify(attributes.pad)} gives [${outShape}], and so must its gradient be; got [${dy}]`,
    );
  }
  return geometry;
}

/** The gradient of a convolution's image, which is also what a transposed convolution computes. */
export function inputGradientKernel(name: string, { depthwise }: { depthwise: boolean }): Kernel {
  return defineKernel<'dy' | 'filter', Conv2DBackpropInputAttrs | DepthwiseConv2dNativeBackpropInputAttrs>(
    name,
    ({ dy, filter }, attributes) => {
      floatsOnly(name, [dy, filter]);
      const { inputShape } = attributes;
      const shapes = { x: inputShape, filter: filter.shape, dy: dy.shape };
      const geometry = forwardGeometry(name, shapes, attributes, depthwise);
      return { inputs: [dy, filter], shape: inputShape, dtype: 'float32', attributes: { ...geometry } };
    },
    lowerInputGradient,
  );
}

function lowerInputGradient(graph: GraphBuilder, call: LoweredCall): Ref {
  const [dy, filter] = [inputOf(call, 0), inputOf(call, 1)];
  const { strides, pads, groups } = geometryOf(call.attributes);
  const [top = 0, left = 0] = pads;
  const [strideY = 1, strideX = 1] = strides;
  const [batch, height, width, channels] = image(call.shape);
  const [filterHeight, filterWidth] = image(filter.shape);
  const gradient = coveredGradient(graph, dy);
  const [, outHeight, outWidth] = image(gradient.shape);

  // The windows reach from -top to here: what is beyond the image is cut off, what they left out is 0.
  const endY = (outHeight - 1) * strideY + filterHeight - top;
  const endX = (outWidth - 1) * strideX + filterWidth - left;
  const [reachedHeight, reachedWidth] = [Math.min(endY, height), Math.min(endX, width)];
  const around = [top, left, endY - reachedHeight, endX - reachedWidth];
  const inside =
    inputGradientInBlocks(graph, gradient, filter, { strides, groups, around }) ??
    toChannelsLast(
      graph,
      graph.op(
        'ConvTranspose',
        [toChannelsFirst(graph, gradient.ref, gradient.shape), onnxFilter(graph, filter, groups)],
        { strides, pads: around, group: groups },
      ),
      [batch, reachedHeight, reachedWidth, channels],
    );
  if (reachedHeight === height && reachedWidth === width) return inside;
  const ends = graph.ints([0, 0, 0, 0, 0, height - reachedHeight, width - reachedWidth, 0]);
  return graph.op('Pad', [inside, ends]);
}

/**
 * As a convolution of the gradient with the filter turned around. `around` is what the forward pass left out at each
 * side: the gradient is padded with the rest of a window. Undefined where the processor has no blocks for it.
 */
function inputGradientInBlocks(
  graph: GraphBuilder,
  gradient: Images,
  filter: Value,
  { strides, groups, around }: Pick<Geometry, 'strides' | 'groups'> & { readonly around: readonly number[] },
): Ref | undefined {
  const [height, width, inside, out] = image(filter.shape);
  const pads = around.map((left, side) => (side % 2 === 0 ? height : width) - 1 - left);
  const simple = groups === 1 && strides.every((stride) => stride === 1) && pads.every((pad) => pad >= 0);
  const block = simple ? blockOf(graph, inside, out) : undefined;
  if (block === undefined) return undefined;
  return blockedConvolution(graph, gradient, {
    filter: blockedBackwardFilter(graph, graph.ref(filter), filter.shape, block),
    window: [height, width],
    outChannels: inside,
    pads,
  });
}

export function filterGradientKernel(
  name: string,
  { depthwise }: { depthwise: boolean },
  lower: (graph: GraphBuilder, call: LoweredCall) => Ref,
): Kernel {
  return defineKernel<'x' | 'dy', Conv2DBackpropFilterAttrs | DepthwiseConv2dNativeBackpropFilterAttrs>(
    name,
    ({ x, dy }, attributes) => {
      floatsOnly(name, [x, dy]);
      const { filterShape } = attributes;
      const shapes = { x: x.shape, filter: filterShape, dy: dy.shape };
      const geometry = forwardGeometry(name, shapes, attributes, depthwise);
      return { inputs: [x, dy], shape: filterShape, dtype: 'float32', attributes: { ...geometry } };
    },
    lower,
  );
}

/**
 * The filter's gradient as one convolution: x seen as one image of [height, width*in] with the batch as its
 * channels, dy as the weights [out, batch, outHeight, outWidth]. A step of one pixel is `in` columns wide, and
 * the stride of the forward pass becomes the dilation of this one. Measured at a third of the time of the usual
 * form (channels as batch). For images of one channel, as one product.
 */
export function lowerFilterGradient(graph: GraphBuilder, call: LoweredCall): Ref {
  const [x, dy] = [inputOf(call, 0), inputOf(call, 1)];
  const geometry = geometryOf(call.attributes);
  const [filterHeight, filterWidth] = image(call.shape);
  if (call.shape[2] === 1) return oneChannelFilterGradient(graph, x, dy, call.shape, geometry);
  const gradient = coveredGradient(graph, dy);
  const [, outHeight, outWidth, outChannels] = image(gradient.shape);
  const seen = isPlain(geometry)
    ? crop(graph, x, outHeight + filterHeight - 1, outWidth + filterWidth - 1)
    : { ref: graph.ref(x), shape: x.shape };
  const [batch, height, width, channels] = image(seen.shape);
  const [strideY = 1, strideX = 1] = geometry.strides;
  const [top = 0, left = 0, bottom = 0, right = 0] = geometry.pads;

  const images = graph.reshape(seen.ref, [1, batch, height, width * channels]);
  const correlated = correlate(graph, images, gradient, {
    dilations: [strideY, strideX * channels],
    pads: [top, left * channels, bottom, right * channels],
  });

  // There may be rows and columns beyond the filter, from pixels that no window reached.
  const rows = height + top + bottom - (outHeight - 1) * strideY;
  const columns = (width + left + right - (outWidth - 1) * strideX) * channels;
  const exact =
    rows === filterHeight && columns === filterWidth * channels
      ? correlated
      : graph.slice(correlated, {
          axes: [2, 3],
          start: [0, 0],
          end: [filterHeight, filterWidth * channels],
          step: [1, 1],
        });

  const taps = filterHeight * filterWidth * channels;
  const turned = graph.op('Transpose', [graph.reshape(exact, [outChannels, taps])], { perm: [1, 0] });
  return graph.reshape(turned, call.shape);
}

/** As a product of what the filter saw and the gradient, which is read as it lies: half the time of the other form. */
function oneChannelFilterGradient(
  graph: GraphBuilder,
  x: Value,
  dy: Value,
  filter: Shape,
  { strides, pads }: Geometry,
): Ref {
  const gradient = coveredGradient(graph, dy);
  const [batch, height, width, channels] = image(gradient.shape);
  const images = padded(graph, graph.ref(x), { pads }, 0);
  const seen = patches(graph, images, filter, {
    strides: [strides[0] ?? 1, strides[1] ?? 1],
    of: gradient.shape,
  });
  const flat = graph.reshape(gradient.ref, [batch * height * width, channels]);
  return graph.reshape(graph.op('Gemm', [seen, flat]), filter);
}

/** `images` [1, batch, ...] convolved with the gradient as the filter: [1, out, ...]. */
function correlate(
  graph: GraphBuilder,
  images: Ref,
  gradient: Images,
  geometry: Pick<Geometry, 'dilations' | 'pads'>,
): Ref {
  const [batch, outHeight, outWidth, outChannels] = image(gradient.shape);
  const block = blockOf(graph, batch, outChannels);
  if (block !== undefined) {
    return blockedChannelsFirst(graph, images, {
      filter: blockedImageFilter(graph, gradient.ref, gradient.shape, block),
      window: [outHeight, outWidth],
      outChannels,
      ...geometry,
    });
  }
  const channelsFirst = toChannelsFirst(graph, gradient.ref, gradient.shape);
  const weights = graph.op('Transpose', [channelsFirst], { perm: [1, 0, 2, 3] });
  return graph.op('Conv', [images, weights], geometry);
}

export const convolutionGradients: readonly Kernel[] = [
  inputGradientKernel('Conv2DBackpropInput', { depthwise: false }),
  filterGradientKernel(
    'Conv2DBackpropFilter',
    { depthwise: false },
    (graph, call) =>
      lowerPhasedFilterGradient(graph, inputOf(call, 0), inputOf(call, 1)) ??
      lowerFilterGradient(graph, call),
  ),
];
