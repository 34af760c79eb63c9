import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { TensorSpec } from '../registry/signature.ts';
import { RequestError } from './errors.ts';
import { fromFlat, fromNested, toFlat, toNested } from './tensor.ts';

const table: TensorSpec = { name: 'x', dtype: 'float32', shape: [-1, 3] };

function typed(dtype: TensorSpec['dtype']): TensorSpec {
  return { name: 'x', dtype, shape: [-1] };
}

function errorOf(run: () => unknown): RequestError {
  try {
    run();
  } catch (error) {
    if (error instanceof RequestError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

test('any table comes back as it went in, nested and flat', () => {
  const value = fc.float({ noNaN: true, noDefaultInfinity: true });
  const rows = fc.array(fc.array(value, { minLength: 3, maxLength: 3 }), { minLength: 1, maxLength: 20 });
  fc.assert(
    fc.property(rows, (given) => {
      const tensor = fromNested(table, given, 20);
      expect(tensor.shape).toEqual([given.length, 3]);
      expect(toNested(tensor)).toEqual(given);
      expect(toFlat(fromFlat(table, [given.length, 3], given.flat(), 20))).toEqual(given.flat());
    }),
  );
});

test('anything else is refused with a status, never a fault', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 12 }), (json) => {
      try {
        fromNested(table, json, 20);
      } catch (error) {
        expect(error).toBeInstanceOf(RequestError);
      }
    }),
    { numRuns: 500 },
  );
});

describe('a refusal says what was expected and what came', () => {
  test.each([
    ['a wrong width', [[1, 2]], 'input "x": expected shape [n, 3], got [1, 2]'],
    ['a bare row', [1, 2, 3], 'expected shape [n, 3], got [3]'],
    ['deeper lists', [[[1], [2], [3]]], 'expected shape [n, 3], got [1, 3, 1]'],
    [
      'ragged rows',
      [
        [1, 2, 3],
        [1, 2],
      ],
      'got lists of 3 and of 2 (list 1)',
    ],
    ['a string', [[1, 2, '3']], 'expected float32 values, got "3" at [0, 2]'],
    [
      'null',
      [
        [1, 2, 3],
        [1, null, 3],
      ],
      'expected float32 values, got null at [1, 1]',
    ],
    ['a list among values', [[1, [2], 3]], 'got a list at [0, 1]'],
    ['a value among lists', [[1, 2, 3], 4], 'expected shape [n, 3], got [2]'],
    ['no rows', [], 'expected shape [n, 3], got [0]'],
    ['empty rows', [[], []], 'expected shape [n, 3], got [2, 0]'],
    ['no list', 'abc', 'expected a list of [n, 3], got "abc"'],
    ['what float32 makes infinite', [[1e300, 0, 0]], 'got 1e+300 at [0, 0]'],
  ])('%s', (_, nested, message) => {
    const error = errorOf(() => fromNested(table, nested, 20));
    expect(error.status).toBe(400);
    expect(error.message).toContain(message);
  });

  test('a shape that its values do not fill', () => {
    expect(errorOf(() => fromFlat(table, [2, 3], [1, 2, 3], 20)).message).toContain(
      'expected 6 values for the shape [2, 3], got 3',
    );
  });

  test('more rows than are allowed are refused before memory is taken', () => {
    const first = new Array(3).fill(0);
    const rows = [first, ...new Array(1_000_000).fill(first)];
    expect(errorOf(() => fromNested(table, rows, 1024)).status).toBe(413);
  });
});

describe('types', () => {
  test.each([
    ['int32', [2 ** 31 - 1, -(2 ** 31)], [2 ** 31, 0.5, '1', true]],
    ['int64', [2 ** 53 - 1, -5], [2 ** 53, 0.5, null]],
    ['uint8', [0, 255], [256, -1, 1.5]],
    ['bool', [true, false], [2, 'true', null]],
    ['float64', [1e300, -0.1], ['1', false, null]],
  ] as const)('%s keeps what it can hold and refuses what it cannot', (dtype, good, refused) => {
    expect(toFlat(fromNested(typed(dtype), [...good], 10))).toEqual([...good]);
    for (const value of refused)
      expect(errorOf(() => fromNested(typed(dtype), [value], 10)).message).toContain(`expected ${dtype}`);
  });

  test('NaN and whole numbers beyond 2^53 never reach JSON', () => {
    expect(() => toFlat({ dtype: 'float32', shape: [1], data: new Float32Array([Number.NaN]) })).toThrow(
      'NaN',
    );
    expect(() => toFlat({ dtype: 'int64', shape: [1], data: new BigInt64Array([2n ** 60n]) })).toThrow();
  });
});
