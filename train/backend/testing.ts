import { backend, engine, getBackend, setBackend, type Tensor, tidy } from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import '@tensorflow/tfjs-layers'; // registers TensorFlow.js's gradients
import { expect } from 'vitest';
import { BACKEND_NAME, useOnnxRuntime } from './register.ts';

/** The values of one computation, or of several, as plain numbers. */
type Values = readonly {
  readonly shape: readonly number[];
  readonly dtype: string;
  readonly values: readonly number[];
}[];

async function run(name: string, compute: () => Tensor | Tensor[]): Promise<Values> {
  if (name === BACKEND_NAME) await useOnnxRuntime({ threads: 1 });
  else await setBackend(name);
  expect(getBackend()).toBe(name);
  const before = engine().memory().numTensors;
  const tensors = [tidy(compute)].flat();
  const reading = Promise.all(
    tensors.map(async (t) => ({ shape: t.shape, dtype: t.dtype, values: Array.from(await t.data()) })),
  );
  const values = await reading.finally(() => {
    for (const tensor of tensors) tensor.dispose();
  });
  expect(engine().memory().numTensors, `tensors left behind by ${name}`).toBe(before);
  expect(backend().numDataIds(), `data left behind by ${name}`).toBe(0);
  return values;
}

/** Runs `compute` on TensorFlow.js's plain `cpu` backend and on this one, and expects the same within `tolerance`. */
export async function expectSameAsCpu(compute: () => Tensor | Tensor[], tolerance = 1e-5): Promise<void> {
  const expected = await run('cpu', compute);
  const actual = await run(BACKEND_NAME, compute);
  expect(actual.map(({ shape, dtype }) => ({ shape, dtype }))).toEqual(
    expected.map(({ shape, dtype }) => ({ shape, dtype })),
  );
  expected.forEach(({ values }, which) => {
    const scale = Math.max(1, ...values.filter(Number.isFinite).map(Math.abs));
    values.forEach((value, i) => {
      const got = actual[which]?.values[i] ?? Number.NaN;
      const same = Object.is(got, value) || Math.abs(got - value) <= tolerance * scale;
      if (!same) expect.fail(`result ${which}, element ${i}: expected ${value}, got ${got}, scale ${scale}`);
    });
  });
}

/** Seeded values in [-1, 1), some of them exact zeros and repeats, as images and ReLUs have them. */
export function values(size: number, seed = 1): Float32Array {
  let state = seed * 2654435761;
  return Float32Array.from({ length: size }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    const unit = (state >>> 8) / 2 ** 24;
    return unit < 0.3 ? 0 : Math.round((unit * 2 - 1) * 64) / 64;
  });
}
