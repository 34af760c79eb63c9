import {
  findBackend,
  registerBackend,
  registerKernel,
  removeBackend,
  setBackend,
  type TensorInfo,
} from '@tensorflow/tfjs-core';
import { OnnxRuntimeBackend } from './backend.ts';
import { kernels } from './kernels/all.ts';
import type { SessionSettings } from './sessions.ts';
import { Value } from './value.ts';

export const BACKEND_NAME = 'onnxruntime';

/** Makes the backend TensorFlow.js's current one and returns it. */
export async function useOnnxRuntime(settings: SessionSettings): Promise<OnnxRuntimeBackend> {
  if (findBackend(BACKEND_NAME) !== null) removeBackend(BACKEND_NAME);
  const backend = new OnnxRuntimeBackend(settings);
  registerBackend(BACKEND_NAME, () => backend, 10);
  registerKernels();
  if (!(await setBackend(BACKEND_NAME))) throw new Error('TensorFlow.js refused the onnxruntime backend');
  return backend;
}

let registered = false;

function registerKernels(): void {
  if (registered) return;
  registered = true;
  for (const { name, record } of kernels) {
    registerKernel({
      kernelName: name,
      backendName: BACKEND_NAME,
      kernelFunc: ({ inputs, attrs = {}, backend }) => {
        if (!(backend instanceof OnnxRuntimeBackend))
          throw new Error(`${name} was called with another backend`);
        const infos = Object.entries(inputs).filter(
          (entry): entry is [string, TensorInfo] => entry[1] != null,
        );
        const values = new Map(infos.map(([key, info]) => [key, backend.valueBehind(info)]));
        const recorded = record(Object.fromEntries(values), attrs);
        if (!(recorded instanceof Value)) return backend.record(name, recorded);
        const shared = infos.find(([key]) => values.get(key) === recorded);
        if (shared === undefined) throw new Error(`${name} handed on a value that is not one of its inputs`);
        return backend.share(shared[1], recorded);
      },
    });
  }
}
