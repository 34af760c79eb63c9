import {
  type BackendValues,
  type DataId,
  DataStorage,
  type DataType,
  engine,
  KernelBackend,
  type TensorInfo,
} from '@tensorflow/tfjs-core';
import { Tensor } from 'onnxruntime-node';
import type { Recorded } from './kernel.ts';
import { type SessionSettings, Sessions } from './sessions.ts';
import { type Dtype, sizeOf, type TypedArray, Value } from './value.ts';

/**
 * A TensorFlow.js backend that records kernels instead of running them. When data is asked for, everything that
 * is still referred to and not computed yet becomes one ONNX graph, compiled once for its structure, and is run
 * in one call: with TensorFlow.js's own tidying, a training step is one such run.
 */
export class OnnxRuntimeBackend extends KernelBackend {
  readonly #data = new DataStorage<Entry>(this, engine());
  readonly #pending = new Set<Value>();
  readonly #sessions: Sessions;
  #running: Promise<void> = Promise.resolve();

  constructor(settings: SessionSettings) {
    super();
    this.#sessions = new Sessions(settings);
  }

  /** Notes a kernel call; returns the tensor that it will give. */
  record(kernel: string, { inputs, shape, dtype, attributes = {} }: Recorded): TensorInfo {
    const value = new Value(shape, dtype, { kind: 'call', call: { kernel, inputs, attributes } });
    this.#pending.add(value);
    return this.#store(value);
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
    return this.#store(new Value(shape, supported(dtype), dataOf(values, shape, supported(dtype)))).dataId;
  }

  override move(
    dataId: DataId,
    values: BackendValues,
    shape: number[],
    dtype: DataType,
    references: number,
  ): void {
    const value = new Value(shape, supported(dtype), dataOf(values, shape, supported(dtype)));
    this.#data.set(dataId, { value, references });
  }

  override async read(dataId: DataId): Promise<BackendValues> {
    const { value } = this.#data.get(dataId);
    if (value.source.kind === 'call') await this.flush(value);
    return bytesOf(value);
  }

  override readSync(dataId: DataId): BackendValues {
    const { value } = this.#data.get(dataId);
    if (value.source.kind === 'call') {
      throw new Error(
        'The onnxruntime backend cannot wait for a result: use `await tensor.data()` instead of dataSync()',
      );
    }
    return bytesOf(value);
  }

  /** Computes everything that is pending and still referred to, and `wanted`, whatever became of its tensor. */
  flush(wanted?: Value): Promise<void> {
    const run = this.#running.then(async () => {
      if (wanted?.source.kind === 'call') this.#pending.add(wanted);
      const roots = [...this.#pending];
      this.#pending.clear();
      if (roots.length > 0) await this.#sessions.compute(roots);
    });
    this.#running = run.catch(() => undefined); // whoever asked sees the error; the next one starts afresh
    return run;
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

  override dispose(): void {
    this.#pending.clear();
    this.#sessions.close();
  }

  #store(value: Value): TensorInfo {
    const dataId = {};
    this.#data.set(dataId, { value, references: 1 });
    return { dataId, shape: [...value.shape], dtype: value.dtype };
  }
}

interface Entry {
  readonly value: Value;
  references: number;
}

function supported(dtype: DataType): Dtype {
  if (dtype === 'float32' || dtype === 'int32' || dtype === 'bool') return dtype;
  throw new Error(`The onnxruntime backend has no tensors of type ${dtype}: use float32, int32 or bool`);
}

function dataOf(values: BackendValues, shape: number[], dtype: Dtype): Value['source'] {
  const array = typedArray(values, dtype);
  if (array.length !== sizeOf(shape)) {
    throw new Error(`A tensor of shape [${shape}] needs ${sizeOf(shape)} values; got ${array.length}`);
  }
  return { kind: 'data', tensor: new Tensor(dtype, array, shape) };
}

function typedArray(values: BackendValues, dtype: Dtype): TypedArray {
  const array = dtype === 'float32' ? Float32Array : dtype === 'int32' ? Int32Array : Uint8Array;
  return values instanceof array ? values : array.from(values as ArrayLike<number>);
}

function bytesOf({ source, dtype }: Value): BackendValues {
  if (source.kind !== 'data') throw new Error('a value was read before it was computed');
  const { data } = source.tensor;
  if (data instanceof Float32Array || data instanceof Int32Array || data instanceof Uint8Array) return data;
  throw new Error(`ONNX Runtime gave data of an unexpected kind for ${dtype}`);
}
