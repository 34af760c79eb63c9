import type {
  ResizeBilinearAttrs,
  ResizeBilinearGradAttrs,
  ResizeNearestNeighborAttrs,
} from '@tensorflow/tfjs-core';
import type { GraphBuilder, Ref } from '../graph.ts';
import { defineKernel, inputOf, type Kernel, type LoweredCall } from '../kernel.ts';
import { image } from '../layout.ts';
import type { Shape } from '../value.ts';
import { typed } from './typed.ts';

/** The part that old places have in one new place: [place, weight] pairs. */
type Weights = readonly (readonly [place: number, weight: number])[];

interface Sampling {
  readonly alignCorners: boolean;
  readonly halfPixelCenters: boolean;
}

/** How many old places one new place is apart from the next. */
function scaleOf(from: number, to: number, alignCorners: boolean): number {
  return alignCorners && to > 1 ? (from - 1) / (to - 1) : from / to;
}

function bilinear(
  place: number,
  from: number,
  to: number,
  { alignCorners, halfPixelCenters }: Sampling,
): Weights {
  const scale = scaleOf(from, to, alignCorners);
  const source = halfPixelCenters ? scale * (place + 0.5) - 0.5 : scale * place;
  const below = Math.max(0, Math.floor(source));
  const above = Math.min(from - 1, Math.ceil(source));
  const fraction = above > below ? source - below : 0;
  return fraction === 0
    ? [[Math.min(below, from - 1), 1]]
    : [
        [below, 1 - fraction],
        [above, fraction],
      ];
}

function nearest(
  place: number,
  from: number,
  to: number,
  { alignCorners, halfPixelCenters }: Sampling,
): Weights {
  const source = scaleOf(from, to, alignCorners) * (halfPixelCenters ? place + 0.5 : place);
  return [[Math.min(from - 1, alignCorners ? Math.round(source) : Math.floor(source)), 1]];
}

type Interpolation = typeof bilinear;

/** The matrix that makes `to` new places of `from` old ones, or the transposed one, which takes gradients back. */
function matrix(
  graph: GraphBuilder,
  [from, to]: readonly [number, number],
  interpolate: Interpolation,
  call: LoweredCall,
  transposed: boolean,
): Ref {
  const { alignCorners, halfPixelCenters } = call.attributes;
  const sampling = { alignCorners: alignCorners === true, halfPixelCenters: halfPixelCenters === true };
  const weights = new Array<number>(from * to).fill(0);
  for (let place = 0; place < to; place += 1) {
    for (const [source, weight] of interpolate(place, from, to, sampling)) {
      weights[transposed ? source * to + place : place * from + source] = weight;
    }
  }
  return graph.floats(weights, transposed ? [from, to] : [to, from]);
}

/** An image times one matrix along its height and one along its width. */
function product(graph: GraphBuilder, x: Ref, shape: Shape, outShape: Shape, rows: Ref, columns: Ref): Ref {
  const [batch, height, width, channels] = image(shape);
  const [, newHeight] = image(outShape);
  const tall = graph.op('MatMul', [rows, graph.reshape(x, [batch, height, width * channels])]);
  const lines = graph.reshape(tall, [batch * newHeight, width, channels]);
  return graph.reshape(graph.op('MatMul', [columns, lines]), outShape);
}

function resize(name: string, interpolate: Interpolation): Kernel {
  return defineKernel<'images', ResizeBilinearAttrs | ResizeNearestNeighborAttrs>(
    name,
    ({ images }, { size: [height, width], alignCorners, halfPixelCenters }) => {
      const [batch, , , channels] = image(images.shape);
      return {
        inputs: [images],
        shape: [batch, height, width, channels],
        dtype: name === 'ResizeNearestNeighbor' ? images.dtype : 'float32',
        attributes: { alignCorners, halfPixelCenters },
      };
    },
    (graph, call) => {
      const images = inputOf(call, 0);
      const [, height, width] = image(images.shape);
      const [, newHeight, newWidth] = image(call.shape);
      const rows = matrix(graph, [height, newHeight], interpolate, call, false);
      const columns = matrix(graph, [width, newWidth], interpolate, call, false);
      const x = typed(graph, images, 'float32');
      return graph.cast(product(graph, x, images.shape, call.shape, rows, columns), call.dtype);
    },
  );
}

/** TensorFlow.js's resizing gradients know corners, but no half pixels. */
function resizeGrad(name: string, interpolate: Interpolation): Kernel {
  return defineKernel<'images' | 'dy', ResizeBilinearGradAttrs>(
    name,
    ({ images, dy }, { alignCorners }) => ({
      inputs: [dy],
      shape: images.shape,
      dtype: 'float32',
      attributes: { alignCorners, halfPixelCenters: false },
    }),
    (graph, call) => {
      const dy = inputOf(call, 0);
      const [, newHeight, newWidth] = image(dy.shape);
      const [, height, width] = image(call.shape);
      const rows = matrix(graph, [height, newHeight], interpolate, call, true);
      const columns = matrix(graph, [width, newWidth], interpolate, call, true);
      return product(graph, graph.ref(dy), dy.shape, call.shape, rows, columns);
    },
  );
}

export const resizes: readonly Kernel[] = [
  resize('ResizeBilinear', bilinear),
  resize('ResizeNearestNeighbor', nearest),
  resizeGrad('ResizeBilinearGrad', bilinear),
  resizeGrad('ResizeNearestNeighborGrad', nearest),
];
