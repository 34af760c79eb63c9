import { UserError } from '../../cli/errors.ts';
import { digestOf } from '../../registry/digest.ts';
import { type DatasetEntry, imageSize, type Role } from './datasets.ts';
import { headerBytes, isGzip, parseImages, parseLabels, uncompress } from './idx.ts';

/** The content of one file of a data set, checked. */
export interface Content {
  /** Pixels, `count * 784`, or labels, `count`. */
  readonly data: Uint8Array;
  /** Whether it was compared with a known digest; it is never returned when it differs from one of its content. */
  readonly verified: boolean;
}

/**
 * Unpacks and checks one file: form, count, size of the images, range of the labels, digest.
 * @param path what messages call the file
 * @throws UserError with what was found and what was expected.
 */
export async function readContent(
  bytes: Uint8Array,
  path: string,
  entry: DatasetEntry,
  role: Role,
): Promise<Content> {
  const file = entry.files[role];
  const content = await uncompress(bytes, path, maxContentBytes(entry));
  const data = isImages(role)
    ? checkedImages(content, path, entry, role)
    : checkedLabels(content, path, entry, role);
  if (file.sha256 !== undefined) checkDigest(content, path, entry, file.sha256);
  const verified =
    file.sha256 !== undefined ||
    (file.gzipSha256 !== undefined && isGzip(bytes) && digestOf(bytes) === file.gzipSha256);
  return { data, verified };
}

/** The largest uncompressed file that the data set has. */
export function maxContentBytes(entry: DatasetEntry): number {
  const counts = Object.values(entry.files).map((file) => file.count);
  return headerBytes(3) + Math.max(...counts) * imageSize * imageSize;
}

function isImages(role: Role): boolean {
  return role === 'train-images' || role === 'test-images';
}

function checkedImages(content: Uint8Array, path: string, entry: DatasetEntry, role: Role): Uint8Array {
  const { count, rows, columns, pixels } = parseImages(content, path);
  checkCount(count, path, entry, role);
  if (rows !== imageSize || columns !== imageSize)
    throw new UserError(
      `${path} holds images of ${rows} x ${columns} pixels; ${entry.title} has ${imageSize} x ${imageSize}. ` +
        'Put the right file in its place.',
    );
  return pixels;
}

function checkedLabels(content: Uint8Array, path: string, entry: DatasetEntry, role: Role): Uint8Array {
  const { count, labels } = parseLabels(content, path);
  checkCount(count, path, entry, role);
  const wrong = labels.findIndex((label) => label >= entry.classes.length);
  if (wrong !== -1)
    throw new UserError(
      `${path} holds the label ${labels[wrong]} for image ${wrong}; labels of ${entry.title} are ` +
        `0 to ${entry.classes.length - 1}. The file is damaged or of another data set: get it again.`,
    );
  return labels;
}

function checkCount(count: number, path: string, entry: DatasetEntry, role: Role): void {
  const expected = entry.files[role].count;
  if (count !== expected)
    throw new UserError(
      `${path} holds ${count} items; the file "${entry.files[role].name}" of ${entry.title} holds ${expected}. ` +
        'Were training and test files swapped? Put the right file in its place.',
    );
}

function checkDigest(content: Uint8Array, path: string, entry: DatasetEntry, expected: string): void {
  const found = digestOf(content);
  if (found !== expected)
    throw new UserError(
      `${path} has the right form but not the content of ${entry.title}: expected SHA-256 ${expected} ` +
        `(uncompressed), found ${found}. It is damaged, changed, or of another data set (then name that one with ` +
        '--dataset): get it again.',
    );
}
