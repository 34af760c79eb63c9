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

/** Reads a flag's value as a number from `least` to `most`. */
export function numberBetween(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() !== '' && value >= least && value <= most) return value;
    throw new UsageError(`Expected a number from ${least} to ${most}, got "${text}".`);
  };
}

/** Reads a flag's value as whole numbers from `least` to `most`, with commas between them. */
export function wholeNumbers(least: number, most: number): (text: string) => number[] {
  const one = wholeNumber(least, most);
  return (text) => text.split(',').map((part) => one(part.trim()));
}
