import fc from 'fast-check';
import { expect, test } from 'vitest';
import { balancedWeights, type LabelOptions, writeLabels } from './labels.ts';

const labels = Uint8Array.of(2, 0, 1, 2);

/** The rows for these places, written over something else. */
function rowsOf(places: readonly number[], options: LabelOptions): number[][] {
  const target = new Float32Array((places.length + 1) * options.classes).fill(7);
  writeLabels(target, labels, places, options);
  const rows = Array.from({ length: places.length + 1 }, (_, row) => [
    ...target.subarray(row * options.classes, (row + 1) * options.classes),
  ]);
  expect(rows.pop()).toEqual(Array(options.classes).fill(7));
  return rows;
}

test('a row is 1 for the class of its image, whatever stood there before', () => {
  expect(rowsOf([3, 1, 2], { classes: 3, smoothing: 0 })).toEqual([
    [0, 0, 1],
    [1, 0, 0],
    [0, 1, 0],
  ]);
});

test('smoothing spreads its share over all classes, the right one included', () => {
  expect(rowsOf([1], { classes: 4, smoothing: 0.2 })).toEqual([[0.85, 0.05, 0.05, 0.05].map(Math.fround)]);
  expect(rowsOf([1], { classes: 4, smoothing: 1 })).toEqual([[0.25, 0.25, 0.25, 0.25]]);
});

test("a class's weight multiplies its rows", () => {
  const classWeights = [1, 0, 0.5];
  expect(rowsOf([0, 1, 2], { classes: 3, smoothing: 0, classWeights })).toEqual([
    [0, 0, 0.5],
    [1, 0, 0],
    [0, 0, 0],
  ]);
});

test('a row adds up to its weight and is largest for its class', () => {
  fc.assert(
    fc.property(
      fc.double({ min: 0, max: 0.99, noNaN: true }),
      fc.array(fc.double({ min: 0.01, max: 100, noNaN: true }), { minLength: 3, maxLength: 20 }),
      fc.nat(3),
      (smoothing, classWeights, place) => {
        const [row = []] = rowsOf([place], { classes: classWeights.length, smoothing, classWeights });
        const label = labels[place] ?? 0;
        expect(row.reduce((sum, value) => sum + value, 0) / (classWeights[label] ?? 0)).toBeCloseTo(1, 5);
        expect(row.indexOf(Math.max(...row))).toBe(label);
      },
    ),
  );
});

test('balanced weights let each class count for as much as any other', () => {
  expect(balancedWeights(Uint8Array.of(0, 0, 0, 1), 2)).toEqual([4 / 6, 2]);
  fc.assert(
    fc.property(fc.uint8Array({ min: 0, max: 4, minLength: 1 }), (some) => {
      const all = Uint8Array.of(...some, 0, 1, 2, 3, 4);
      const weights = balancedWeights(all, 5);
      const totals = weights.map((weight, label) => weight * all.filter((each) => each === label).length);
      for (const total of totals) expect(total).toBeCloseTo(all.length / 5);
    }),
  );
});

test('a class without images has no weight', () => {
  expect(balancedWeights(Uint8Array.of(0, 2), 3)).toEqual([2 / 3, 0, 2 / 3]);
});
