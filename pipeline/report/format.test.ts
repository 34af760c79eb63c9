import { expect, test } from 'vitest';
import { bytes, confidence, counted, decimal, duration, moment, percent, points } from './format.ts';

const plain = (text: string) => text.replaceAll('\u00a0', ' ');

test('only a perfect share is shown as 100 %', () => {
  expect(plain(percent(0.99999))).toBe('99.99 %');
  expect(plain(percent(0.9999, 0))).toBe('99 %');
  expect(plain(percent(1))).toBe('100.00 %');
});

test('a confidence near certainty gets a decimal', () => {
  expect(plain(confidence(0.984))).toBe('98 %');
  expect(plain(confidence(0.9951))).toBe('99.5 %');
  expect(plain(confidence(0.99999))).toBe('99.9 %');
  expect(plain(confidence(1))).toBe('100 %');
});

test('what is not a number is shown as a dash', () => {
  expect([percent(Number.NaN), decimal(Number.POSITIVE_INFINITY), duration(Number.NaN)]).toEqual([
    '–',
    '–',
    '–',
  ]);
});

test('one of something is singular', () => {
  expect(plain(counted(1, 'epoch'))).toBe('1 epoch');
  expect(plain(counted(12_000, 'epoch'))).toBe('12,000 epochs');
});

test('a difference is given in points without its sign', () => {
  expect(plain(points(-0.0018))).toBe('0.18 points');
  expect(plain(points(0.01))).toBe('1.00 point');
});

test('durations get the unit that suits them', () => {
  const shown = [0.004, 4.92, 59.94, 59.96, 94.27, 3725].map((seconds) => plain(duration(seconds)));
  expect(shown).toEqual(['0.00 s', '4.9 s', '59.9 s', '1 min 0 s', '1 min 34 s', '1 h 2 min']);
});

test('sizes are decimal', () => {
  expect([999, 1482, 902_144, 2_386_000, 3.1e9].map((size) => plain(bytes(size)))).toEqual([
    '999 B',
    '1.5 kB',
    '902 kB',
    '2.4 MB',
    '3.1 GB',
  ]);
});

test('a time is shown in UTC, and what is no time as it is', () => {
  expect(moment('2025-11-23T23:59:11.512Z')).toContain('23 November 2025');
  expect(moment('2025-11-23T23:59:11.512Z')).toContain('23:59 UTC');
  expect(moment('yesterday')).toBe('yesterday');
});
