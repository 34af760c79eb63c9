import {
  type Attributes,
  type ElementType,
  elementType,
  encodeModel,
  type OnnxNode,
  type OnnxTensor,
  type OnnxValue,
} from './onnx.ts';
import type { Value } from './value.ts';

/** The name of a tensor inside the ONNX graph. */
export type Ref = string & { readonly __brand: 'Ref' };

/** Gives the ONNX nodes of one recorded kernel call: `lowerings.get(kernel)(graph, value)`. */
export type Lowering = (graph: GraphBuilder, value: Value) => Ref;

/** A kernel was recorded that has no lowering, or one that can't do what it was asked for. */
export class UnsupportedKernel extends Error {
  override readonly name = 'UnsupportedKernel';
  constructor(kernel: string, why: string) {
    super(`The onnxruntime backend cannot run TensorFlow.js's kernel ${kernel}: ${why}`);
  }
}

/**
 * Turns recorded values into an ONNX graph. Values are lowered on demand from what is asked for, so a call that
 * a pattern has made unnecessary costs nothing; equal nodes are made once.
 */
export class GraphBuilder {
  readonly #lowerings: ReadonlyMap<string, Lowering>;
  readonly #refs = new Map<Value, Ref>();
  readonly #nodeOf = new Map<string, Ref>();
  readonly #nodes: OnnxNode[] = [];
  readonly #initializers: OnnxTensor[] = [];
  readonly #inputs: OnnxValue[] = [];

  constructor(
    lowerings: ReadonlyMap<string, Lowering>,
    /** How the values in the graph are used, to know when one may be merged into its only user. */
    readonly plan: { readonly uses: ReadonlyMap<Value, number>; readonly training: boolean },
    /** A batch size that stands for any: it must come to nothing but shapes to reshape to. */
    readonly freeBatch?: number,
  ) {
    this.#lowerings = lowerings;
  }

  /** Declares `value` as an input of the graph. */
  input(value: Value, name: string, shape: readonly (number | string)[] = value.shape): void {
    this.#inputs.push({ name, type: value.dtype, shape });
    this.#refs.set(value, name as Ref);
  }

  /** Writes `value`'s data into the graph. */
  embed(value: Value, name: string, bytes: Uint8Array): void {
    this.#initializers.push({ name, type: value.dtype, shape: value.shape, bytes });
    this.#refs.set(value, name as Ref);
  }

  /** The tensor that holds `value`. */
  ref(value: Value): Ref {
    const known = this.#refs.get(value);
    if (known !== undefined) return known;
    if (value.source.kind === 'data')
      throw new Error('a value with data was not declared as an input of the graph');
    const { kernel } = value.source.call;
    const lower = this.#lowerings.get(kernel);
    if (lower === undefined) throw new UnsupportedKernel(kernel, 'it has no ONNX form here yet');
    const ref = lower(this, value);
    this.#refs.set(value, ref);
    return ref;
  }

  /** How often `value` is used by others or asked for. */
  uses(value: Value): number {
    return this.plan.uses.get(value) ?? 0;
  }

  op(op: string, inputs: readonly Ref[], attributes: Attributes = {}): Ref {
    return this.#once(`${op}(${inputs})${JSON.stringify(attributes)}`, (output) =>
      this.#nodes.push({ op, inputs, output, attributes }),
    );
  }

  float(value: number): Ref {
    const bytes = new Uint8Array(Float32Array.of(value).buffer);
    return this.#constant('float32', [], bytes, `float ${Object.is(value, -0) ? '-0' : value}`);
  }

  int32(value: number): Ref {
    return this.#constant('int32', [], new Uint8Array(Int32Array.of(value).buffer), `int32 ${value}`);
  }

  /** A vector of int64, as ONNX wants shapes, axes, starts and ends. */
  ints(values: readonly number[]): Ref {
    if (values.some((value) => this.#isFree(value))) {
      throw new Error(`The batch size is part of the computation (${values}): it cannot be left open`);
    }
    return this.#int64(values);
  }

  reshape(x: Ref, shape: readonly number[]): Ref {
    return this.op('Reshape', [x, this.#int64(shape.map((size) => (this.#isFree(size) ? -1 : size)))]);
  }

  #isFree(size: number): boolean {
    return this.freeBatch !== undefined && size !== 0 && size % this.freeBatch === 0;
  }

  #int64(values: readonly number[]): Ref {
    const bytes = new Uint8Array(BigInt64Array.from(values, BigInt).buffer);
    return this.#constant('int64', [values.length], bytes, `ints ${values}`);
  }

  cast(x: Ref, to: ElementType): Ref {
    return this.op('Cast', [x], { to: elementType[to] });
  }

  /** Elements from `start` to `end` (not included) by `step`, on the given axes. */
  slice(x: Ref, { axes, start, end, step }: SliceRange): Ref {
    return this.op('Slice', [x, this.ints(start), this.ints(end), this.ints(axes), this.ints(step)]);
  }

  /** The finished model; the named tensors are its outputs, in that order. */
  build(outputs: readonly OnnxValue[], refs: readonly Ref[]): Uint8Array {
    outputs.forEach(({ name }, i) => {
      // An output of its own name, also where one tensor is asked for twice or is an input.
      this.#nodes.push({ op: 'Identity', inputs: [refs[i] as Ref], output: name, attributes: {} });
    });
    return encodeModel({
      nodes: this.#nodes,
      initializers: this.#initializers,
      inputs: this.#inputs,
      outputs,
    });
  }

  #constant(type: ElementType, shape: readonly number[], bytes: Uint8Array, identity: string): Ref {
    return this.#once(identity, (name) => this.#initializers.push({ name, type, shape, bytes }));
  }

  #once(identity: string, make: (name: Ref) => void): Ref {
    const known = this.#nodeOf.get(identity);
    if (known !== undefined) return known;
    const name = `t${this.#nodeOf.size}` as Ref;
    this.#nodeOf.set(identity, name);
    make(name);
    return name;
  }
}

export interface SliceRange {
  readonly axes: readonly number[];
  readonly start: readonly number[];
  readonly end: readonly number[];
  readonly step: readonly number[];
}
