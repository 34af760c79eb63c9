/** The table of kernels in README.md, made from the code: node --import tsx train/backend/coverage.ts writes it. */
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import * as core from '@tensorflow/tfjs-core';
import { kernels } from './kernels/all.ts';

const README = new URL('./README.md', import.meta.url);
const START = '<!-- coverage: made by coverage.ts -->';
const END = '<!-- end of coverage -->';

/** TensorFlow.js names each kernel by a constant of its own name. */
function kernelNames(): string[] {
  return Object.entries(core)
    .filter(
      ([name, value]) => typeof value === 'string' && value.replace(/^_/, '') === name.replace(/^_/, ''),
    )
    .map(([, value]) => value as string)
    .sort((a, b) => a.localeCompare(b));
}

export function coverageTable(): string {
  const ours = new Set(kernels.map(({ name }) => name));
  const names = kernelNames();
  const there = names.filter((name) => ours.has(name));
  const missing = names.filter((name) => !ours.has(name));
  const list = (of: readonly string[]) => of.map((name) => `\`${name}\``).join(', ');
  return [
    `| ${there.length} of TensorFlow.js's ${names.length} kernels | |`,
    '| --- | --- |',
    `| there | ${list(there)} |`,
    `| not there | ${list(missing)} |`,
  ].join('\n');
}

/** @throws when README.md has no place for the table */
export function withTable(readme: string): string {
  const [start, end] = [readme.indexOf(START), readme.indexOf(END)];
  if (start < 0 || end < start) throw new Error(`README.md has no "${START}" and "${END}"`);
  return `${readme.slice(0, start)}${START}\n\n${coverageTable()}\n\n${readme.slice(end)}`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await writeFile(README, withTable(await readFile(README, 'utf8')));
}
