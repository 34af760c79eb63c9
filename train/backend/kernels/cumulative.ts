import type { CumsumAttrs } from '@tensorflow/tfjs-core';
import type { GraphBuilder, Ref } from '../graph.ts';
import { defineKernel, inputOf, type Kernel, type LoweredCall, normalAxes, numberOf } from '../kernel.ts';
import { calculable, typed } from './typed.ts';

function cumulative(name: string, lower: (graph: GraphBuilder, x: Ref, call: LoweredCall) => Ref): Kernel {
  return defineKernel<'x', CumsumAttrs>(
    name,
    ({ x }, { axis, exclusive, reverse }) => ({
      inputs: [x],
      shape: x.shape,
      dtype: calculable(x.dtype),
      attributes: { axis: normalAxes(axis, x.shape)[0] ?? 0, exclusive, reverse },
    }),
    (graph, call) => lower(graph, typed(graph, inputOf(call, 0), call.dtype), call),
  );
}

function sums(graph: GraphBuilder, x: Ref, { attributes }: LoweredCall): Ref {
  return graph.op('CumSum', [x, graph.int32(numberOf(attributes, 'axis'))], {
    exclusive: Number(attributes.exclusive === true),
    reverse: Number(attributes.reverse === true),
  });
}

/**
 * ONNX has no running product. This takes log2(length) products of the whole tensor with itself moved by 1, 2, 4, ...
 * places, ones coming in (W. D. Hillis and G. L. Steele, "Data parallel algorithms", 1986).
 */
function products(graph: GraphBuilder, x: Ref, { attributes, shape, dtype }: LoweredCall): Ref {
  const axis = numberOf(attributes, 'axis');
  const length = shape[axis] ?? 1;
  const one = dtype === 'int32' ? graph.int32(1) : graph.float(1);
  const moved = (product: Ref, by: number) => {
    const start = shape.map((_, each) => (each === axis ? (attributes.reverse === true ? -by : by) : 0));
    // Of all axes: ONNX Runtime loses track of Pad's list of axes when it moves a Transpose past it.
    return graph.op('Pad', [product, graph.ints([...start, ...start.map((size) => -size)]), one]);
  };
  let product = x;
  for (let by = 1; by < length; by *= 2) product = graph.op('Mul', [product, moved(product, by)]);
  return attributes.exclusive === true ? moved(product, 1) : product;
}

export const cumulatives: readonly Kernel[] = [cumulative('Cumsum', sums), cumulative('Cumprod', products)];
