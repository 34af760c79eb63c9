import fc from 'fast-check';
import sharp from 'sharp';
import { expect, test } from 'vitest';
import { greyPng } from './png.ts';

test('a decoder reads the very pixels that were encoded', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ minLength: 784, maxLength: 784 }), async (pixels) => {
      const { data, info } = await sharp(greyPng(pixels, 28))
        .toColourspace('b-w')
        .raw()
        .toBuffer({ resolveWithObject: true });
      expect([info.width, info.height, info.channels]).toEqual([28, 28, 1]);
      expect(data.equals(pixels)).toBe(true);
    }),
    { numRuns: 25 },
  );
});

test('pixels that do not fill their rows are refused', () => {
  expect(() => greyPng(new Uint8Array(783), 28)).toThrow('Expected rows of 28 pixels, got 783 pixels');
});
