import { createRequire } from 'node:module';

/** What of `onnxruntime-node`'s internal binding is measured; `train/backend/native.ts` takes it from there. */
interface Binding {
  InferenceSession: new () => { run(...args: readonly unknown[]): unknown };
}

/** Measures how long this thread is within ONNX Runtime's own `run`, for all sessions that are made after `start`. */
export class NativeClock {
  milliseconds = 0;

  static start(): NativeClock {
    const clock = new NativeClock();
    const module = createRequire(import.meta.url)('onnxruntime-node/dist/binding.js') as { binding: Binding };
    const { InferenceSession } = module.binding;
    class TimedSession extends InferenceSession {
      override run(...args: readonly unknown[]): unknown {
        const started = performance.now();
        const results = super.run(...args);
        clock.milliseconds += performance.now() - started;
        return results;
      }
    }
    module.binding = { ...module.binding, InferenceSession: TimedSession };
    return clock;
  }
}
