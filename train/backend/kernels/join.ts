import { backend_util, type ConcatAttrs, type PackAttrs, type TileAttrs, util } from '@tensorflow/tfjs-core';
import { UnsupportedKernel } from '../graph.ts';
import { defineKernel, inputOf, type Kernel, numberOf, numbersOf } from '../kernel.ts';
import { sizeOf, type Value } from '../value.ts';

/** Kernels with a list of inputs get it from the registry as an object with the places as keys. */
export function listed(kernel: string, values: Record<string, Value>): { inputs: Value[]; first: Value } {
  const inputs = Object.values(values);
  const [first] = inputs;
  if (first === undefined) throw new UnsupportedKernel(kernel, 'it got no tensors');
  return { inputs, first };
}

const concat = defineKernel<string, ConcatAttrs>(
  'Concat',
  (values, { axis }) => {
    const { inputs, first } = listed('Concat', values);
    const along = axis < 0 ? first.shape.length + axis : axis;
    const shapes = inputs.map((input) => [...input.shape]);
    backend_util.assertParamsConsistent(shapes, along);
    const shape = backend_util.computeOutShape(shapes, along);
    return { inputs, shape, dtype: first.dtype, attributes: { axis: along } };
  },
  (graph, call) => {
    const filled = call.inputs.filter(({ shape }) => sizeOf(shape) > 0);
    const refs = filled.map((value) => graph.ref(value));
    return graph.op('Concat', refs, { axis: numberOf(call.attributes, 'axis') });
  },
);

const pack = defineKernel<string, PackAttrs>(
  'Pack',
  (values, { axis }) => {
    const { inputs, first } = listed('Pack', values);
    for (const { shape, dtype } of inputs) {
      util.assertShapesMatch(
        [...first.shape],
        [...shape],
        'All tensors passed to stack must have matching shapes: ',
      );
      util.assert(
        dtype === first.dtype,
        () => `All tensors passed to stack must be ${first.dtype}; got ${dtype}`,
      );
    }
    const along = axis < 0 ? first.shape.length + 1 + axis : axis;
    const shape = first.shape.toSpliced(along, 0, inputs.length);
    return { inputs, shape, dtype: first.dtype, attributes: { axis: along } };
  },
  (graph, call) => {
    const axis = numberOf(call.attributes, 'axis');
    const shape = call.shape.with(axis, 1);
    const refs = call.inputs.map((value) => graph.reshape(graph.ref(value), shape));
    return graph.op('Concat', refs, { axis });
  },
);

const tile = defineKernel<'x', TileAttrs>(
  'Tile',
  ({ x }, { reps }) => {
    const shape = x.shape.map((size, axis) => size * (reps[axis] ?? 1));
    return reps.every((times) => times === 1)
      ? x
      : { inputs: [x], shape, dtype: x.dtype, attributes: { reps } };
  },
  (graph, call) =>
    graph.op('Tile', [graph.ref(inputOf(call, 0)), graph.shape(numbersOf(call.attributes, 'reps'))]),
);

export const joins: readonly Kernel[] = [concat, pack, tile];
