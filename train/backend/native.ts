import { createRequire } from 'node:module';
import type { InferenceSession, Tensor } from 'onnxruntime-node';

/**
 * ONNX Runtime called synchronously. Its public API does the same work inside a `setImmediate`, so it blocks the
 * thread all the same, and nothing that waits for a result without `await` (`tensor.dataSync()`) can use it. The
 * binding beneath it is not part of the package's API: the package is pinned to one version, and a change of its
 * layout is an error that says so.
 */
export interface NativeSession {
  /** The model is copied; the buffer may be changed afterwards. */
  loadModel(
    buffer: ArrayBufferLike,
    byteOffset: number,
    byteLength: number,
    options: InferenceSession.SessionOptions,
  ): void;
  /** `outputs` has the names of what is wanted as keys, each with null. */
  run(
    inputs: Readonly<Record<string, Tensor>>,
    outputs: Readonly<Record<string, null>>,
    options: InferenceSession.RunOptions,
  ): Record<string, Tensor>;
  /** Frees the model's memory. */
  dispose(): void;
}

interface NativeBinding {
  readonly binding: { readonly InferenceSession: new () => NativeSession };
  /** Starts ONNX Runtime in this thread; does nothing when called again. */
  readonly initOrt: () => void;
}

const MODULE = 'onnxruntime-node/dist/binding.js';
const require = createRequire(import.meta.url);

/** The installed onnxruntime-node is not built as the version that this project is pinned to. */
export class UnknownOnnxRuntime extends Error {
  override readonly name = 'UnknownOnnxRuntime';
  constructor(why: string) {
    super(
      `The installed onnxruntime-node cannot be called synchronously: ${why}. ` +
        'Install the version that package.json names (npm ci).',
    );
  }
}

/** Compiles `model`, the bytes of an ONNX file. Throws ONNX Runtime's own error where it refuses it. */
export function createSession(model: Uint8Array, options: InferenceSession.SessionOptions): NativeSession {
  const { binding, initOrt } = loaded();
  initOrt();
  const session = new binding.InferenceSession();
  session.loadModel(model.buffer, model.byteOffset, model.byteLength, options);
  return session;
}

function loaded(): NativeBinding {
  let module: unknown;
  try {
    module = require(MODULE);
  } catch (error) {
    throw new UnknownOnnxRuntime(
      `${MODULE} cannot be loaded (${error instanceof Error ? error.message : error})`,
    );
  }
  if (!isBinding(module))
    throw new UnknownOnnxRuntime(`${MODULE} has no InferenceSession with run and loadModel`);
  return module;
}

function isBinding(module: unknown): module is NativeBinding {
  const { binding, initOrt } = module as Partial<NativeBinding>;
  const methods: Partial<NativeSession> | undefined = binding?.InferenceSession?.prototype;
  return (
    typeof initOrt === 'function' &&
    [methods?.loadModel, methods?.run, methods?.dispose].every((method) => typeof method === 'function')
  );
}
