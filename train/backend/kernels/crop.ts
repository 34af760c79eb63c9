import type { CropAndResizeAttrs } from '@tensorflow/tfjs-core';
import type { GraphBuilder, Ref } from '../graph.ts';
import { defineKernel, inputOf, type Kernel, numberOf } from '../kernel.ts';
import { image } from '../layout.ts';
import { typed } from './typed.ts';

/**
 * Where the `to` pixels of each crop lie on the `from` pixels of the image, along its height (side 0) or its width (1):
 * [boxes, to]. A product with the boxes [boxes, 4] of y1, x1, y2, x2, as parts of the image; exact at both ends, so
 * that nothing falls off the edge.
 */
function positions(graph: GraphBuilder, boxes: Ref, side: 0 | 1, from: number, to: number): Ref {
  const parts = Array.from({ length: to }, (_, place) => (to > 1 ? place / (to - 1) : 0.5));
  const none = parts.map(() => 0);
  const start = parts.map((part) => (1 - part) * (from - 1));
  const end = parts.map((part) => part * (from - 1));
  const weights = side === 0 ? [start, none, end, none] : [none, start, none, end];
  return graph.op('MatMul', [boxes, graph.floats(weights.flat(), [4, to])]);
}

const cropAndResize = defineKernel<'image' | 'boxes' | 'boxInd', CropAndResizeAttrs>(
  'CropAndResize',
  ({ image: images, boxes, boxInd }, { cropSize, method, extrapolationValue }) => ({
    inputs: [images, boxes, boxInd],
    shape: [boxes.shape[0] ?? 0, ...cropSize, images.shape[3] ?? 1],
    dtype: 'float32',
    attributes: { method, extrapolationValue },
  }),
  (graph, call) => {
    const [images, boxes, boxInd] = [inputOf(call, 0), inputOf(call, 1), inputOf(call, 2)];
    const [batch, height, width, channels] = image(images.shape);
    const [count, newHeight, newWidth] = image(call.shape);
    const pixels = graph.reshape(typed(graph, images, 'float32'), [batch * height * width, channels]);
    const first = graph.reshape(
      graph.op('Mul', [typed(graph, boxInd, 'int32'), graph.int32(height * width)]),
      [count, 1, 1],
    );

    const side = (which: 0 | 1, from: number, to: number) => {
      const given = positions(graph, graph.ref(boxes), which, from, to);
      const within = graph.op('Clip', [given, graph.float(0), graph.float(from - 1)]);
      const below = graph.op('Floor', [within]);
      const along = which === 0 ? [count, to, 1] : [count, 1, to];
      const place = (whole: Ref) => graph.reshape(graph.cast(whole, 'int32'), along);
      return {
        inside: graph.reshape(graph.op('Equal', [given, within]), [...along, 1]),
        fraction: graph.reshape(graph.op('Sub', [within, below]), [...along, 1]),
        below: place(below),
        above: place(graph.op('Ceil', [within])),
        nearest: place(graph.op('Floor', [graph.op('Add', [within, graph.float(0.5)])])),
      };
    };
    const [y, x] = [side(0, height, newHeight), side(1, width, newWidth)];
    const at = (row: Ref, column: Ref) => {
      const line = graph.op('Add', [first, graph.op('Mul', [row, graph.int32(width)])]);
      return graph.op('Gather', [pixels, graph.op('Add', [line, column])], { axis: 0 });
    };
    const between = (from: Ref, to: Ref, fraction: Ref) =>
      graph.op('Add', [from, graph.op('Mul', [graph.op('Sub', [to, from]), fraction])]);
    const onRow = (row: Ref) => between(at(row, x.below), at(row, x.above), x.fraction);

    const sampled =
      call.attributes.method === 'nearest'
        ? at(y.nearest, x.nearest)
        : between(onRow(y.below), onRow(y.above), y.fraction);
    const outside = graph.float(numberOf(call.attributes, 'extrapolationValue'));
    return graph.op('Where', [graph.op('And', [y.inside, x.inside]), sampled, outside]);
  },
);

export const crops: readonly Kernel[] = [cropAndResize];
