import { expect, test } from 'vitest';
import { wilsonInterval } from './wilson.ts';

test('the interval of 5 in 10 is the published one', () => {
  const [low, high] = wilsonInterval(0.5, 10);
  expect(low).toBeCloseTo(0.2366, 4);
  expect(high).toBeCloseTo(0.7634, 4);
});

test('the interval ends exactly at a share of 0 or 1 and stays open on the other side', () => {
  expect(wilsonInterval(0, 20)[0]).toBe(0);
  expect(wilsonInterval(0, 20)[1]).toBeGreaterThan(0.1);
  expect(wilsonInterval(1, 20)[1]).toBe(1);
  expect(wilsonInterval(1, 20)[0]).toBeLessThan(0.9);
});

test('no trials say nothing', () => {
  expect(wilsonInterval(0.5, 0)).toEqual([0, 1]);
});
