import fc from 'fast-check';
import { expect, test } from 'vitest';
import { EarlyStopping, stoppingStateSchema } from './early-stopping.ts';

function answersTo(stopping: EarlyStopping, scores: readonly number[], from = 1): string[] {
  return scores.map((score, at) => stopping.seen(from + at, score));
}

test('it stops after as many epochs without a better one as it has patience', () => {
  const stopping = new EarlyStopping(2);
  expect(answersTo(stopping, [0.9, 0.95, 0.94, 0.96, 0.95])).toEqual([
    'better',
    'better',
    'worse',
    'better',
    'worse',
  ]);
  expect(stopping.stopped).toBe(false);
  expect(stopping.seen(6, 0.955)).toBe('stop');
  expect(stopping.stopped).toBe(true);
  expect(stopping.best).toEqual({ epoch: 4, score: 0.96 });
});

test('an equal score is not better: the earliest of equal epochs is the best', () => {
  const stopping = new EarlyStopping(3);
  expect(answersTo(stopping, [-0.5, -0.5])).toEqual(['better', 'worse']);
  expect(stopping.best).toEqual({ epoch: 1, score: -0.5 });
});

test('a score that is no number is never better, and patience is lost by it', () => {
  const stopping = new EarlyStopping(2);
  expect(answersTo(stopping, [Number.NaN, Number.POSITIVE_INFINITY])).toEqual(['worse', 'stop']);
  expect(stopping.best).toBeNull();
});

test('with a patience of 0 it never stops, and still knows the best', () => {
  const stopping = new EarlyStopping(0);
  expect(answersTo(stopping, [0.5, 0.4, 0.3, 0.2])).toEqual(['better', 'worse', 'worse', 'worse']);
  expect(stopping.best?.epoch).toBe(1);
});

test('a training that goes on from a stored state decides as one that was never interrupted', () => {
  const someScores = fc.array(fc.oneof(fc.constantFrom(0.1, 0.2, 0.3), fc.constant(Number.NaN)), {
    minLength: 1,
  });
  fc.assert(
    fc.property(someScores, fc.nat(), fc.nat(4), (scores, at, patience) => {
      const whole = new EarlyStopping(patience);
      const expected = answersTo(whole, scores);

      const cut = at % scores.length;
      const first = new EarlyStopping(patience);
      const before = answersTo(first, scores.slice(0, cut));
      const stored = stoppingStateSchema.parse(JSON.parse(JSON.stringify(first.state)));
      const second = new EarlyStopping(patience, stored);
      expect(second.stopped).toBe(first.stopped);
      expect([...before, ...answersTo(second, scores.slice(cut), cut + 1)]).toEqual(expected);
      expect(second.state).toEqual(whole.state);
    }),
  );
});
