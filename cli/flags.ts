import { UsageError } from './errors.ts';

/** Reads a flag's value as a whole number from `least` to `most`. */
export function wholeNumber(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^[0-9]{1,10}$/.test(text) && value >= least && value <= most) return value;
    throw new UsageError(`Expected a whole number from ${least} to ${most}, got "${text}".`);
  };
}

/** Reads a flag's value as a number above 0 and at most `most`. */
export function positiveNumber(most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() !== '' && value > 0 && value <= most) return value;
    throw new UsageError(`Expected a number above 0 and at most ${most}, got "${text}".`);
  };
}
