import { engine, type Tensor } from '@tensorflow/tfjs-core';
import type { GraphBuilder, Ref } from '../graph.ts';
import { defineKernel, inputOf, type Kernel, numberOf } from '../kernel.ts';
import { sizeOf } from '../value.ts';

/** Not one of TensorFlow.js's own: its dropout draws in JavaScript, one number after the other. */
export const DROPOUT_MASK = 'DropoutMask';

interface DropoutMaskAttributes {
  readonly shape: readonly number[];
  readonly rate: number;
  readonly seed: number;
}

/**
 * What dropout multiplies with: 0 with the probability `rate` (0 to 1, not included), else 1 / (1 - rate). `draw` is an
 * int32 vector: which draw it is, and which part of it. The same seed and draw give the same mask, on any machine.
 */
export function dropoutMask(shape: readonly number[], rate: number, seed: number, draw: Tensor): Tensor {
  return engine().runKernel(DROPOUT_MASK, { draw }, { shape: [...shape], rate, seed: seed | 0 });
}

/** Places that a draw may start at. */
const STARTS = 2 ** 20;

/**
 * Two fixed tables of random bits, each read from a place that the draw decides; where one of the two bits is set, not
 * both, the unit is kept. That costs three passes over bytes; a number hashed for each unit, twenty over floats.
 */
const kernel = defineKernel<'draw', DropoutMaskAttributes>(
  DROPOUT_MASK,
  ({ draw }, { shape, rate, seed }) => ({
    inputs: [draw],
    shape,
    dtype: 'float32',
    attributes: { rate, seed },
  }),
  (graph, call) => {
    const [rate, seed] = [numberOf(call.attributes, 'rate'), numberOf(call.attributes, 'seed')];
    const size = sizeOf(call.shape);
    const draw = graph.ref(inputOf(call, 0));
    const [first, second] = [1, 2].map((which) => {
      const start = startOf(graph, draw, Math.imul(seed, 2) + which);
      const table = graph.bools(bits(size + STARTS, 1 - rate, which), `bits ${size} ${rate} ${which}`);
      const end = graph.op('Add', [start, graph.ints([size])]);
      return graph.op('Slice', [table, start, end, graph.ints([0])]);
    }) as [Ref, Ref];
    const kept = graph.cast(graph.op('Xor', [first, second]), 'float32');
    return graph.reshape(graph.op('Mul', [kept, graph.float(1 / (1 - rate))]), call.shape);
  },
);

/** Bits of which two that are drawn from different tables differ with this probability. */
function bits(size: number, probability: number, seed: number): Uint8Array {
  const rarer = Math.min(probability, 1 - probability);
  const set = (1 - Math.sqrt(1 - 2 * rarer)) / 2; // 2 set (1 - set) = rarer
  const inverted = probability > 0.5 && seed === 1 ? 1 : 0;
  const threshold = set * 2 ** 32;
  const table = new Uint8Array(size);
  for (let place = 0; place < size; place += 1) {
    const hash = mixedBits(Math.imul(place, GOLDEN) + Math.imul(seed, 0x7feb352d)) >>> 0;
    table[place] = Number(hash < threshold) ^ inverted;
  }
  return table;
}

/** 2^32 divided by the golden ratio. */
const GOLDEN = 0x9e3779b1;

/** The finalizer of MurmurHash3 (Appleby, public domain). */
function mixedBits(x: number): number {
  const first = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
  const second = Math.imul(first ^ (first >>> 13), 0xc2b2ae35);
  return second ^ (second >>> 16);
}

/** A place in the tables, an int64 vector of one: the same finalizer over the two numbers of the draw and the seed. */
function startOf(graph: GraphBuilder, draw: Ref, seed: number): Ref {
  const part = (place: number) =>
    graph.slice(draw, { axes: [0], start: [place], end: [place + 1], step: [1] });
  const mixed = (x: Ref) => {
    const fold = (y: Ref, by: number) => graph.op('BitwiseXor', [y, shifted(graph, y, by)]);
    const first = graph.op('Mul', [fold(x, 16), graph.int32(0x85ebca6b | 0)]);
    const second = graph.op('Mul', [fold(first, 13), graph.int32(0xc2b2ae35 | 0)]);
    return fold(second, 16);
  };
  const seeded = graph.op('Add', [part(0), graph.int32(Math.imul(seed, GOLDEN))]);
  const hash = mixed(graph.op('Add', [graph.op('Mul', [part(1), graph.int32(GOLDEN | 0)]), mixed(seeded)]));
  return graph.cast(graph.op('BitwiseAnd', [hash, graph.int32(STARTS - 1)]), 'int64');
}

/** Shifted right, zeros coming in, which ONNX has for unsigned integers only. */
function shifted(graph: GraphBuilder, x: Ref, by: number): Ref {
  const unsigned = graph.cast(x, 'uint32');
  return graph.cast(graph.op('BitShift', [unsigned, graph.uint32(by)], { direction: 'RIGHT' }), 'int32');
}

export const dropoutMasks: readonly Kernel[] = [kernel];
