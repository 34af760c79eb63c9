import { backend_util, type EinsumAttrs } from '@tensorflow/tfjs-core';
import type { Ref } from '../graph.ts';
import { defineKernel, type Kernel } from '../kernel.ts';
import type { Value } from '../value.ts';
import { listed } from './join.ts';
import { typed } from './typed.ts';

/** A sum of products over named axes, such as `ij,jk->ik`. */
const einsum = defineKernel<string, EinsumAttrs>(
  'Einsum',
  (values, { equation }) => {
    const { inputs, first } = listed('Einsum', values);
    const described = inputs.map(({ shape }) => ({ shape: [...shape] }) as never);
    const { allDims, idDims } = backend_util.decodeEinsumEquation(equation, inputs.length);
    backend_util.checkEinsumDimSizes(allDims.length, idDims, described);
    const [terms = '', result = ''] = equation.replaceAll(' ', '').split('->');
    const sizes = new Map(terms.split(',').flatMap((term, i) => named(term, inputs[i])));
    return {
      inputs,
      shape: [...result].map((name) => sizes.get(name) ?? 1),
      dtype: first.dtype,
      attributes: { terms: terms.split(',').join(), result },
    };
  },
  (graph, call) => {
    const { terms, result } = call.attributes;
    const factors = String(terms)
      .split(',')
      .map((term, i) => ({ term, ref: typed(graph, call.inputs[i] as Value, call.dtype) }));
    // ONNX Runtime has no term without axes.
    const tensors = factors.filter(({ term }) => term !== '');
    const scalars = factors.filter(({ term }) => term === '').map(({ ref }) => ref);
    const times = (a: Ref, b: Ref) => graph.op('Mul', [a, b]);
    if (tensors.length === 0) return scalars.reduce(times);
    const equation = `${tensors.map(({ term }) => term)}->${result}`;
    const refs = tensors.map(({ ref }) => ref);
    return scalars.reduce(times, graph.op('Einsum', refs, { equation }));
  },
);

const named = (term: string, input: Value | undefined) =>
  [...term].map((name, axis) => [name, input?.shape[axis] ?? 1] as const);

export const einsums: readonly Kernel[] = [einsum];
