import { expect, test } from 'vitest';
import type { ProgressEvent } from './events.ts';
import { progressOf } from './progress.ts';

function reporter() {
  const clock = { now: 100 };
  const events: ProgressEvent[] = [];
  const report = progressOf(
    'train',
    (event) => events.push(event),
    () => clock.now,
  );
  return { clock, events, report };
}

test('rate and time left are measured where the stage does not give them', () => {
  const { clock, events, report } = reporter();
  report({ done: 100, total: 500, unit: 'images' });
  clock.now += 2;
  report({ done: 300, total: 500, unit: 'images' });
  expect(events).toEqual([
    { event: 'progress', stage: 'train', done: 100, total: 500, unit: 'images' },
    { event: 'progress', stage: 'train', done: 300, total: 500, unit: 'images', rate: 100, secondsLeft: 2 },
  ]);
});

test("a stage's own figures are kept", () => {
  const { clock, events, report } = reporter();
  report({ done: 0, total: 10, unit: 'images' });
  clock.now += 2;
  report({ done: 5, total: 10, unit: 'images', rate: 7, secondsLeft: 1, metrics: { loss: 0.5 } });
  expect(events[1]).toMatchObject({ rate: 7, secondsLeft: 1, metrics: { loss: 0.5 } });
});

test('reports that come too fast are dropped, but never the last', () => {
  const { clock, events, report } = reporter();
  for (let done = 0; done <= 1000; done++) {
    report({ done, total: 1000, unit: 'images' });
    clock.now += 0.001;
  }
  expect(events.length).toBeLessThanOrEqual(12);
  expect(events.at(-1)?.done).toBe(1000);
});

test('a second count starts its own measure', () => {
  const { clock, events, report } = reporter();
  report({ done: 1000, total: 1000, unit: 'bytes' });
  clock.now += 1;
  report({ done: 0, total: 10, unit: 'images' });
  clock.now += 1;
  report({ done: 5, total: 10, unit: 'images' });
  expect(events.at(-1)).toMatchObject({ rate: 5, secondsLeft: 1 });
});
