import { availableParallelism } from 'node:os';
import { setBackend } from '@tensorflow/tfjs-core';
import { env } from 'onnxruntime-node';
import { UserError } from '../cli/errors.ts';
import { useOnnxRuntime } from './backend/register.ts';
import type { Engine } from './options.ts';

/** TensorFlow's own packages, the better one first. Both are the user's to install. */
const tensorflowPackages = ['@tensorflow/tfjs-node-gpu', '@tensorflow/tfjs-node'] as const;

/** Makes `engine` what TensorFlow.js runs on; returns a line for people that says what it is. */
export async function startEngine(engine: Engine): Promise<string> {
  switch (engine) {
    case 'onnxruntime': {
      const threads = availableParallelism();
      await useOnnxRuntime({ threads });
      return `ONNX Runtime ${env.versions.node ?? ''} on cpu, ${threads} threads`;
    }
    case 'tensorflow':
      return startTensorFlow();
    default:
      throw new Error(`no such engine: ${engine satisfies never}`);
  }
}

async function startTensorFlow(): Promise<string> {
  for (const name of tensorflowPackages) {
    if (await imported(name)) {
      await setBackend('tensorflow');
      return `TensorFlow, from ${name}`;
    }
  }
  throw new UserError(
    `--backend tensorflow needs ${tensorflowPackages.join(' or ')}, and neither is installed. ` +
      'Install one (npm install --ignore-scripts=false @tensorflow/tfjs-node-gpu), or leave --backend out to train on ONNX Runtime.',
  );
}

async function imported(name: string): Promise<boolean> {
  try {
    await import(name);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND') return false;
    throw error;
  }
}
