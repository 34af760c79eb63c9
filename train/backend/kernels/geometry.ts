import { backend_util, type Conv2DAttrs } from '@tensorflow/tfjs-core';
import { type GraphBuilder, type Ref, UnsupportedKernel } from '../graph.ts';
import { numberOf, numbersOf } from '../kernel.ts';
import { image } from '../layout.ts';
import type { KernelAttributes, Shape, Value } from '../value.ts';

/** Strides, dilations as [height, width]; pads as ONNX has them: [top, left, bottom, right]. */
export interface Geometry {
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  readonly pads: readonly number[];
  /** A depthwise convolution has as many groups as its image has channels, any other has one. */
  readonly groups: number;
  /** Its images are [batch, channels, height, width], TensorFlow.js's data format NCHW. */
  readonly channelsFirst: boolean;
}

/** What TensorFlow.js's kernels have in common, some of which leave out the dilations or the data format. */
type ConvolutionAttributes = Pick<Conv2DAttrs, 'strides' | 'pad' | 'dimRoundingMode'> &
  Partial<Pick<Conv2DAttrs, 'dilations' | 'dataFormat'>>;

/**
 * The result's shape and the geometry of a convolution of x [batch, height, width, in], or [batch, in, height, width]
 * if its data format is NCHW, with a filter [height, width, in, out], or [height, width, in, multiplier] if
 * `depthwise`; refuses what the backend has not.
 */
export function convolution(
  kernel: string,
  x: Shape,
  filter: Shape,
  attributes: ConvolutionAttributes,
  depthwise = false,
): { outShape: Shape; outChannels: number; geometry: Geometry } {
  const { strides, pad, dilations, dataFormat = 'NHWC', dimRoundingMode } = attributes;
  const refuse = (why: string): never => {
    const asked = { strides, pad, dilations, dataFormat, dimRoundingMode };
    throw new UnsupportedKernel(kernel, `${why}; x [${x}], filter [${filter}], ${JSON.stringify(asked)}`);
  };
  const channelsFirst = dataFormat === 'NCHW';
  if (channelsFirst && depthwise) refuse(`it has no data format ${dataFormat}, only NHWC`);
  if (x.length !== 4 || filter.length !== 4) refuse('it has 4 dimensions for image and filter');
  const info = backend_util.computeConv2DInfo(
    [...x] as [number, number, number, number],
    [...filter] as [number, number, number, number],
    strides,
    dilations ?? 1,
    pad,
    dimRoundingMode,
    depthwise,
    channelsFirst ? 'channelsFirst' : 'channelsLast',
  );
  if (info.inChannels !== filter[2]) refuse('it has no grouped convolution');
  const pads = padsOf(info) ?? refuse(MISFIT);
  return {
    outShape: info.outShape,
    outChannels: info.outChannels,
    geometry: {
      strides: [info.strideHeight, info.strideWidth],
      dilations: [info.dilationHeight, info.dilationWidth],
      pads,
      groups: depthwise ? info.inChannels : 1,
      channelsFirst,
    },
  };
}

/**
 * The padding of a convolution or pool: as TensorFlow.js has it before the image, and after it just what the last
 * window needs. ONNX rounds the number of windows down, and so comes to TensorFlow.js's, whichever way that was
 * rounded. Undefined where it cannot: where no window fits, and where the padding is one number, with which
 * TensorFlow.js counts a width's windows by the height's filter and stride.
 */
export function padsOf(info: backend_util.Conv2DInfo): number[] | undefined {
  const { inHeight, inWidth, outHeight, outWidth, strideHeight, strideWidth } = info;
  const { top, left } = info.padInfo;
  const bottom = (outHeight - 1) * strideHeight + info.effectiveFilterHeight - top - inHeight;
  const right = (outWidth - 1) * strideWidth + info.effectiveFilterWidth - left - inWidth;
  const fits = outHeight > 0 && outWidth > 0 && bottom > -strideHeight && right > -strideWidth;
  return fits ? [top, left, Math.max(0, bottom), Math.max(0, right)] : undefined;
}

/** Why a convolution or pool without such a padding is refused. */
export const MISFIT =
  'the windows that TensorFlow.js counts do not fit the padded image; use smaller ones, or state the padding of each side';

/** Refuses inputs of another type than float32. */
export function floatsOnly(kernel: string, inputs: readonly Value[]): void {
  const other = inputs.find(({ dtype }) => dtype !== 'float32');
  if (other === undefined) return;
  throw new UnsupportedKernel(
    kernel,
    `it computes in float32 only: cast its ${other.dtype} [${other.shape}] first`,
  );
}

export function geometryOf(attributes: KernelAttributes): Geometry {
  return {
    strides: numbersOf(attributes, 'strides'),
    dilations: numbersOf(attributes, 'dilations'),
    pads: numbersOf(attributes, 'pads'),
    groups: numberOf(attributes, 'groups'),
    channelsFirst: attributes.channelsFirst === true,
  };
}

/** Every pixel of the result is made of the pixels under the filter that starts there. */
export function isPlain({ strides, dilations, pads, channelsFirst }: Geometry): boolean {
  const steps = [...strides, ...dilations];
  return !channelsFirst && steps.every((step) => step === 1) && pads.every((pad) => pad === 0);
}

/** Whether `bias` has one value for each channel of `image` [batch, height, width, channels]. */
export function isPerChannel(bias: Value, { shape }: Value): boolean {
  return bias.shape.length === 1 && bias.shape[0] === shape[3];
}

/** A filter [height, width, in, out] as ONNX wants it: [out, in, height, width], or [out, 1, ...] for each group. */
export function onnxFilter(graph: GraphBuilder, filter: Value, groups: number): Ref {
  if (groups === 1) return graph.op('Transpose', [graph.ref(filter)], { perm: [3, 2, 0, 1] });
  const [height, width, channels, multiplier] = image(filter.shape);
  const turned = graph.op('Transpose', [graph.ref(filter)], { perm: [2, 3, 0, 1] });
  return graph.reshape(turned, [channels * multiplier, 1, height, width]);
}

/** The first rows and columns of an image: all of it where it has no more. */
export function crop(
  graph: GraphBuilder,
  x: Value,
  height: number,
  width: number,
): { ref: Ref; shape: Shape } {
  const [batch, fullHeight, fullWidth, channels] = image(x.shape);
  if (height >= fullHeight && width >= fullWidth) return { ref: graph.ref(x), shape: x.shape };
  const ref = graph.slice(graph.ref(x), { axes: [1, 2], start: [0, 0], end: [height, width], step: [1, 1] });
  return { ref, shape: [batch, height, width, channels] };
}
