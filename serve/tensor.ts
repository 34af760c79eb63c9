import type { TensorSpec } from '../registry/signature.ts';
import { RequestError } from './errors.ts';

export type Dtype = TensorSpec['dtype'];
type TensorData = Float32Array | Float64Array | Int32Array | BigInt64Array | Uint8Array;

/** Row-major values; `bool` is 0 or 1 in bytes, as in ONNX Runtime. */
export interface Tensor {
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  readonly data: TensorData;
}

/** Deeper lists than any tensor has. */
const maxRank = 9;

/**
 * Reads nested lists, as deep as the tensor's rank, into the tensor that `spec` describes.
 * @throws RequestError 400 for ragged lists, another shape, or a value that is no number of its type; 413 for
 * more than `maxRows` rows.
 */
export function fromNested(spec: TensorSpec, nested: unknown, maxRows: number): Tensor {
  const shape = nestedShape(spec, nested);
  checkShape(spec, shape, maxRows);
  return fill(spec, shape, (nested as unknown[]).flat(shape.length - 1));
}

/** Reads values in row-major order into the tensor that `spec` describes. Throws as `fromNested` does. */
export function fromFlat(
  spec: TensorSpec,
  shape: readonly number[],
  values: readonly unknown[],
  maxRows: number,
): Tensor {
  const count = sizeOf(shape);
  if (count !== values.length)
    throw bad(spec, `expected ${count} values for the shape ${show(shape)}, got ${values.length}`);
  checkShape(spec, shape, maxRows);
  return fill(spec, shape, values);
}

/** The shape of nested lists; every list of one depth has the same length. */
export function nestedShape(spec: TensorSpec, nested: unknown): number[] {
  if (!Array.isArray(nested))
    throw bad(spec, `expected a list of ${show(spec.shape)}, got ${preview(nested)}`);
  const shape: number[] = [];
  let level: unknown[] = [nested];
  // The lists of one depth at a time, so that a deep or a ragged body costs no more than its own size.
  while (level.length > 0 && level.every(Array.isArray)) {
    if (shape.length === maxRank) throw bad(spec, `expected shape ${show(spec.shape)}, got deeper lists`);
    const lists = level as unknown[][];
    const length = lists[0]?.length ?? 0;
    const odd = lists.findIndex((list) => list.length !== length);
    if (odd >= 0)
      throw bad(
        spec,
        `the lists are ragged: expected shape ${show(spec.shape)}, got lists of ${length} and of ${lists[odd]?.length} (list ${odd})`,
      );
    shape.push(length);
    if (!Array.isArray(lists[0]?.[0])) break; // values; a list among them is refused where they are read
    level = lists.flat();
  }
  return shape;
}

function checkShape(spec: TensorSpec, shape: readonly number[], maxRows: number) {
  const fits =
    shape.length === spec.shape.length &&
    spec.shape.every((expected, i) => expected === -1 || expected === shape[i]);
  if (!fits) throw bad(spec, `expected shape ${show(spec.shape)}, got ${show(shape)}`);
  if (sizeOf(shape) === 0) throw bad(spec, `expected at least one row, got shape ${show(shape)}`);
  const rows = shape[0] ?? 1;
  if (rows > maxRows)
    throw new RequestError(413, `${rows} rows in one request; send at most ${maxRows} at a time`);
}

function fill(spec: TensorSpec, shape: readonly number[], values: readonly unknown[]): Tensor {
  const data = allocate(spec.dtype, values.length);
  const read = readers[spec.dtype];
  for (let i = 0; i < values.length; i++) {
    const value = read(values[i]);
    if (value === undefined)
      throw bad(
        spec,
        `expected ${spec.dtype} values, got ${preview(values[i])} at ${show(position(shape, i))}`,
      );
    data[i] = value as never; // number or bigint, as the reader of this dtype gives it
  }
  return { dtype: spec.dtype, shape, data };
}

export function allocate(dtype: Dtype, length: number): TensorData {
  switch (dtype) {
    case 'float32':
      return new Float32Array(length);
    case 'float64':
      return new Float64Array(length);
    case 'int32':
      return new Int32Array(length);
    case 'int64':
      return new BigInt64Array(length);
    case 'uint8':
    case 'bool':
      return new Uint8Array(length);
    default:
      return dtype satisfies never;
  }
}

/** From a JSON value to what the typed array stores; undefined when the type can't hold it. */
const readers: Record<Dtype, (value: unknown) => number | bigint | undefined> = {
  // JSON can spell 1e300, which float32 would turn into infinity.
  float32: (v) => (typeof v === 'number' && Number.isFinite(Math.fround(v)) ? v : undefined),
  float64: (v) => (typeof v === 'number' && Number.isFinite(v) ? v : undefined),
  int32: (v) => (wholeBetween(v, -(2 ** 31), 2 ** 31 - 1) ? v : undefined),
  // Beyond 2^53 the JSON number has already lost digits.
  int64: (v) => (Number.isSafeInteger(v) ? BigInt(v as number) : undefined),
  uint8: (v) => (wholeBetween(v, 0, 255) ? v : undefined),
  bool: (v) => (typeof v === 'boolean' ? Number(v) : v === 0 || v === 1 ? v : undefined),
};

function wholeBetween(value: unknown, low: number, high: number): value is number {
  return Number.isInteger(value) && (value as number) >= low && (value as number) <= high;
}

/**
 * The values for JSON, row-major.
 * @throws Error when the model gave what JSON can't carry: NaN, infinity, or a whole number beyond 2^53.
 */
export function toFlat(tensor: Tensor): (number | boolean)[] {
  return Array.from(tensor.data, (value: number | bigint) => {
    const number = Number(value);
    if (!Number.isFinite(number) || (typeof value === 'bigint' && !Number.isSafeInteger(number)))
      throw new Error(`the model answered ${value}, which JSON can't carry`);
    return tensor.dtype === 'bool' ? number === 1 : number;
  });
}

/** The values for JSON as nested lists. Throws as `toFlat` does. */
export function toNested(tensor: Tensor): unknown[] {
  let lists: unknown[] = toFlat(tensor);
  for (const length of tensor.shape.slice(1).reverse()) lists = chunk(lists, length);
  return lists;
}

function chunk(values: readonly unknown[], length: number): unknown[][] {
  const chunks: unknown[][] = [];
  for (let start = 0; start < values.length; start += length)
    chunks.push(values.slice(start, start + length));
  return chunks;
}

export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, dimension) => product * dimension, 1);
}

/** The values of one row; undefined when a dimension but the first is free. */
export function rowWidth(spec: TensorSpec): number | undefined {
  const rest = spec.shape.slice(1);
  return rest.includes(-1) ? undefined : sizeOf(rest);
}

function position(shape: readonly number[], index: number): number[] {
  const place: number[] = [];
  let rest = index;
  for (const length of shape.toReversed()) {
    place.unshift(rest % length);
    rest = Math.floor(rest / length);
  }
  return place;
}

function bad(spec: TensorSpec, problem: string): RequestError {
  return new RequestError(400, `input "${spec.name}": ${problem}`);
}

/** A shape for people: the free first dimension is n. */
export function show(shape: readonly number[]): string {
  return `[${shape.map((d, i) => (d === -1 ? (i === 0 ? 'n' : '?') : d)).join(', ')}]`;
}

function preview(value: unknown): string {
  if (typeof value === 'number' || value === undefined) return String(value);
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object' && value !== null) return 'an object';
  return JSON.stringify(value).slice(0, 40);
}
