import { type NamedTensorMap, type Tensor, tensor, tidy, type Variable } from '@tensorflow/tfjs-core';
import type { OnnxRuntimeBackend } from './backend.ts';
import { GraphBuilder } from './graph.ts';
import { lowerings } from './kernels/all.ts';
import { nextOf } from './next-of.ts';
import type { ElementType } from './onnx.ts';
import { planOf } from './plan.ts';
import type { Value } from './value.ts';

export interface TraceRequest {
  /** What is fed at each run. The data of these tensors is not looked at. */
  readonly inputs: NamedTensorMap;
  /** What a run starts from, and gives back where `compute` assigns to it. */
  readonly state?: ReadonlyMap<string, Variable>;
  readonly compute: () => NamedTensorMap;
  /** Names in the file for other tensors that `compute` reads: they are written into it. */
  readonly constants?: ReadonlyMap<string, Tensor>;
  /** The size of the first dimension of all inputs and outputs, if it is to be left open. */
  readonly freeBatch?: number;
  /** As `GraphOptions` has it, for a model that this machine runs; one for others leaves it out. */
  readonly block?: number | undefined;
}

/** One tensor that goes in or comes out. A dimension that is left open has a name instead of a size. */
export interface TensorSpec {
  readonly name: string;
  readonly dtype: ElementType;
  readonly shape: readonly (number | string)[];
}

/** A computation as an ONNX model that can be run anywhere, as often as one likes, without TensorFlow.js. */
export interface Trace {
  readonly model: Uint8Array;
  readonly inputs: readonly TensorSpec[];
  /** What `compute` gave, and `nextOf(name)` for each state that it assigned to. */
  readonly outputs: readonly TensorSpec[];
}

/**
 * Records `compute` once and writes it down as an ONNX model; nothing is computed, and asking for data inside it is
 * an error. All variables are left as they were. State that `compute` doesn't need is not among the inputs.
 */
export function trace(backend: OnnxRuntimeBackend, request: TraceRequest): Trace {
  backend.flush(); // what is fed or written into the file must be data
  const traced: Trace[] = [];
  tidy(() => {
    traced.push(writtenDown(backend, request, recorded(backend, request)));
  });
  return traced[0] as Trace;
}

interface Recording {
  /** The values that stand for what is fed, with their names. */
  readonly fed: ReadonlyMap<Value, string>;
  readonly results: readonly { readonly name: string; readonly value: Value }[];
}

function recorded(
  backend: OnnxRuntimeBackend,
  { inputs, state = new Map(), compute }: TraceRequest,
): Recording {
  const behind = (tensor: Tensor): Value => backend.valueBehind(tensor);
  const fed = new Map(Object.entries(inputs).map(([name, input]) => [behind(input), name]));
  const variables = [...state].map(([name, variable]) => {
    const before = variable.clone();
    // A value of its own: until now it may have been another variable's as well.
    variable.assign(tensor(variable.dataSync(), variable.shape, variable.dtype));
    const start = behind(variable);
    fed.set(start, name);
    return { name, variable, before, start };
  });
  try {
    const results = Object.entries(backend.recording(compute)).map(([name, result]) => ({
      name,
      value: behind(result),
    }));
    for (const { name, variable, start } of variables) {
      if (behind(variable) !== start) results.push({ name: nextOf(name), value: behind(variable) });
    }
    return { fed, results };
  } finally {
    for (const { variable, before } of variables) variable.assign(before);
  }
}

function writtenDown(
  backend: OnnxRuntimeBackend,
  { constants = new Map(), freeBatch, block }: TraceRequest,
  { fed, results }: Recording,
): Trace {
  const spec = (name: string, { dtype, shape }: Value): TensorSpec => ({
    name,
    dtype,
    shape: shape.map((size, axis) => (axis === 0 && size === freeBatch ? 'batch' : size)),
  });
  const plan = planOf(results.map(({ value }) => value));
  const names = new Map([...constants].map(([name, constant]) => [backend.valueBehind(constant), name]));
  const graph = new GraphBuilder(lowerings, plan, { freeBatch, block });
  const inputs: TensorSpec[] = [];
  plan.feeds.forEach((value, place) => {
    const name = fed.get(value);
    if (name === undefined) {
      graph.embed(value, names.get(value) ?? `constant${place}`, bytesOf(value));
    } else {
      inputs.push(spec(name, value));
      graph.input(value, name, spec(name, value).shape);
    }
  });
  const outputs = results.map(({ name, value }) => spec(name, value));
  const model = graph.build(
    outputs.map(({ name, dtype, shape }) => ({ name, type: dtype, shape })),
    results.map(({ value }) => graph.ref(value)),
  );
  return { model, inputs, outputs };
}

function bytesOf({ source }: Value): Uint8Array {
  if (source.kind !== 'data' || !ArrayBuffer.isView(source.tensor.data))
    throw new Error('a constant of the computation has no numeric data');
  const { data } = source.tensor;
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}
