import { backend_util, type Conv2DAttrs } from '@tensorflow/tfjs-core';
import { type GraphBuilder, type Ref, UnsupportedKernel } from '../graph.ts';
import { numbersOf } from '../kernel.ts';
import { image } from '../layout.ts';
import type { KernelAttributes, Shape, Value } from '../value.ts';

/** Strides, dilations as [height, width]; pads as ONNX has them: [top, left, bottom, right]. */
export interface Geometry {
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  readonly pads: readonly number[];
}

type ConvolutionAttributes = Pick<
  Conv2DAttrs,
  'strides' | 'pad' | 'dataFormat' | 'dilations' | 'dimRoundingMode'
>;

/** The result's shape and the geometry of a convolution; refuses what the backend has not. */
export function convolution(kernel: string, x: Shape, filter: Shape, attributes: ConvolutionAttributes) {
  const { strides, pad, dilations, dataFormat, dimRoundingMode } = attributes;
  if (dataFormat !== 'NHWC') throw new UnsupportedKernel(kernel, `it has no data format ${dataFormat}`);
  const info = backend_util.computeConv2DInfo(
    [...x] as [number, number, number, number],
    [...filter] as [number, number, number, number],
    strides,
    dilations ?? 1,
    pad,
    dimRoundingMode,
  );
  if (info.inChannels !== filter[2]) throw new UnsupportedKernel(kernel, 'it has no grouped convolution');
  const { top, left, bottom, right } = info.padInfo;
  return {
    outShape: info.outShape,
    geometry: {
      strides: [info.strideHeight, info.strideWidth],
      dilations: [info.dilationHeight, info.dilationWidth],
      pads: [top, left, bottom, right],
    },
  };
}

export function geometryOf(attributes: KernelAttributes): Geometry {
  return {
    strides: numbersOf(attributes, 'strides'),
    dilations: numbersOf(attributes, 'dilations'),
    pads: numbersOf(attributes, 'pads'),
  };
}

/** Every pixel of the result is made of the pixels under the filter that starts there. */
export function isPlain({ strides, dilations, pads }: Geometry): boolean {
  return [...strides, ...dilations].every((step) => step === 1) && pads.every((pad) => pad === 0);
}

/** Whether `bias` has one value for each channel of `image`. */
export function isPerChannel(bias: Value, { shape }: Value): boolean {
  return bias.shape.length === 1 && bias.shape[0] === shape[3];
}

/** A filter [height, width, in, out] as ONNX wants it: [out, in, height, width]. */
export function onnxFilter(graph: GraphBuilder, filter: Value): Ref {
  return graph.op('Transpose', [graph.ref(filter)], { perm: [3, 2, 0, 1] });
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
