import { describe, expect, test } from 'vitest';
import { files } from '../registry/manifest.ts';
import { loadModel } from './model.ts';
import { classes, contract, features, modelSource, versionFiles } from './testing/fixture.ts';

const input = { name: 'x', dtype: 'float32', shape: [-1, features] };
const output = { name: 'class', dtype: 'float32', shape: [-1, classes] };

describe('a version whose files do not fit together is not loaded', () => {
  test.each<[string, object, string]>([
    [
      'another input name',
      { inputs: [{ ...input, name: 'y' }], outputs: [output] },
      'model.onnx has the inputs x; its signature says y',
    ],
    [
      'another width',
      { inputs: [{ ...input, shape: [-1, 10] }], outputs: [output] },
      'shape [n, 784] in model.onnx, [n, 10] in its signature',
    ],
    [
      'another rank',
      { inputs: [input], outputs: [{ ...output, shape: [-1] }] },
      'the output "class" has shape [n, 10]',
    ],
    [
      'another type',
      { inputs: [{ ...input, dtype: 'float64' }], outputs: [output] },
      'is float32 in model.onnx, float64',
    ],
  ])('%s', async (_, signature, message) => {
    await expect(loadModel(modelSource(versionFiles(), { signature }))).rejects.toThrow(message);
  });

  test('a contract of another width', async () => {
    const narrow = { ...contract, features: contract.features.map((each) => ({ ...each, repeat: 4 })) };
    const contents = { ...versionFiles(), [files.contract]: Buffer.from(JSON.stringify(narrow)) };
    await expect(loadModel(modelSource(contents))).rejects.toThrow(
      'contract.json has 4 features, but its signature has 784 values a row',
    );
  });

  test('a file that is no ONNX model', async () => {
    const contents = { ...versionFiles(), [files.model]: Buffer.from('not a model') };
    await expect(loadModel(modelSource(contents))).rejects.toThrow(
      "model.onnx of mnist version 7 can't be opened",
    );
  });

  test('a file that the source refuses, as a digest that differs', async () => {
    const source = modelSource();
    const corrupt = { ...source, readFile: () => Promise.reject(new Error('digest differs')) };
    await expect(loadModel(corrupt)).rejects.toThrow('digest differs');
  });
});

test('a loaded model gives each row its own answer, whatever rows come with it', async () => {
  const model = await loadModel(modelSource());
  const data = Float32Array.from({ length: 5 * features }, (_, i) => Math.abs(Math.sin(i)));
  const together = (await model.predict({ x: { dtype: 'float32', shape: [5, features], data } })).class;
  for (let row = 0; row < 5; row++) {
    const one = data.slice(row * features, (row + 1) * features);
    const alone = (await model.predict({ x: { dtype: 'float32', shape: [1, features], data: one } })).class;
    alone?.data.forEach((value: number | bigint, i: number) => {
      expect(value).toBeCloseTo(Number(together?.data[row * classes + i]), 5);
    });
  }
  await model.release();
});
