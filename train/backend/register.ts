import {
  backend,
  findBackend,
  type NamedAttrMap,
  type NamedTensorInfoMap,
  registerBackend,
  registerKernel,
  removeBackend,
  setBackend,
  type TensorInfo,
} from '@tensorflow/tfjs-core';
import { OnnxRuntimeBackend } from './backend.ts';
import type { Kernel } from './kernel.ts';
import { kernels } from './kernels/all.ts';
import type { SessionSettings } from './sessions.ts';
import './tensor-methods.ts';
import { Value } from './value.ts';

export const BACKEND_NAME = 'onnxruntime';

/** Makes the backend TensorFlow.js's current one and returns it. */
export async function useOnnxRuntime(settings: SessionSettings): Promise<OnnxRuntimeBackend> {
  if (findBackend(BACKEND_NAME) !== null) removeBackend(BACKEND_NAME);
  registerBackend(BACKEND_NAME, () => new OnnxRuntimeBackend(settings), 10);
  registerKernels();
  if (!(await setBackend(BACKEND_NAME))) throw new Error('TensorFlow.js refused the onnxruntime backend');
  return backend() as OnnxRuntimeBackend;
}

let registered = false;

function registerKernels(): void {
  if (registered) return;
  registered = true;
  for (const kernel of kernels) {
    registerKernel({
      kernelName: kernel.name,
      backendName: BACKEND_NAME,
      kernelFunc: ({ inputs, attrs = {}, backend }) => {
        if (!(backend instanceof OnnxRuntimeBackend))
          throw new Error(`${kernel.name} was called with another backend`);
        return call(kernel, backend, inputs, attrs);
      },
    });
  }
}

function call(
  { name, record }: Kernel,
  backend: OnnxRuntimeBackend,
  inputs: NamedTensorInfoMap,
  attributes: NamedAttrMap,
): TensorInfo | TensorInfo[] {
  const infos = Object.entries(inputs).filter((entry): entry is [string, TensorInfo] => entry[1] != null);
  const values = new Map(infos.map(([key, info]) => [key, backend.valueBehind(info)]));
  const recorded = record(Object.fromEntries(values), attributes, (value) => backend.compute(value));

  const infoOf = (value: Value): TensorInfo => {
    const shared = infos.find(([key]) => values.get(key) === value)?.[1];
    return shared === undefined ? backend.store(value) : backend.share(shared, value);
  };
  if (recorded instanceof Value) return infoOf(recorded);
  if ('outputs' in recorded) return backend.record(name, recorded, recorded.outputs);
  if ('shape' in recorded) return backend.record(name, recorded, [recorded])[0] as TensorInfo;
  return recorded.map(infoOf);
}
