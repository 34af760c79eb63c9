import { beforeAll, expect, test } from 'vitest';
import { useOnnxRuntime } from '../../train/backend/register.ts';
import { buildModel } from '../../train/model/presets.ts';
import { multiplyAddsPerImage } from './multiply-adds.ts';

beforeAll(() => useOnnxRuntime({ threads: 1 }));

test("the products of a step are counted, without the first layer's input gradient", () => {
  const { model } = buildModel({ preset: 'default', classes: 10, seed: 1 });
  const [conv1, conv2] = [26 * 26 * 9 * 32, 11 * 11 * 9 * 32 * 64];
  const [dense1, dense2] = [1600 * 128, 128 * 10];
  expect(multiplyAddsPerImage(model)).toBe(2 * conv1 + 3 * (conv2 + dense1 + dense2));
});
