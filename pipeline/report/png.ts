import { crc32, deflateSync } from 'node:zlib';

/**
 * An 8-bit greyscale picture as a PNG file (W3C PNG specification, third edition): one byte a pixel, row by row,
 * 0 is black. Throws when the number of pixels is not a multiple of `width`.
 */
export function greyPng(pixels: Uint8Array, width: number): Buffer {
  const height = pixels.length / width;
  if (!Number.isInteger(height)) {
    throw new RangeError(`Expected rows of ${width} pixels, got ${pixels.length} pixels`);
  }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header[8] = 8; // bits a sample; colour type 0 (grey), compression, filter method and interlace stay 0

  const rows = Buffer.alloc(height * (width + 1)); // each row is led by its filter: 0, none
  for (let row = 0; row < height; row++) {
    rows.set(pixels.subarray(row * width, (row + 1) * width), row * (width + 1) + 1);
  }
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(rows, { level: 9 })),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

function chunk(type: string, content: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), content]);
  const framed = Buffer.alloc(body.length + 8);
  framed.writeUInt32BE(content.length, 0);
  framed.set(body, 4);
  framed.writeUInt32BE(crc32(body), body.length + 4);
  return framed;
}
