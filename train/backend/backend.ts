import {
  type BackendTimingInfo,
  type BackendValues,
  type DataId,
  DataStorage,
  type DataType,
  engine,
  KernelBackend,
  type TensorInfo,
} from '@tensorflow/tfjs-core';
import { connectedWith } from './connected.ts';
import type { Recorded } from './kernel.ts';
import { type SessionSettings, Sessions } from './sessions.ts';
import { type Dtype, dataValue, type Shape, sizeOf, type TypedArray, Value } from './value.ts';

/**
 * The longest chain of calls that is left to wait. A training step of a large model is within it; without a
 * limit, something that is counted up and never read would grow for ever.
 */
const MAX_DEPTH = 2000;

/**
 * A TensorFlow.js backend that records kernels instead of running them. When data is asked for, it and everything
 * that is still referred to and shares work with it becomes one ONNX graph, compiled once for its structure, and
 * is run in one call: with TensorFlow.js's own tidying, a training step is one such run.
 */
export class OnnxRuntimeBackend extends KernelBackend {
  readonly #data = new DataStorage<Entry>(this, engine());
  /** Recorded, not computed, and still referred to; in the order in which they were recorded. */
  readonly #pending = new Set<Value>();
  readonly #awaited = new Set<Value>();
  readonly #sessions: Sessions;
  #recording = false;

  constructor(settings: SessionSettings) {
    super();
    this.#sessions = new Sessions(settings);
  }

  /** Notes a call of `kernel`; returns the tensors that it will give. */
  record(
    kernel: string,
    { inputs, attributes = {} }: Pick<Recorded, 'inputs' | 'attributes'>,
    outputs: readonly Pick<Recorded, 'shape' | 'dtype'>[],
  ): TensorInfo[] {
    if (inputs.some((input) => depthOf(input) >= MAX_DEPTH)) this.#compute(inputs);
    const depth = 1 + Math.max(0, ...inputs.map(depthOf));
    const call = { kernel, inputs, attributes, depth };
    return outputs.map(({ shape, dtype }, output) => {
      const value = new Value(shape, dtype, { kind: 'call', call, output });
      this.#pending.add(value);
      return this.store(value);
    });
  }

  /** A tensor of its own for `value`. */
  store(value: Value): TensorInfo {
    const dataId = {};
    this.#data.set(dataId, { value, references: 1 });
    return { dataId, shape: [...value.shape], dtype: value.dtype };
  }

  /** One more tensor with the same data. */
  share({ dataId }: TensorInfo, value: Value): TensorInfo {
    this.incRef(dataId);
    return { dataId, shape: [...value.shape], dtype: value.dtype };
  }

  /** What `info` stands for in the recorded computation, seen in `info`'s shape. */
  valueBehind({ dataId }: TensorInfo): Value {
    return this.#data.get(dataId).value;
  }

  override write(values: BackendValues, shape: number[], dtype: DataType): DataId {
    return this.store(written(values, shape, supported(dtype))).dataId;
  }

  override move(
    dataId: DataId,
    values: BackendValues,
    shape: number[],
    dtype: DataType,
    references: number,
  ): void {
    this.#data.set(dataId, { value: written(values, shape, supported(dtype)), references });
  }

  override async read(dataId: DataId): Promise<BackendValues> {
    const { value } = this.#data.get(dataId);
    if (value.source.kind === 'call') {
      this.#awaited.add(value);
      await nextTurn(); // so that reads made together are answered by one run
      this.#answer(value);
    }
    return numbersOf(value);
  }

  override readSync(dataId: DataId): BackendValues {
    return this.compute(this.#data.get(dataId).value);
  }

  /** The data of `value`, computed now if it is pending. */
  compute(value: Value): TypedArray {
    this.#compute([value]);
    return numbersOf(value);
  }

  /** Computes all that is pending and still referred to. */
  flush(): void {
    this.#compute([...this.#pending]);
  }

  /** Computes `value`, whatever became of its tensor, along with the others that are awaited. */
  #answer(value: Value): void {
    const awaited = [...this.#awaited];
    try {
      this.#compute(awaited);
    } catch (error) {
      if (awaited.length === 1) throw error;
      this.#compute([value]); // the error may be another one's
    } finally {
      this.#awaited.delete(value);
    }
  }

  /** Runs `work`, which may record but must not ask for the data of what it records. */
  recording<T>(work: () => T): T {
    this.#recording = true;
    try {
      return work();
    } finally {
      this.#recording = false;
    }
  }

  /** Computes `wanted`, and what would otherwise have to compute a part of it again. */
  #compute(wanted: readonly Value[]): void {
    const values = connectedWith(wanted, this.#pending);
    if (values.length === 0) return;
    if (this.#recording) {
      throw new Error('Data was asked for while a computation was being recorded: it is not there yet');
    }
    this.#sessions.compute(values);
    for (const value of values) this.#pending.delete(value);
  }

  override disposeData(dataId: DataId, force = false): boolean {
    if (!this.#data.has(dataId)) return true;
    const entry = this.#data.get(dataId);
    entry.references -= 1;
    if (!force && entry.references > 0) return false;
    this.#pending.delete(entry.value);
    this.#data.delete(dataId);
    return true;
  }

  override incRef(dataId: DataId): void {
    this.#data.get(dataId).references += 1;
  }

  override refCount(dataId: DataId): number {
    return this.#data.has(dataId) ? this.#data.get(dataId).references : 0;
  }

  override numDataIds(): number {
    return this.#data.numDataIds();
  }

  override memory(): { unreliable: boolean } {
    return { unreliable: false };
  }

  override timerAvailable(): boolean {
    return false;
  }

  /** Runs what `f` records at once, for its time in milliseconds. */
  override async time(f: () => void): Promise<BackendTimingInfo> {
    this.flush();
    const started = performance.now();
    f();
    this.flush();
    return { kernelMs: performance.now() - started, getExtraProfileInfo: () => '' };
  }

  override floatPrecision(): 32 {
    return 32;
  }

  override epsilon(): number {
    return 1e-7;
  }

  /** Sessions compiled and kept. */
  get compiled(): number {
    return this.#sessions.count;
  }

  /** Calls of ONNX Runtime so far. */
  get runs(): number {
    return this.#sessions.runs;
  }

  /** Kernel calls computed so far: none of them twice. */
  get calls(): number {
    return this.#sessions.calls;
  }

  override dispose(): void {
    this.#pending.clear();
    this.#sessions.close();
  }
}

interface Entry {
  readonly value: Value;
  references: number;
}

const depthOf = ({ source }: Value) => (source.kind === 'call' ? source.call.depth : 0);

const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve));

/** A tensor of a type that has no kernels here. */
export class UnsupportedDtype extends Error {
  override readonly name = 'UnsupportedDtype';
  constructor(dtype: string) {
    super(
      `The onnxruntime backend has no tensors of type ${dtype}, only float32, int32 and bool: ` +
        'turn the values into numbers before they become a tensor.',
    );
  }
}

function supported(dtype: DataType): Dtype {
  if (dtype === 'float32' || dtype === 'int32' || dtype === 'bool') return dtype;
  throw new UnsupportedDtype(dtype);
}

function written(values: BackendValues, shape: Shape, dtype: Dtype): Value {
  const array = typedArray(values, dtype);
  if (array.length !== sizeOf(shape)) {
    throw new Error(`A tensor of shape [${shape}] needs ${sizeOf(shape)} values; got ${array.length}`);
  }
  return dataValue(shape, dtype, array);
}

function typedArray(values: BackendValues, dtype: Dtype): TypedArray {
  const array = dtype === 'float32' ? Float32Array : dtype === 'int32' ? Int32Array : Uint8Array;
  return values instanceof array ? values : array.from(values as ArrayLike<number>);
}

function numbersOf({ source, dtype }: Value): TypedArray {
  if (source.kind !== 'data') throw new Error('a value was read before it was computed');
  const { data } = source.tensor;
  if (data instanceof Float32Array || data instanceof Int32Array || data instanceof Uint8Array) return data;
  throw new Error(`ONNX Runtime gave data of an unexpected kind for ${dtype}`);
}
