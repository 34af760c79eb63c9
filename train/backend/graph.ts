import {
  type Attributes,
  type ElementType,
  elementType,
  encodeModel,
  type OnnxNode,
  type OnnxTensor,
  type OnnxValue,
} from './onnx.ts';
import type { Plan } from './plan.ts';
import { identityOf, sizeOf, type Value } from './value.ts';

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

export interface GraphOptions {
  /** A batch size that stands for any: it must come to nothing but shapes to reshape to. */
  readonly freeBatch?: number | undefined;
  /** Channels in a block on the processor that is to run the graph: it may use what only ONNX Runtime there has. */
  readonly block?: number | undefined;
}

/** A graph of more calls than this could be too deep for a recursion. */
const DEEP = 500;

/**
 * Turns recorded values into an ONNX graph. Values are lowered on demand from what is asked for, so a call that
 * a pattern has made unnecessary costs nothing; equal nodes are made once.
 */
export class GraphBuilder {
  readonly #lowerings: ReadonlyMap<string, Lowering>;
  readonly #refs = new Map<Value, Ref>();
  readonly #made = new Map<string, readonly Ref[]>();
  readonly #origins = new Map<string, Value>();
  #refCount = 0;
  #lowering: Value | undefined;
  readonly #nodes: OnnxNode[] = [];
  readonly #initializers: OnnxTensor[] = [];
  readonly #inputs: OnnxValue[] = [];
  /** Constants with as many rows as the free batch has. */
  readonly #batched = new Map<Value, Uint8Array>();
  readonly freeBatch: number | undefined;
  readonly block: number | undefined;

  constructor(
    lowerings: ReadonlyMap<string, Lowering>,
    /** How the values in the graph are used, to know when one may be merged into its only user. */
    readonly plan: Pick<Plan, 'uses' | 'order' | 'training'>,
    { freeBatch, block }: GraphOptions = {},
  ) {
    this.#lowerings = lowerings;
    this.freeBatch = freeBatch;
    this.block = block;
  }

  /** Declares `value` as an input of the graph. */
  input(value: Value, name: string, shape: readonly (number | string)[] = value.shape): void {
    this.#inputs.push({ name, type: value.dtype, shape });
    this.#refs.set(value, name as Ref);
  }

  /** Writes `value`'s data into the graph. Where the batch is free, what has its size must be one number throughout. */
  embed(value: Value, name: string, bytes: Uint8Array): void {
    if (value.shape.some((size) => this.#isFree(size))) {
      this.#batched.set(value, bytes);
      return;
    }
    this.#initializers.push({ name, type: value.dtype, shape: value.shape, bytes });
    this.#refs.set(value, name as Ref);
  }

  /** The tensor that holds `value`. */
  ref(value: Value): Ref {
    const known = this.#refs.get(value);
    if (known !== undefined) return known;
    if (this.#lowering === undefined && this.plan.order.length > DEEP) this.#lowerInOrder();
    return this.#refs.get(value) ?? this.#lower(value);
  }

  /** Lowers all values, also those that a pattern makes unnecessary, so that none has to wait for many others. */
  #lowerInOrder(): void {
    for (const value of this.plan.order) if (!this.#refs.has(value)) this.#lower(value);
  }

  #lower(value: Value): Ref {
    const batched = this.#batched.get(value);
    if (batched !== undefined) return this.#expanded(value, batched);
    if (value.source.kind === 'data')
      throw new Error('a value with data was not declared as an input of the graph');
    const { kernel } = value.source.call;
    const lower = this.#lowerings.get(kernel);
    if (lower === undefined) throw new UnsupportedKernel(kernel, 'it has no ONNX form here yet');
    const outer = this.#lowering;
    this.#lowering = value;
    const ref = lower(this, value);
    this.#lowering = outer;
    this.#refs.set(value, ref);
    return ref;
  }

  /** The values whose lowering made each of the nodes, by the nodes' names. */
  get origins(): ReadonlyMap<string, Value> {
    return this.#origins;
  }

  /** How often `value` is used by others or asked for. */
  uses(value: Value): number {
    return this.plan.uses.get(value) ?? 0;
  }

  op(op: string, inputs: readonly Ref[], attributes: Attributes = {}): Ref {
    const [output] = this.outputs(op, inputs, 1, attributes);
    return output as Ref;
  }

  /** A node with `count` outputs. */
  outputs(op: string, inputs: readonly Ref[], count: number, attributes: Attributes = {}): readonly Ref[] {
    return this.#once(`${count}=${op}(${inputs})${identityOf(attributes)}`, count, (outputs) => {
      const name = `${this.#kernel}/${outputs[0]}`;
      if (this.#lowering !== undefined) this.#origins.set(name, this.#lowering);
      this.#nodes.push({ op, name, inputs, outputs, attributes });
    });
  }

  float(value: number): Ref {
    const bytes = new Uint8Array(Float32Array.of(value).buffer);
    return this.#constant('float32', [], bytes, `float ${Object.is(value, -0) ? '-0' : value}`);
  }

  floats(values: readonly number[], shape: readonly number[]): Ref {
    const bytes = new Uint8Array(Float32Array.from(values).buffer);
    return this.#constant('float32', shape, bytes, `floats [${shape}] ${identityOf(values)}`);
  }

  /** A tensor without elements. */
  empty(shape: readonly number[], type: ElementType): Ref {
    return this.cast(this.op('ConstantOfShape', [this.ints(shape)]), type);
  }

  int32(value: number): Ref {
    return this.#constant('int32', [], new Uint8Array(Int32Array.of(value).buffer), `int32 ${value}`);
  }

  uint32(value: number): Ref {
    return this.#constant('uint32', [], new Uint8Array(Uint32Array.of(value).buffer), `uint32 ${value}`);
  }

  /** A vector of bools, each a byte; `identity` says what is in it. */
  bools(values: Uint8Array, identity: string): Ref {
    return this.#constant('bool', [values.length], values, identity);
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

  /** A shape to expand to, or how often to repeat each axis; a free batch is read off the first input that has it. */
  shape(sizes: readonly number[]): Ref {
    if (!sizes.some((size) => this.#isFree(size))) return this.#int64(sizes);
    const input = this.#inputs.find(({ shape }) => typeof shape[0] === 'string');
    if (input === undefined) throw new Error('no input of the graph has the batch that is left open');
    const batch = this.op('Shape', [input.name as Ref], { start: 0, end: 1 });
    const parts = sizes.map((size) => {
      if (!this.#isFree(size)) return this.#int64([size]);
      const times = size / (this.freeBatch ?? 1);
      return times === 1 ? batch : this.op('Mul', [batch, this.#int64([times])]);
    });
    return this.op('Concat', parts, { axis: 0 });
  }

  #expanded(value: Value, bytes: Uint8Array): Ref {
    const size = bytes.length / sizeOf(value.shape);
    if (bytes.some((byte, place) => byte !== bytes[place % size])) {
      throw new Error(
        `A constant of shape [${value.shape}] has the size of the batch: it cannot be left open`,
      );
    }
    const first = bytes.slice(0, size);
    const element = this.#constant(value.dtype, [], first, `${value.dtype} of ${first}`);
    const ref = this.op('Expand', [element, this.shape(value.shape)]);
    this.#refs.set(value, ref);
    return ref;
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
    const made = new Set(this.#nodes.flatMap((node) => node.outputs));
    const renamed = new Map<string, string>();
    outputs.forEach(({ name }, i) => {
      const ref = refs[i] as Ref;
      if (made.has(ref) && !renamed.has(ref)) renamed.set(ref, name);
      // Where one tensor is asked for twice or is an input; a copy that costs a pass over it.
      else this.#nodes.push({ op: 'Identity', name, inputs: [ref], outputs: [name], attributes: {} });
    });
    const named = (name: string) => renamed.get(name) ?? name;
    const nodes = this.#nodes.map((node) => ({
      ...node,
      inputs: node.inputs.map(named),
      outputs: node.outputs.map(named),
    }));
    return encodeModel({
      nodes: neededFor(outputs, nodes),
      initializers: this.#initializers,
      inputs: this.#inputs,
      outputs,
    });
  }

  #constant(type: ElementType, shape: readonly number[], bytes: Uint8Array, identity: string): Ref {
    const [constant] = this.#once(identity, 1, ([name]) => {
      this.#initializers.push({ name: name as Ref, type, shape, bytes });
    });
    return constant as Ref;
  }

  #once(identity: string, count: number, make: (names: readonly Ref[]) => void): readonly Ref[] {
    const known = this.#made.get(identity);
    if (known !== undefined) return known;
    const names = Array.from({ length: count }, () => `t${this.#refCount++}` as Ref);
    this.#made.set(identity, names);
    make(names);
    return names;
  }

  get #kernel(): string {
    return this.#lowering?.source.kind === 'call' ? this.#lowering.source.call.kernel : 'graph';
  }
}

/** `nodes`, which are in the order in which they are run, without those that no output depends on. */
function neededFor(outputs: readonly OnnxValue[], nodes: readonly OnnxNode[]): OnnxNode[] {
  const used = new Set(outputs.map(({ name }) => name));
  const needed = nodes.toReversed().filter((node) => {
    const isUsed = node.outputs.some((output) => used.has(output));
    if (isUsed) for (const input of node.inputs) used.add(input);
    return isUsed;
  });
  return needed.reverse();
}

export interface SliceRange {
  readonly axes: readonly number[];
  readonly start: readonly number[];
  readonly end: readonly number[];
  readonly step: readonly number[];
}
