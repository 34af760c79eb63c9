import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkAnswers, featureNames, generateRows, parseContract, targetNames } from './contract.ts';

const mnist = parse({
  features: [{ name: 'x', dtype: 'FLOAT', ftype: 'continuous', range: [0, 1], repeat: 784 }],
  targets: [
    { name: 'class', dtype: 'FLOAT', ftype: 'continuous', range: [0, 1], repeat: 10, probabilities: true },
  ],
});

function parse(contract: unknown) {
  return parseContract(JSON.stringify(contract), 'contract.json');
}

function ofFeature(feature: Record<string, unknown>) {
  return parse({ ...mnist, features: [{ name: 'f', ftype: 'continuous', dtype: 'FLOAT', ...feature }] });
}

function column(feature: Record<string, unknown>, count = 2000): number[] {
  return generateRows(ofFeature(feature), count, 7).flat();
}

const certain = [1, ...new Array<number>(9).fill(0)];
const uniform = new Array<number>(10).fill(0.1);

describe('names', () => {
  test('repeat unfolds features from 1 and targets from 0', () => {
    expect(featureNames(mnist)).toHaveLength(784);
    expect(featureNames(mnist).slice(0, 2)).toEqual(['x1', 'x2']);
    expect(targetNames(mnist)).toEqual(Array.from({ length: 10 }, (_, i) => `class:${i}`));
  });

  test('an entry without repeat keeps its name', () => {
    expect(featureNames(ofFeature({ name: 'age' }))).toEqual(['age']);
  });
});

describe('a contract that is refused', () => {
  test.each([
    ['not JSON', '{', 'is not JSON'],
    ['no targets', JSON.stringify({ features: mnist.features }), 'targets'],
    [
      'a continuous feature without dtype',
      JSON.stringify({ ...mnist, features: [{ name: 'f', ftype: 'continuous' }] }),
      'give its dtype',
    ],
    [
      'a categorical feature without values',
      JSON.stringify({ ...mnist, features: [{ name: 'f', ftype: 'categorical' }] }),
      'give its values',
    ],
    [
      'a range that ends before it starts',
      JSON.stringify({
        ...mnist,
        features: [{ name: 'f', ftype: 'continuous', dtype: 'FLOAT', range: [2, 1] }],
      }),
      'ends before it starts',
    ],
    [
      'more columns than memory should hold',
      JSON.stringify({
        ...mnist,
        features: [{ name: 'f', ftype: 'continuous', dtype: 'FLOAT', repeat: 1e6, shape: [1e6] }],
      }),
      'columns',
    ],
  ])('%s', (_, text, message) => {
    expect(() => parseContract(text, 'contract.json')).toThrow(message);
  });
});

describe('generated rows', () => {
  test('the same seed gives the same rows, another seed others', () => {
    expect(generateRows(mnist, 3, 1)).toEqual(generateRows(mnist, 3, 1));
    expect(generateRows(mnist, 3, 1)).not.toEqual(generateRows(mnist, 3, 2));
  });

  test('any range gives finite values of at most three decimals inside it', () => {
    const bound = fc.oneof(fc.constant('inf' as const), fc.integer({ min: -1000, max: 1000 }));
    fc.assert(
      fc.property(bound, bound, fc.constantFrom('FLOAT', 'INT'), fc.integer(), (a, b, dtype, seed) => {
        const [low, high] = a !== 'inf' && b !== 'inf' && a > b ? [b, a] : [a, b];
        const [row = []] = generateRows(ofFeature({ range: [low, high], dtype, repeat: 20 }), 1, seed);
        for (const value of row) {
          expect(Number.isFinite(value)).toBe(true);
          expect(Math.round(value * 1000) / 1000).toBe(value);
          if (dtype === 'INT') expect(Number.isInteger(value)).toBe(true);
          // INT is cut after 0.5 is added, so a negative value may round up past its range, as in Seldon's tester.
          if (typeof low === 'number') expect(value).toBeGreaterThanOrEqual(low);
          if (typeof high === 'number') expect(value).toBeLessThanOrEqual(high + (dtype === 'INT' ? 1 : 0));
        }
      }),
    );
  });

  test('an open range is normal: mean 0, deviation 1', () => {
    const values = column({ range: ['inf', 'inf'] });
    const mean = values.reduce((sum, v) => sum + v, 0) / values.length;
    const variance = values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / values.length;
    expect(Math.abs(mean)).toBeLessThan(0.1);
    expect(Math.abs(variance - 1)).toBeLessThan(0.15);
  });

  test('a half-open range is lognormal from its bound: median 1 away', () => {
    const above = column({ range: [5, 'inf'] }).sort((a, b) => a - b);
    const below = column({ range: ['inf', 5] }).sort((a, b) => a - b);
    expect(above[1000]).toBeCloseTo(6, 0);
    expect(below[1000]).toBeCloseTo(4, 0);
  });

  test('a categorical feature gives all of its values and no other', () => {
    expect(new Set(column({ ftype: 'categorical', values: [1, '2', 5] }, 200))).toEqual(new Set([1, 2, 5]));
  });

  test('a categorical feature of words is refused: models take numbers', () => {
    expect(() => column({ ftype: 'categorical', values: ['red'] }, 1)).toThrow('not numbers');
  });
});

describe('answers', () => {
  test('any row of probabilities passes', () => {
    const row = fc.array(fc.double({ min: 0.001, max: 1, noNaN: true }), { minLength: 10, maxLength: 10 });
    fc.assert(
      fc.property(fc.array(row, { minLength: 1, maxLength: 5 }), (weights) => {
        const rows = weights.map((values) => {
          const sum = values.reduce((a, b) => a + b, 0);
          return values.map((value) => Math.fround(value / sum));
        });
        expect(checkAnswers(mnist, { rows, names: targetNames(mnist) }, rows.length)).toEqual([]);
      }),
    );
  });

  test.each([
    ['other names', { names: ['a'], rows: [uniform] }, 'names are "a", expected "class:0"'],
    ['no rows', { rows: null }, 'the answer is null, not rows'],
    ['too few rows', { rows: [] }, '0 rows came back for 1'],
    ['a flat answer', { rows: uniform }, '10 rows came back for 1'],
    ['a row of nine', { rows: [uniform.slice(1)] }, 'row 0: 9 values, expected 10 values'],
    ['null', { rows: [[null, ...certain.slice(1)]] }, 'row 0, class:0: null is not a number'],
    ['a string', { rows: [['1', ...certain.slice(1)]] }, 'class:0: "1" is not a number'],
    ['NaN', { rows: [[Number.NaN, ...certain.slice(1)]] }, 'class:0: NaN is not finite'],
    ['above its range', { rows: [[1.5, -0.5, ...certain.slice(2)]] }, 'class:0: 1.5 is above 1'],
    ['below its range', { rows: [[1.5, -0.5, ...certain.slice(2)]] }, 'class:1: -0.5 is below 0'],
    ['a sum of 2', { rows: [new Array(10).fill(0.2)] }, 'sum to 2.00000, expected 1'],
  ])('%s fails', (_, answers, message) => {
    expect(checkAnswers(mnist, answers, 1).join('\n')).toContain(message);
  });

  test('what float32 does to a right answer is allowed', () => {
    expect(checkAnswers(mnist, { rows: [[1.0000001, ...certain.slice(1)]] }, 1)).toEqual([]);
  });

  test('INT must be whole, a category must be known', () => {
    const contract = parse({
      ...mnist,
      targets: [
        { name: 'n', ftype: 'continuous', dtype: 'INT' },
        { name: 'c', ftype: 'categorical', values: ['red', 2] },
      ],
    });
    expect(checkAnswers(contract, { names: ['n', 'c'], rows: [[3, 'red']] }, 1)).toEqual([]);
    const failures = checkAnswers(contract, { rows: [[3.5, 'blue']] }, 1);
    expect(failures[0]).toContain('3.5 is not a whole number');
    expect(failures[1]).toContain('"blue" is not one of its 2 values');
  });

  test('a single target may come as bare values', () => {
    const contract = parse({ ...mnist, targets: [{ name: 'y', ftype: 'continuous', dtype: 'FLOAT' }] });
    expect(checkAnswers(contract, { rows: [1, 2.5] }, 2)).toEqual([]);
  });

  test('a long list of failures is cut short', () => {
    const failures = checkAnswers(mnist, { rows: [new Array(10).fill(null), new Array(10).fill(null)] }, 2);
    expect(failures).toHaveLength(11);
    expect(failures.at(-1)).toBe('and 10 more failures');
  });
});
