import fc from 'fast-check';
import { expect, test } from 'vitest';
import { UsageError } from '../cli/errors.ts';
import { parseReference } from './reference.ts';

test.each([
  ['mnist', { model: 'mnist', alias: 'live' }],
  ['mnist@live', { model: 'mnist', alias: 'live' }],
  ['mnist@canary-2', { model: 'mnist', alias: 'canary-2' }],
  ['mnist@7', { model: 'mnist', version: 7 }],
  ['mnist@999999', { model: 'mnist', version: 999_999 }],
])('%s is read as %o', (text, expected) => {
  expect(parseReference(text)).toEqual(expected);
});

test.each(['', '@', 'mnist@', '@7', 'mnist@0', 'mnist@007', 'mnist@1000000', 'mnist@-1', 'mnist@7@8'])(
  '"%s" is refused as wrong usage',
  (text) => expect(() => parseReference(text)).toThrow(UsageError),
);

test.each([
  '../mnist',
  'mnist@../live',
  'a/b',
  'mnist@a/b',
  'Mnist',
  'mnist@LIVE',
  'a..b',
  'mnist\n',
  '.mnist',
])('the escape attempt or bad name %j is refused as wrong usage', (text) =>
  expect(() => parseReference(text)).toThrow(/names no version: expected MODEL/),
);

test('any text is a reference of safe names, or refused as wrong usage', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[a-z0-9.@/-]{1,12}$/)), (text) => {
      try {
        const { model, ...target } = parseReference(text);
        expect([model, ...Object.values(target)].join('')).toMatch(/^[a-z0-9][a-z0-9._-]*$/);
      } catch (error) {
        expect(error).toBeInstanceOf(UsageError);
      }
    }),
  );
});
