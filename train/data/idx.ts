import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { UserError } from '../../cli/errors.ts';

/*
 * The IDX format: two zero bytes, a type (0x08: unsigned byte), the number of dimensions, each dimension as a
 * big-endian 32-bit integer, then the data row-major. Source: http://yann.lecun.com/exdb/mnist/
 */
const unsignedByte = 0x08;
const imageDimensions = 3;
const labelDimensions = 1;

export interface Images {
  readonly count: number;
  readonly rows: number;
  readonly columns: number;
  /** `count * rows * columns` grey values, row-major. */
  readonly pixels: Uint8Array;
}

export interface Labels {
  readonly count: number;
  readonly labels: Uint8Array;
}

export function isGzip(bytes: Uint8Array): boolean {
  return bytes[0] === 0x1f && bytes[1] === 0x8b;
}

const gunzipAsync = promisify(gunzip);

/**
 * The content of a file that may be gzipped; what is not gzipped comes back as it is.
 * @throws UserError when the archive is damaged or cut short, or holds more than `maxBytes`.
 */
export async function uncompress(bytes: Uint8Array, file: string, maxBytes: number): Promise<Uint8Array> {
  if (!isGzip(bytes)) return bytes;
  try {
    return await gunzipAsync(bytes, { maxOutputLength: maxBytes });
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const reason =
      'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE'
        ? `it unpacks to more than the ${maxBytes} bytes that such a file can have`
        : `the archive is damaged or cut short (${error.message})`;
    throw new UserError(`${file} can't be unpacked: ${reason}. Get the file again.`);
  }
}

/** @throws UserError when the uncompressed bytes are not an IDX file of images. */
export function parseImages(bytes: Uint8Array, file: string): Images {
  const [count, rows, columns] = readHeader(bytes, file, imageDimensions) as [number, number, number];
  return { count, rows, columns, pixels: bytes.subarray(headerBytes(imageDimensions)) };
}

/** @throws UserError when the uncompressed bytes are not an IDX file of labels. */
export function parseLabels(bytes: Uint8Array, file: string): Labels {
  const [count] = readHeader(bytes, file, labelDimensions) as [number];
  return { count, labels: bytes.subarray(headerBytes(labelDimensions)) };
}

export function encodeImages({ count, rows, columns, pixels }: Images): Uint8Array {
  return encode([count, rows, columns], pixels);
}

export function encodeLabels({ count, labels }: Labels): Uint8Array {
  return encode([count], labels);
}

/** The bytes before the data. */
export function headerBytes(dimensions: number): number {
  return 4 + 4 * dimensions;
}

function readHeader(bytes: Uint8Array, file: string, dimensions: number): number[] {
  const wanted = `an IDX file of ${kind(dimensions)}, which starts with ${hex([0, 0, unsignedByte, dimensions])}`;
  const magic = bytes.subarray(0, 4);
  if (magic[0] !== 0 || magic[1] !== 0 || magic[2] !== unsignedByte || magic[3] !== dimensions)
    throw new UserError(`${file} is not what it should be: expected ${wanted}; found ${describe(magic)}.`);
  if (bytes.length < headerBytes(dimensions))
    throw new UserError(`${file} is cut short: expected ${wanted}; it ends after ${bytes.length} bytes.`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const sizes = Array.from({ length: dimensions }, (_, index) => view.getUint32(4 + 4 * index));
  const expected = headerBytes(dimensions) + sizes.reduce((product, size) => product * size, 1);
  if (bytes.length !== expected)
    throw new UserError(
      `${file} has the wrong length: its header says ${sizes.join(' x ')}, which makes ${expected} bytes; ` +
        `found ${bytes.length}. It is cut short or damaged: get it again.`,
    );
  return sizes;
}

function describe(magic: Uint8Array): string {
  const found = magic.length === 0 ? 'an empty file' : hex([...magic]);
  const isIdx = magic[0] === 0 && magic[1] === 0 && magic[2] === unsignedByte;
  const dimensions = magic[3];
  if (!isIdx || (dimensions !== imageDimensions && dimensions !== labelDimensions)) return found;
  return `${found}, an IDX file of ${kind(dimensions)} (were two files swapped?)`;
}

function kind(dimensions: number): string {
  return dimensions === imageDimensions ? 'images' : 'labels';
}

function hex(bytes: readonly number[]): string {
  return bytes.map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
}

function encode(sizes: readonly number[], data: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(headerBytes(sizes.length) + data.length);
  const view = new DataView(bytes.buffer);
  bytes[2] = unsignedByte;
  bytes[3] = sizes.length;
  sizes.forEach((size, index) => {
    view.setUint32(4 + 4 * index, size);
  });
  bytes.set(data, headerBytes(sizes.length));
  return bytes;
}
