import { z } from 'zod';
import { type Digest, digestOf, digestSchema } from '../../registry/digest.ts';

/**
 * A checkpoint as bytes:
 *
 *     slipway-checkpoint 1 <SHA-256 of all that follows this line, in hexadecimal>\n
 *     <header: one line of JSON>\n
 *     <the tensors' elements, row-major, 4 bytes each, little-endian, one tensor after the other>
 *
 * The header is `{ epoch, score, progress, tensors: [{ name, dtype, shape, offset }] }`, in the order of the data; an
 * offset is in bytes from the header's end. Bits are kept as they are: NaN's payload, the sign of 0.
 */
export interface Checkpoint {
  /** Epochs completed, from 1. */
  readonly epoch: number;
  /** Higher is better: validation accuracy, or the loss negated. Finite. */
  readonly score: number;
  /** Plain JSON of the caller's, who has a schema for it. */
  readonly progress: unknown;
  readonly tensors: ReadonlyMap<string, SavedTensor>;
}

export interface SavedTensor {
  readonly dtype: 'float32' | 'int32';
  readonly shape: readonly number[];
  readonly data: Float32Array | Int32Array;
}

/** Bytes that are no whole checkpoint. */
export class DamagedCheckpoint extends Error {
  override readonly name = 'DamagedCheckpoint';
}

const MAGIC = 'slipway-checkpoint';
const VERSION = 1;
const ELEMENT_BYTES = 4;
const MAX_HEADER_BYTES = 2 ** 20;
const MAX_BYTES = 2 ** 31 - 1; // what Node reads in one piece

const tensorNameSchema = z
  .string()
  .regex(/^[\w.:/-]{1,200}$/, 'a tensor is named by letters, digits and _ . : / -');

const headerSchema = z.strictObject({
  epoch: z.int().min(1),
  score: z.number(),
  progress: z.unknown(),
  tensors: z
    .array(
      z.strictObject({
        name: tensorNameSchema,
        dtype: z.enum(['float32', 'int32']),
        shape: z.array(z.int().min(0)).max(8),
        offset: z.int().min(0),
      }),
    )
    .refine(
      (tensors) => new Set(tensors.map(({ name }) => name)).size === tensors.length,
      'a name comes twice',
    ),
});
type Header = z.infer<typeof headerSchema>;
type TensorEntry = Header['tensors'][number];

/** @throws RangeError for what can't be stored: a name, a shape that isn't the data's, a score that isn't finite. */
export function encode({ epoch, score, progress, tensors }: Checkpoint): Buffer {
  let offset = 0;
  const entries = Array.from(tensors, ([name, tensor]): TensorEntry => {
    const entry = { name, dtype: tensor.dtype, shape: [...tensor.shape], offset };
    checkData(entry, tensor.data);
    offset += tensor.data.byteLength;
    return entry;
  });
  const checked = headerSchema.safeParse({ epoch, score, progress, tensors: entries });
  if (!checked.success)
    throw new RangeError(`This can't be a checkpoint:\n${z.prettifyError(checked.error)}`);
  const header = Buffer.from(`${JSON.stringify(checked.data)}\n`);
  if (header.length > MAX_HEADER_BYTES)
    throw new RangeError(`A checkpoint's header has at most ${MAX_HEADER_BYTES} bytes, got ${header.length}`);
  if (header.length + offset > MAX_BYTES - 200)
    throw new RangeError(`A checkpoint has at most ${MAX_BYTES} bytes, got ${header.length + offset}`);

  const data = Array.from(tensors.values(), (tensor) => bytesOf(tensor.data));
  const content = Buffer.concat([header, ...data]);
  return Buffer.concat([Buffer.from(firstLine(digestOf(content))), content]);
}

/** @throws DamagedCheckpoint for anything but a whole checkpoint of this version, saying what is wrong. */
export function decode(bytes: Uint8Array): Checkpoint {
  const content = contentOf(bytes);
  const headerEnd = content.subarray(0, MAX_HEADER_BYTES).indexOf(NEWLINE);
  const header = parseHeader(content.subarray(0, Math.max(0, headerEnd)));
  const data = content.subarray(headerEnd + 1);
  let expected = 0;
  const tensors = header.tensors.map((entry): [string, SavedTensor] => {
    const { name, dtype, shape, offset } = entry;
    const size = ELEMENT_BYTES * elementsIn(shape);
    if (offset !== expected || offset + size > data.length)
      throw new DamagedCheckpoint(`the tensor ${name} is not where it has to be`);
    expected += size;
    const copy = Uint8Array.from(data.subarray(offset, offset + size)).buffer; // aligned, unlike the file's
    return [
      name,
      { dtype, shape, data: dtype === 'float32' ? new Float32Array(copy) : new Int32Array(copy) },
    ];
  });
  if (expected !== data.length) throw new DamagedCheckpoint('it has more data than tensors');
  const { epoch, score, progress } = header;
  return { epoch, score, progress, tensors: new Map(tensors) };
}

const NEWLINE = 10;

function firstLine(digest: Digest): string {
  return `${MAGIC} ${VERSION} ${digest}\n`;
}

/** What the first line's digest is of. */
function contentOf(bytes: Uint8Array): Uint8Array {
  const line = Buffer.from(bytes.subarray(0, bytes.subarray(0, 200).indexOf(NEWLINE) + 1)).toString();
  const [magic, version, digest] = line.trimEnd().split(' ');
  if (magic !== MAGIC) throw new DamagedCheckpoint('it does not begin as a checkpoint does');
  if (version !== String(VERSION))
    throw new DamagedCheckpoint(`its format is version ${version}; this program reads version ${VERSION}`);
  const content = bytes.subarray(line.length);
  if (digestSchema.safeParse(digest).data !== digestOf(content))
    throw new DamagedCheckpoint('its content is not what its SHA-256 says: it is cut off or was changed');
  return content;
}

function parseHeader(bytes: Uint8Array): Header {
  try {
    return headerSchema.parse(JSON.parse(Buffer.from(bytes).toString()));
  } catch {
    throw new DamagedCheckpoint('its header is not what this program writes');
  }
}

function checkData({ name, dtype, shape }: TensorEntry, data: SavedTensor['data']): void {
  if (data.length !== elementsIn(shape))
    throw new RangeError(
      `${name} has the shape [${shape}] and ${data.length} elements: they don't go together`,
    );
  if (data instanceof Float32Array !== (dtype === 'float32'))
    throw new RangeError(`${name} is ${dtype}, but its data is a ${data.constructor.name}`);
}

function elementsIn(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

/** The memory itself. Every machine that ONNX Runtime's packages are built for is little-endian. */
function bytesOf({ buffer, byteOffset, byteLength }: Float32Array | Int32Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}
