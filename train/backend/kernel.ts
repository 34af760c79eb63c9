import { type NamedAttrMap, util } from '@tensorflow/tfjs-core';
import type { GraphBuilder, Lowering, Ref } from './graph.ts';
import type { Dtype, KernelAttributes, Shape, Value } from './value.ts';

/** What a recorded call will give, and what it needs to know when it is lowered. */
export interface Recorded {
  readonly inputs: readonly Value[];
  readonly shape: Shape;
  readonly dtype: Dtype;
  readonly attributes?: KernelAttributes;
}

/** One TensorFlow.js kernel: the shape and type it gives (`record`), and its ONNX form (`lower`). */
export interface Kernel {
  readonly name: string;
  /** A `Value` instead of a `Recorded` is an input handed on unchanged. */
  readonly record: (inputs: Record<string, Value>, attributes: NamedAttrMap) => Recorded | Value;
  readonly lower: Lowering;
}

/**
 * Declares a kernel with inputs `Names` (and perhaps `Optional` ones) and TensorFlow.js's own attributes type for
 * the kernel of that name. Its registry types both by name only, so the one cast from its loose maps is here.
 */
export function defineKernel<Names extends string, Attributes = unknown, Optional extends string = never>(
  name: string,
  record: (inputs: Inputs<Names, Optional>, attributes: Attributes) => Recorded | Value,
  lower: (graph: GraphBuilder, call: LoweredCall) => Ref,
): Kernel {
  return {
    name,
    record: (inputs, attributes) => record(inputs as Inputs<Names, Optional>, attributes as Attributes),
    lower: (graph, value) => {
      if (value.source.kind !== 'call') throw new Error(`${name} was lowered after it was computed`);
      const { inputs, attributes } = value.source.call;
      return lower(graph, { value, shape: value.shape, dtype: value.dtype, inputs, attributes });
    },
  };
}

type Inputs<Names extends string, Optional extends string> = Record<Names, Value> &
  Partial<Record<Optional, Value>>;

/** A recorded call as its lowering sees it. */
export interface LoweredCall {
  readonly value: Value;
  readonly shape: Shape;
  readonly dtype: Dtype;
  readonly inputs: readonly Value[];
  readonly attributes: KernelAttributes;
}

/** The i-th input of a call; each kernel knows how many it recorded. */
export function inputOf(call: { readonly inputs: readonly Value[] }, index: number): Value {
  const value = call.inputs[index];
  if (value === undefined) throw new Error(`a kernel call has no input ${index}`);
  return value;
}

export function numberOf(attributes: KernelAttributes, name: string): number {
  const value = attributes[name];
  if (typeof value !== 'number') throw new Error(`attribute ${name} is not a number`);
  return value;
}

export function numbersOf(attributes: KernelAttributes, name: string): readonly number[] {
  const value = attributes[name];
  if (!Array.isArray(value)) throw new Error(`attribute ${name} is not a list of numbers`);
  return value as readonly number[];
}

/** Axes as 0..rank-1, in the order given; none given means all of them. */
export function normalAxes(axis: number | number[] | undefined, shape: Shape): number[] {
  return util.parseAxisParam(axis as number | number[], [...shape]);
}
