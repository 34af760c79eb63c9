/** The middle of several measurements, with the least and the greatest of them. */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** @throws RangeError when nothing was measured. */
export function spreadOf(measured: readonly number[]): Spread {
  const sorted = measured.toSorted((a, b) => a - b);
  const at = (place: number) => sorted[place] ?? Number.NaN;
  if (sorted.length === 0) throw new RangeError('the spread of no measurements was asked for');
  const half = (sorted.length - 1) / 2;
  return {
    median: (at(Math.floor(half)) + at(Math.ceil(half))) / 2,
    min: at(0),
    max: at(sorted.length - 1),
  };
}

/** For example `5736 (5391..5820)`. */
export function spreadText({ median, min, max }: Spread, digits = 0): string {
  const [middle, least, most] = [median, min, max].map((value) => value.toFixed(digits));
  return `${middle} (${least}..${most})`;
}

/** Rounded for a record: more digits than four say nothing. */
export function rounded(value: number): number {
  return Number(value.toPrecision(4));
}
