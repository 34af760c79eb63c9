import { Tensor } from 'onnxruntime-node';

/** The element types that TensorFlow.js kernels compute in here. */
export type Dtype = 'float32' | 'int32' | 'bool';
export type Shape = readonly number[];
export type TypedArray = Float32Array | Int32Array | Uint8Array;

/** A kernel's arguments besides its tensors, after defaults and shapes are worked out. Part of the graph's identity. */
export type KernelAttributes = Readonly<
  Record<string, number | boolean | string | readonly number[] | undefined>
>;

/**
 * One tensor of the recorded computation: its data, or the kernel call that will give it. A pending value
 * becomes data in place when it is computed, which lets go of what it was computed from.
 */
export class Value {
  constructor(
    readonly shape: Shape,
    readonly dtype: Dtype,
    public source: Source,
  ) {}
}

export type Source =
  | { readonly kind: 'data'; readonly tensor: Tensor }
  | { readonly kind: 'call'; readonly call: Call; readonly output: number };

/** One call of a kernel. The values it gives are told apart by the `output` of their source. */
export interface Call {
  readonly kernel: string;
  readonly inputs: readonly Value[];
  readonly attributes: KernelAttributes;
  /** How many calls, this one included, were to be run one after the other when this one was recorded. */
  readonly depth: number;
}

/** A value with these data. */
export function dataValue(shape: Shape, dtype: Dtype, data: TypedArray): Value {
  return new Value(shape, dtype, { kind: 'data', tensor: new Tensor(dtype, data, shape) });
}

/** The call that gives `value` if it is one of `kernel`, else undefined. */
export function callOf(value: Value, kernel: string): Call | undefined {
  return value.source.kind === 'call' && value.source.call.kernel === kernel ? value.source.call : undefined;
}

/** The calls that give those of `values` that are pending. */
export function callsOf(values: readonly Value[]): Call[] {
  return values.flatMap(({ source }) => (source.kind === 'call' ? [source.call] : []));
}

/** Text that is equal for equal attributes only: JSON, but it has no NaN, no infinities and no -0. */
export function identityOf(attributes: object): string {
  return JSON.stringify(attributes, (_, value: unknown) => {
    if (Object.is(value, -0)) return '-0';
    return typeof value === 'number' && !Number.isFinite(value) ? String(value) : value;
  });
}

export function sizeOf(shape: Shape): number {
  return shape.reduce((product, size) => product * size, 1);
}

export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((size, axis) => size === b[axis]);
}
