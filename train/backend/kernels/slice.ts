import {
  backend_util,
  type ReverseAttrs,
  type SliceAttrs,
  type SplitVAttrs,
  type StridedSliceAttrs,
  slice_util,
  type UnpackAttrs,
} from '@tensorflow/tfjs-core';
import type { GraphBuilder, Ref } from '../graph.ts';
import { defineKernel, inputOf, type Kernel, normalAxes, numberOf, numbersOf } from '../kernel.ts';
import type { Shape } from '../value.ts';

interface Part {
  readonly start: readonly number[];
  readonly size: readonly number[];
  readonly strides?: readonly number[];
}

/** ONNX counts negative ends from the back: an end before the first element is further away than any. */
const BEFORE_ALL = Number.MIN_SAFE_INTEGER;

/** A part of `x`, which has `shape`. Axes taken whole are left out, so that the batch may be any. */
export function sliced(graph: GraphBuilder, x: Ref, shape: Shape, { start, size, strides }: Part): Ref {
  const cuts = shape
    .map((whole, axis) => {
      const [from = 0, count = 1, step = 1] = [start[axis], size[axis], strides?.[axis]];
      const end = from + count * step;
      return { axis, whole: from === 0 && count === whole && step === 1, from, step, end };
    })
    .filter(({ whole }) => !whole);
  if (cuts.length === 0) return x;
  return graph.slice(x, {
    axes: cuts.map(({ axis }) => axis),
    start: cuts.map(({ from }) => from),
    end: cuts.map(({ end }) => (end < 0 ? BEFORE_ALL : end)),
    step: cuts.map(({ step }) => step),
  });
}

const slice = defineKernel<'x', SliceAttrs>(
  'Slice',
  ({ x }, { begin, size }) => {
    const whole = { shape: [...x.shape], rank: x.shape.length } as never;
    const [start = [], extent = []] = slice_util.parseSliceParams(whole, begin, size);
    slice_util.assertParamsValid(whole, start, extent);
    return { inputs: [x], shape: extent, dtype: x.dtype, attributes: { start } };
  },
  (graph, call) => {
    const x = inputOf(call, 0);
    return sliced(graph, graph.ref(x), x.shape, {
      start: numbersOf(call.attributes, 'start'),
      size: call.shape,
    });
  },
);

const stridedSlice = defineKernel<'x', StridedSliceAttrs>(
  'StridedSlice',
  ({ x }, { begin, end, strides, beginMask, endMask, ellipsisMask, newAxisMask, shrinkAxisMask }) => {
    const info = slice_util.sliceInfo(
      [...x.shape],
      begin,
      end,
      strides,
      beginMask,
      endMask,
      ellipsisMask,
      newAxisMask,
      shrinkAxisMask,
    );
    const size = slice_util.computeOutShape(info.begin, info.end, info.strides);
    const attributes = { start: info.begin, size, strides: info.strides };
    return { inputs: [x], shape: info.finalShape, dtype: x.dtype, attributes };
  },
  (graph, call) => {
    const x = inputOf(call, 0);
    const part = sliced(graph, graph.ref(x), x.shape, {
      start: numbersOf(call.attributes, 'start'),
      size: numbersOf(call.attributes, 'size'),
      strides: numbersOf(call.attributes, 'strides'),
    });
    return graph.reshape(part, call.shape);
  },
);

const reverse = defineKernel<'x', ReverseAttrs>(
  'Reverse',
  ({ x }, { dims }) => {
    const axes = normalAxes(dims, x.shape);
    return axes.length === 0 ? x : { inputs: [x], shape: x.shape, dtype: x.dtype, attributes: { axes } };
  },
  (graph, call) => reversed(graph, graph.ref(inputOf(call, 0)), numbersOf(call.attributes, 'axes')),
);

function reversed(graph: GraphBuilder, x: Ref, axes: readonly number[]): Ref {
  return graph.slice(x, {
    axes,
    start: axes.map(() => -1),
    end: axes.map(() => BEFORE_ALL),
    step: axes.map(() => -1),
  });
}

const flipLeftRight = defineKernel<'image'>(
  'FlipLeftRight',
  ({ image }) => ({ inputs: [image], shape: image.shape, dtype: image.dtype }),
  (graph, call) => reversed(graph, graph.ref(inputOf(call, 0)), [2]),
);

const splitV = defineKernel<'x', SplitVAttrs>(
  'SplitV',
  ({ x }, { numOrSizeSplits, axis }) => {
    const along = normalAxes(axis, x.shape)[0] ?? 0;
    const sizes = backend_util.prepareSplitSize({ shape: [...x.shape] } as never, numOrSizeSplits, along);
    return {
      inputs: [x],
      outputs: sizes.map((size) => ({ shape: x.shape.with(along, size), dtype: x.dtype })),
      attributes: { axis: along, sizes },
    };
  },
  (graph, call) => {
    const sizes = numbersOf(call.attributes, 'sizes');
    const parts = graph.outputs('Split', [graph.ref(inputOf(call, 0)), graph.ints(sizes)], sizes.length, {
      axis: numberOf(call.attributes, 'axis'),
    });
    return parts[call.output] as Ref;
  },
);

const unpack = defineKernel<'value', UnpackAttrs>(
  'Unpack',
  ({ value }, { axis }) => {
    const along = axis < 0 ? value.shape.length + axis : axis;
    const output = { shape: value.shape.toSpliced(along, 1), dtype: value.dtype };
    return {
      inputs: [value],
      outputs: Array.from({ length: value.shape[along] ?? 0 }, () => output),
      attributes: { axis: along },
    };
  },
  (graph, call) =>
    graph.op('Gather', [graph.ref(inputOf(call, 0)), graph.int32(call.output)], {
      axis: numberOf(call.attributes, 'axis'),
    }),
);

export const slices: readonly Kernel[] = [slice, stridedSlice, reverse, flipLeftRight, splitV, unpack];
