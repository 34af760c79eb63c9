import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import type { RandomGenerator } from 'pure-rand/types/RandomGenerator';
import { z } from 'zod';
import { UserError } from '../cli/errors.ts';

/**
 * The data contract of a model, in the format of Seldon Core's contract.json (docs/api-testing.md and
 * python/seldon_core/microservice_tester.py), with one extension: a target may say `"probabilities": true`,
 * its columns then sum to 1 in each row.
 */
const maxColumns = 1_000_000;

const boundSchema = z.union([z.number(), z.literal('inf')]);

const entrySchema = z
  .looseObject({
    name: z.string().min(1).max(200),
    ftype: z.enum(['continuous', 'categorical']),
    dtype: z.enum(['FLOAT', 'INT']).optional(),
    range: z.tuple([boundSchema, boundSchema]).optional(),
    values: z
      .array(z.union([z.string().max(200), z.number()]))
      .min(1)
      .max(10_000)
      .optional(),
    repeat: z.int().min(1).max(maxColumns).optional(),
    shape: z.array(z.int().min(1).max(maxColumns)).min(1).max(8).optional(),
    probabilities: z.boolean().optional(),
  })
  .superRefine((entry, ctx) => {
    if (entry.ftype === 'continuous' && entry.dtype === undefined)
      ctx.addIssue({
        code: 'custom',
        message: `"${entry.name}" is continuous: give its dtype, FLOAT or INT`,
      });
    if (entry.ftype === 'categorical' && entry.values === undefined)
      ctx.addIssue({ code: 'custom', message: `"${entry.name}" is categorical: give its values` });
    const [low, high] = entry.range ?? [];
    if (typeof low === 'number' && typeof high === 'number' && low > high)
      ctx.addIssue({ code: 'custom', message: `"${entry.name}" has a range that ends before it starts` });
  });

const entriesSchema = z
  .array(entrySchema)
  .min(1)
  .max(10_000)
  .refine((entries) => columnsOf(entries) <= maxColumns, `at most ${maxColumns} columns`);

const contractSchema = z.looseObject({ features: entriesSchema, targets: entriesSchema });

type ContractEntry = z.infer<typeof entrySchema>;
export type Contract = z.infer<typeof contractSchema>;

/** A model's answers to some rows: column names where the protocol carries them, and nested lists of values. */
export interface Answers {
  readonly names?: readonly string[] | undefined;
  readonly rows: unknown;
}

/** @throws UserError naming what is wrong; `where` is the file or the address that the text came from. */
export function parseContract(text: string, where: string): Contract {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw new UserError(`${where} is not JSON; expected a contract.json with "features" and "targets".`);
  }
  const parsed = contractSchema.safeParse(json);
  if (parsed.success) return parsed.data;
  throw new UserError(`${where} is not a contract.json:\n${z.prettifyError(parsed.error)}`);
}

/** One name a column, as Seldon's tester unfolds `repeat`: x1, x2, ... */
export function featureNames(contract: Contract): string[] {
  return contract.features.flatMap((entry) => unfold(entry, (i) => `${entry.name}${i + 1}`));
}

/** One name a column, as Seldon's tester unfolds `repeat`: class:0, class:1, ... */
export function targetNames(contract: Contract): string[] {
  return contract.targets.flatMap((entry) => unfold(entry, (i) => `${entry.name}:${i}`));
}

function unfold(entry: ContractEntry, nameOf: (column: number) => string): string[] {
  const columns = widthOf(entry);
  return columns === 1 && entry.repeat === undefined
    ? [entry.name]
    : Array.from({ length: columns }, (_, i) => nameOf(i));
}

function widthOf(entry: ContractEntry): number {
  const cells = (entry.shape ?? []).reduce((product, dimension) => product * dimension, 1);
  return cells * (entry.repeat ?? 1);
}

function columnsOf(entries: readonly ContractEntry[]): number {
  return entries.reduce((sum, entry) => sum + widthOf(entry), 0);
}

/**
 * Rows of features, [count, columns], drawn by the rules of Seldon's tester: uniform within a range, normal or
 * lognormal where it is open, rounded to three decimals; INT cut to a whole number. The same seed, the same rows.
 */
export function generateRows(contract: Contract, count: number, seed: number): number[][] {
  const random = xoroshiro128plus(seed);
  return Array.from({ length: count }, () =>
    contract.features.flatMap((entry) => Array.from({ length: widthOf(entry) }, () => draw(entry, random))),
  );
}

function draw(entry: ContractEntry, random: RandomGenerator): number {
  if (entry.ftype === 'categorical') return drawCategory(entry, random);
  const value = Math.round(drawContinuous(entry.range ?? ['inf', 'inf'], random) * 1000) / 1000;
  return entry.dtype === 'INT' ? Math.trunc(value + 0.5) : value;
}

function drawCategory(entry: ContractEntry, random: RandomGenerator): number {
  const values = entry.values ?? [];
  const value = Number(values[uniformInt(random, 0, values.length - 1)]);
  if (Number.isFinite(value)) return value;
  throw new UserError(
    `The feature "${entry.name}" has values that are not numbers; models here take numbers.`,
  );
}

function drawContinuous(
  [low, high]: readonly [number | 'inf', number | 'inf'],
  random: RandomGenerator,
): number {
  if (low === 'inf') return high === 'inf' ? drawNormal(random) : high - Math.exp(drawNormal(random));
  if (high === 'inf') return low + Math.exp(drawNormal(random));
  return low + (high - low) * uniformFloat64(random);
}

/** Box-Muller; 1 - u keeps the logarithm away from 0. */
function drawNormal(random: RandomGenerator): number {
  const radius = Math.sqrt(-2 * Math.log(1 - uniformFloat64(random)));
  return radius * Math.cos(2 * Math.PI * uniformFloat64(random));
}

/** How far outside its range a value may be, and a sum from 1: what float32 arithmetic can do to a right answer. */
const rangeTolerance = 1e-6;
const sumTolerance = 1e-3;
const listedFailures = 10;

/**
 * What is wrong with the answers to `expectedRows` rows, in plain words; empty when they keep the contract:
 * column names, shape, types, ranges, finite values, whole numbers for INT, rows that sum to 1.
 */
export function checkAnswers(contract: Contract, answers: Answers, expectedRows: number): string[] {
  const names = targetNames(contract);
  const failures: string[] = [];
  if (answers.names && answers.names.join('\n') !== names.join('\n'))
    failures.push(`names are ${preview(answers.names)}, expected ${preview(names)}`);
  if (!Array.isArray(answers.rows)) return [...failures, `the answer is ${describe(answers.rows)}, not rows`];
  if (answers.rows.length !== expectedRows)
    failures.push(`${answers.rows.length} rows came back for ${expectedRows} that were sent`);
  for (const [index, row] of answers.rows.entries()) {
    for (const failure of checkRow(contract, names, row)) failures.push(`row ${index}${failure}`);
  }
  const hidden = failures.length - listedFailures;
  return hidden > 0 ? [...failures.slice(0, listedFailures), `and ${hidden} more failures`] : failures;
}

/** Failures to follow "row N": they begin with ", column: ..." or ": ...". */
function checkRow(contract: Contract, names: readonly string[], row: unknown): string[] {
  // A single column may come as bare values.
  const cells: unknown[] = Array.isArray(row) ? row : names.length === 1 ? [row] : [];
  if (cells.length !== names.length)
    return [
      `: ${Array.isArray(row) ? `${row.length} values` : describe(row)}, expected ${names.length} values`,
    ];
  const failures: string[] = [];
  let column = 0;
  for (const entry of contract.targets) {
    const own = cells.slice(column, column + widthOf(entry));
    for (const [offset, cell] of own.entries()) {
      const failure = checkCell(entry, cell);
      if (failure) failures.push(`, ${names[column + offset]}: ${failure}`);
    }
    if (entry.probabilities) failures.push(...checkSum(entry, own));
    column += own.length;
  }
  return failures;
}

function checkCell(entry: ContractEntry, cell: unknown): string | undefined {
  if (entry.ftype === 'categorical') {
    const known = entry.values?.some((value) => String(value) === String(cell)) && typeof cell !== 'object';
    return known ? undefined : `${describe(cell)} is not one of its ${entry.values?.length} values`;
  }
  if (typeof cell !== 'number') return `${describe(cell)} is not a number`;
  if (!Number.isFinite(cell)) return `${cell} is not finite`;
  if (entry.dtype === 'INT' && !Number.isInteger(cell)) return `${cell} is not a whole number`;
  const [low, high] = entry.range ?? ['inf', 'inf'];
  if (low !== 'inf' && cell < low - slack(low)) return `${cell} is below ${low}`;
  if (high !== 'inf' && cell > high + slack(high)) return `${cell} is above ${high}`;
  return undefined;
}

function slack(bound: number): number {
  return rangeTolerance * Math.max(1, Math.abs(bound));
}

function checkSum(entry: ContractEntry, cells: readonly unknown[]): string[] {
  if (!cells.every((cell) => typeof cell === 'number')) return []; // told already, cell by cell
  const sum = cells.reduce((total, cell) => total + cell, 0);
  if (Math.abs(sum - 1) <= sumTolerance) return [];
  return [`: the probabilities of "${entry.name}" sum to ${sum.toPrecision(6)}, expected 1`];
}

function describe(value: unknown): string {
  return value === undefined ? 'nothing' : (JSON.stringify(value)?.slice(0, 60) ?? typeof value);
}

function preview(names: readonly string[]): string {
  const shown = names.slice(0, 3).map((name) => `"${String(name).slice(0, 40)}"`);
  return `${shown.join(', ')}${names.length > 3 ? `, ... (${names.length})` : ''}`;
}
