import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type LineChart, lineChart, niceAxis } from './chart.ts';

const lows = fc.double({ min: -1000, max: 1000, noNaN: true });

test('an axis covers its values with a few evenly spaced ticks', () => {
  fc.assert(
    fc.property(lows, fc.double({ min: 1e-3, max: 1e6, noNaN: true }), (low, span) => {
      const { ticks } = niceAxis(low, low + span, 5);
      const step = (ticks[1] ?? 0) - (ticks[0] ?? 0);
      expect(ticks.length).toBeGreaterThanOrEqual(2);
      expect(ticks.length).toBeLessThanOrEqual(8);
      expect(ticks[0]).toBeLessThanOrEqual(low + step * 1e-6);
      expect(ticks.at(-1)).toBeGreaterThanOrEqual(low + span - step * 1e-6);
    }),
  );
});

test('ticks are round numbers', () => {
  expect(niceAxis(0, 0.2514, 5)).toEqual({ ticks: [0, 0.1, 0.2, 0.3], decimals: 1 });
  expect(niceAxis(92.24, 99.07, 5)).toEqual({ ticks: [92, 94, 96, 98, 100], decimals: 0 });
  expect(niceAxis(0, 1, 5).ticks).toEqual([0, 0.2, 0.4, 0.6, 0.8, 1]);
});

test('a single value gets an axis too', () => {
  expect(niceAxis(0, 0, 5).ticks.length).toBeGreaterThan(1);
  expect(niceAxis(99.1, 99.1, 5, 0.1).ticks.at(-1)).toBeGreaterThanOrEqual(99.1);
});

function chart(values: readonly number[]): LineChart {
  return {
    title: 'Loss',
    xName: 'epoch',
    xs: values.map((_, i) => i + 1),
    y: niceAxis(0, 1, 5),
    series: [{ name: 'training', look: 'main', values }],
    formatTick: String,
    formatValue: String,
  };
}

test('every epoch has its dot, and the line goes through them all', () => {
  const { markup } = lineChart(chart([0.9, 0.5, 0.3]));
  expect(markup.match(/<circle/g)).toHaveLength(3);
  expect(markup).toMatch(/<path d="M[\d.]+ [\d.]+L[\d.]+ [\d.]+L[\d.]+ [\d.]+"\/>/);
});

test('a value that is not finite is left out', () => {
  const { markup } = lineChart(chart([0.9, Number.NaN, Number.POSITIVE_INFINITY]));
  expect(markup.match(/<circle/g)).toHaveLength(1);
  expect(markup).not.toMatch(/NaN|Infinity/);
});

test('labels of many epochs keep apart', () => {
  const { markup } = lineChart(chart(Array.from({ length: 200 }, () => 0.5)));
  const places = [...markup.matchAll(/<text x="([\d.]+)" y="228"/g)].map((match) => Number(match[1]));
  const gaps = places.slice(1).map((place, i) => place - (places[i] ?? 0));
  expect(places.length).toBeGreaterThan(2);
  expect(Math.min(...gaps)).toBeGreaterThan(30);
});
