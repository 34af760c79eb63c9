import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { UserError } from '../../cli/errors.ts';
import { encodeImages, encodeLabels, parseImages, parseLabels, uncompress } from './idx.ts';

const images = fc
  .record({ count: fc.nat(5), rows: fc.nat(6), columns: fc.nat(6) })
  .chain(({ count, rows, columns }) =>
    fc
      .uint8Array({ minLength: count * rows * columns, maxLength: count * rows * columns })
      .map((pixels) => ({ count, rows, columns, pixels })),
  );

test('images come back as they were encoded, gzipped or not', async () => {
  await fc.assert(
    fc.asyncProperty(images, fc.boolean(), async (written, zipped) => {
      const bytes = encodeImages(written);
      const content = await uncompress(zipped ? gzipSync(bytes) : bytes, 'some file', 1000);
      const read = parseImages(content, 'some file');
      expect({ ...read, pixels: Uint8Array.from(read.pixels) }).toEqual(written);
    }),
  );
});

test('labels come back as they were encoded', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 50 }), (labels) => {
      const read = parseLabels(encodeLabels({ count: labels.length, labels }), 'some file');
      expect({ count: read.count, labels: Uint8Array.from(read.labels) }).toEqual({
        count: labels.length,
        labels,
      });
    }),
  );
});

test('any bytes are either read in full or refused with a UserError', () => {
  const header = fc.constantFrom([0, 0, 8, 3], [0, 0, 8, 1], [0, 0, 9, 3], []);
  fc.assert(
    fc.property(header, fc.uint8Array({ maxLength: 40 }), (start, rest) => {
      const bytes = Uint8Array.from([...start, ...rest]);
      for (const parse of [parseImages, parseLabels]) {
        try {
          parse(bytes, 'f');
        } catch (error) {
          expect(error).toBeInstanceOf(UserError);
        }
      }
    }),
  );
});

describe('what is not an IDX file is refused with what was found and expected', () => {
  const labels = encodeLabels({ count: 3, labels: Uint8Array.of(1, 2, 3) });
  const changed = (place: number, value: number) => Uint8Array.from(labels).with(place, value);

  test.each([
    ['an empty file', new Uint8Array(), /found an empty file/],
    ['another type', changed(2, 0x0d), /starts with 00 00 08 01; found 00 00 0d 01/],
    ['a first byte that is not zero', changed(0, 1), /found 01 00 08 01/],
    ['another number of dimensions', changed(3, 2), /found 00 00 08 02/],
    ['images', changed(3, 3), /found 00 00 08 03, an IDX file of images \(were two files swapped\?\)/],
    ['a header that is cut short', labels.subarray(0, 6), /cut short.*ends after 6 bytes/],
    ['data that is cut short', labels.subarray(0, 10), /header says 3, which makes 11 bytes; found 10/],
    ['a byte too many', Uint8Array.from([...labels, 0]), /makes 11 bytes; found 12/],
    ['a count that no memory could hold', changed(4, 0xff), /which makes 4278190091 bytes/],
  ])('%s', (_, bytes, message) => {
    expect(() => parseLabels(bytes, 'train-labels')).toThrow(message);
    expect(() => parseLabels(bytes, 'train-labels')).toThrow(/^train-labels /);
  });
});

describe('an archive', () => {
  const zipped = gzipSync(new Uint8Array(5000));

  test('that is cut short is refused', async () => {
    await expect(uncompress(zipped.subarray(0, -9), 'x.gz', 9999)).rejects.toThrow(
      /^x\.gz .*cut short.*again/,
    );
  });

  test('with a flipped byte is refused', async () => {
    const flipped = Uint8Array.from(zipped);
    flipped[flipped.length - 6] = 1 ^ (flipped[flipped.length - 6] ?? 0);
    await expect(uncompress(flipped, 'x.gz', 9999)).rejects.toThrow(/^x\.gz .*damaged/);
  });

  test('is not unpacked past the bound', async () => {
    await expect(uncompress(zipped, 'x.gz', 4999)).rejects.toThrow(/more than the 4999 bytes/);
    expect(await uncompress(zipped, 'x.gz', 5000)).toHaveLength(5000);
  });
});
