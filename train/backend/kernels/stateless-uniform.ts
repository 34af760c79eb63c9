import { engine, type Tensor } from '@tensorflow/tfjs-core';
import type { GraphBuilder, Ref } from '../graph.ts';
import { defineKernel, inputOf, type Kernel, numberOf } from '../kernel.ts';
import { sizeOf } from '../value.ts';

/** Not one of TensorFlow.js's own: random numbers that depend on nothing but what they are asked with. */
export const STATELESS_UNIFORM = 'StatelessUniform';

interface StatelessUniformAttributes {
  readonly shape: readonly number[];
  readonly seed: number;
}

/**
 * Numbers in [0,1) of `shape` [rows, ...]. `draw` is an int32 vector: which draw it is, and the number of the first
 * row. The same seed, draw and row give the same numbers, whatever rows are asked for with it.
 */
export function statelessUniform(shape: readonly number[], seed: number, draw: Tensor): Tensor {
  return engine().runKernel(STATELESS_UNIFORM, { draw }, { shape: [...shape], seed: seed | 0 });
}

const kernel = defineKernel<'draw', StatelessUniformAttributes>(
  STATELESS_UNIFORM,
  ({ draw }, { shape, seed }) => ({ inputs: [draw], shape, dtype: 'float32', attributes: { seed } }),
  (graph, call) => {
    const draw = graph.ref(inputOf(call, 0));
    const [which, row] = [0, 1].map((place) =>
      graph.slice(draw, { axes: [0], start: [place], end: [place + 1], step: [1] }),
    ) as [Ref, Ref];
    const [rows = 1] = call.shape;
    const perRow = sizeOf(call.shape) / rows;
    const first = graph.op('Mul', [row, graph.int32(perRow)]);
    const index = graph.op('Add', [
      graph.op('Range', [graph.int32(0), graph.int32(rows * perRow), graph.int32(1)]),
      first,
    ]);
    // Two rounds, so that neighbouring draws and neighbouring places are unlike each other.
    const seed = Math.imul(numberOf(call.attributes, 'seed'), GOLDEN); // far from the next seed's draws
    const key = mixed(graph, graph.op('Add', [which, graph.int32(seed)]));
    const bits = mixed(graph, graph.op('Add', [graph.op('Mul', [index, graph.int32(GOLDEN)]), key]));
    const high = shifted(graph, bits, 8);
    const unit = graph.op('Mul', [graph.cast(high, 'float32'), graph.float(2 ** -24)]);
    return graph.reshape(unit, call.shape);
  },
);

/** 2^32 divided by the golden ratio, as an int32. */
const GOLDEN = 0x9e3779b1 | 0;

/** The finalizer of MurmurHash3 (Appleby, public domain), on int32. */
function mixed(graph: GraphBuilder, x: Ref): Ref {
  const fold = (bits: Ref, by: number) => graph.op('BitwiseXor', [bits, shifted(graph, bits, by)]);
  const first = graph.op('Mul', [fold(x, 16), graph.int32(0x85ebca6b | 0)]);
  const second = graph.op('Mul', [fold(first, 13), graph.int32(0xc2b2ae35 | 0)]);
  return fold(second, 16);
}

/** Shifted right, zeros coming in, which ONNX has for unsigned integers only. */
function shifted(graph: GraphBuilder, x: Ref, by: number): Ref {
  const unsigned = graph.cast(x, 'uint32');
  return graph.cast(graph.op('BitShift', [unsigned, graph.uint32(by)], { direction: 'RIGHT' }), 'int32');
}

export const statelessUniforms: readonly Kernel[] = [kernel];
