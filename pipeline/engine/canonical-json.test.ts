import fc from 'fast-check';
import { expect, test } from 'vitest';
import { canonicalJson, throughJson } from './canonical-json.ts';

test('keys are sorted at every depth, and a property that is undefined is left out', () => {
  expect(canonicalJson({ b: [1, { d: null, c: 'x' }], a: true, e: undefined })).toBe(
    '{"a":true,"b":[1,{"c":"x","d":null}]}',
  );
});

test('any JSON comes back as it was, however its keys are ordered', () => {
  fc.assert(
    fc.property(fc.jsonValue({ noUnicodeString: false }), (value) => {
      const plain: unknown = JSON.parse(JSON.stringify(value));
      expect(throughJson(plain)).toEqual(plain);
      expect(canonicalJson(reversed(plain))).toBe(canonicalJson(plain));
    }),
  );
});

test.each([
  [{ loss: Number.NaN }, 'value.loss is number NaN'],
  [{ at: [new Date(0)] }, 'value.at[0] is a Date'],
  [{ weights: new Uint8Array(1) }, 'value.weights is a Uint8Array'],
  [[undefined], 'value[0] is undefined undefined'],
  [{ count: 1n }, 'value.count is bigint 1'],
])('what JSON would change is refused, by its place: %#', (value, message) => {
  expect(() => canonicalJson(value)).toThrow(message);
});

function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([key, member]) => [key, reversed(member)]),
  );
}
