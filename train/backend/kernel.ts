import { type NamedAttrMap, util } from '@tensorflow/tfjs-core';
import type { GraphBuilder, Lowering, Ref } from './graph.ts';
import {
  type Dtype,
  type KernelAttributes,
  type Shape,
  sizeOf,
  type TypedArray,
  type Value,
} from './value.ts';

/** What a recorded call will give, and what it needs to know when it is lowered. */
export interface Recorded {
  readonly inputs: readonly Value[];
  readonly shape: Shape;
  readonly dtype: Dtype;
  readonly attributes?: KernelAttributes;
}

/**
 * The same for a kernel that gives several tensors, as SplitV, Unpack and TopK do. They share the call; `lower` is
 * asked for one of them at a time, the one whose place is `call.output`, with that one's shape and type. An ONNX
 * node with several outputs comes from `graph.outputs(...)`, which makes it once however often it is asked:
 *
 *     (graph, call) => graph.outputs('TopK', [x, k], 2, { axis: -1 })[call.output]
 */
export interface RecordedSeveral {
  readonly inputs: readonly Value[];
  readonly outputs: readonly { readonly shape: Shape; readonly dtype: Dtype }[];
  readonly attributes?: KernelAttributes;
}

/** One TensorFlow.js kernel: the shape and type it gives (`record`), and its ONNX form (`lower`). */
export interface Kernel {
  readonly name: string;
  readonly record: (inputs: Record<string, Value>, attributes: NamedAttrMap, read: ReadNow) => Outcome;
  readonly lower: Lowering;
}

/**
 * What a kernel's `record` gives: a call to be run later, or values. Of these, one that is an input is handed on
 * unchanged; others must have data.
 */
export type Outcome = Recorded | RecordedSeveral | Value | readonly Value[];

/**
 * Computes a value at once, for a kernel whose result's shape depends on the data (Unique, NonMaxSuppression): it
 * works the result out in JavaScript and returns it as a value with data (`dataValue`). Its `lower` is never called.
 */
export type ReadNow = (value: Value) => TypedArray;

/**
 * Declares a kernel with inputs `Names` (and perhaps `Optional` ones) and TensorFlow.js's own attributes type for
 * the kernel of that name. Its registry types both by name only, so the one cast from its loose maps is here.
 */
export function defineKernel<Names extends string, Attributes = unknown, Optional extends string = never>(
  name: string,
  record: (inputs: Inputs<Names, Optional>, attributes: Attributes, read: ReadNow) => Outcome,
  lower: (graph: GraphBuilder, call: LoweredCall) => Ref,
): Kernel {
  return {
    name,
    record: (inputs, attributes, read) =>
      record(inputs as Inputs<Names, Optional>, attributes as Attributes, read),
    lower: (graph, value) => {
      if (value.source.kind !== 'call') throw new Error(`${name} was lowered after it was computed`);
      // Nothing to compute, and not all of ONNX Runtime's operators take nothing.
      if (sizeOf(value.shape) === 0) return graph.empty(value.shape, value.dtype);
      const { call, output } = value.source;
      const { inputs, attributes } = call;
      return lower(graph, { value, shape: value.shape, dtype: value.dtype, inputs, attributes, output });
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
  /** Which of the kernel's outputs `value` is; 0 where it has one. */
  readonly output: number;
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
