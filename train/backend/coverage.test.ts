import { readdir, readFile } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { coverageTable, withTable } from './coverage.ts';
import { kernels } from './kernels/all.ts';

const folder = fileURLToPath(new URL('.', import.meta.url));

test("the README's table is what the code has", async () => {
  const readme = await readFile(join(folder, 'README.md'), 'utf8');
  expect(withTable(readme), 'run node --import tsx train/backend/coverage.ts').toBe(readme);
});

test('the table counts every kernel of TensorFlow.js once', () => {
  const table = coverageTable();
  const named = [...table.matchAll(/`(\w+)`/g)].map(([, name]) => name);
  expect(new Set(named).size).toBe(named.length);
  expect(named).toEqual(expect.arrayContaining(['Conv2D', 'MaxPoolGrad', '_FusedMatMul', 'StringSplit']));
  const [there = 0, all = 0] = [...table.matchAll(/\d+/g)].slice(0, 2).map(([count]) => Number(count));
  expect(all).toBe(named.length);
  expect(there).toBe(kernels.length - 1); // the mask of dropout is not TensorFlow.js's
});

test('the backend needs nothing from the rest of the project', async () => {
  const files = (await readdir(folder, { recursive: true })).filter((name) => name.endsWith('.ts'));
  expect(files.length).toBeGreaterThan(30);
  for (const file of files) {
    const code = await readFile(join(folder, file), 'utf8');
    for (const [, path = ''] of code.matchAll(/(?:from|import\()\s*'(\.[^']+)'/g)) {
      const outside = relative(folder, resolve(folder, dirname(file), path)).startsWith('..');
      expect(outside, `${file} imports ${path}`).toBe(false);
    }
  }
});
