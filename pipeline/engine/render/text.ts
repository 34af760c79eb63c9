import type { StageEndEvent } from '../events.ts';
import type { Progress } from '../stage.ts';

/** "0.4 s", "84 s", "2 min 05 s". */
export function duration(seconds: number): string {
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 120) return `${whole} s`;
  return `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, '0')} s`;
}

/** "1,234", "98.2", "0.0123": three significant digits below a hundred, whole above. */
export function count(value: number): string {
  const rounded = Math.abs(value) < 100 ? Number(value.toPrecision(3)) : Math.round(value);
  return rounded.toLocaleString('en-US', { maximumFractionDigits: 6 });
}

/** The parts of a progress report after its bar, the most wanted first. */
export function progressParts({ done, total, unit, rate, secondsLeft, text, metrics }: Progress): string[] {
  return [
    `${percentage(done, total)} %`,
    ...(secondsLeft === undefined ? [] : [`${duration(secondsLeft)} left`]),
    ...Object.entries(metrics ?? {}).map(([name, value]) => `${name} ${value.toFixed(3)}`),
    ...(rate === undefined ? [] : [speed(rate, unit)]),
    ...(text === undefined ? [] : [text]),
  ];
}

function speed(rate: number, unit: string): string {
  return unit === 'bytes' ? `${count(rate / 1e6)} MB/s` : `${count(rate)} ${unit}/s`;
}

/** Whole per cent, 100 only when all is done. */
function percentage(done: number, total: number): number {
  return Math.floor(fraction(done, total) * 100);
}

/** In [0, 1]; 0 for a total that isn't known. */
export function fraction(done: number, total: number): number {
  return total > 0 ? Math.min(Math.max(done / total, 0), 1) : 0;
}

/** What a finished stage says for its time. */
export function timeOf({ outcome, seconds }: StageEndEvent): string {
  return outcome === 'cached' ? 'cached' : duration(seconds);
}

/** One line of visible characters: a text from outside can neither break the line nor steer the terminal. */
export function oneLine(text: string): string {
  return text.replace(/\p{Cc}+/gu, ' ').trim();
}

export function truncated(text: string, width: number): string {
  const characters = [...text];
  return characters.length <= width ? text : `${characters.slice(0, Math.max(width - 1, 0)).join('')}…`;
}

/** The text in lines of at most `width`, broken between words; only a word longer than a line is cut in two. */
export function folded(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (let word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length <= width) {
      line += ` ${word}`;
      continue;
    }
    if (line !== '') lines.push(line);
    for (; word.length > width; word = word.slice(width)) lines.push(word.slice(0, width));
    line = word;
  }
  return [...lines, line];
}
