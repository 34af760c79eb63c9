import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { digestOf } from '../../registry/digest.ts';
import { type Checkpoint, DamagedCheckpoint, decode, encode, type SavedTensor } from './format.ts';
import { sampleCheckpoint } from './testing/sample.ts';

const bits = (data: SavedTensor['data']) => [...new Uint32Array(data.buffer, data.byteOffset, data.length)];

/** Any bits, and so any number, in a part of a larger memory. */
const someTensor = fc
  .tuple(
    fc.constantFrom('float32' as const, 'int32' as const),
    fc.array(fc.nat(4), { maxLength: 4 }),
    fc.nat(2),
  )
  .chain(([dtype, shape, skipped]) => {
    const length = shape.reduce((product, size) => product * size, 1);
    return fc
      .array(fc.integer(), { minLength: length + skipped, maxLength: length + skipped })
      .map((words): SavedTensor => {
        const memory = Int32Array.from(words);
        const data = memory.subarray(skipped);
        const floats = new Float32Array(memory.buffer, data.byteOffset, length);
        return { dtype, shape, data: dtype === 'float32' ? floats : data };
      });
  });
const someCheckpoint: fc.Arbitrary<Checkpoint> = fc.record({
  epoch: fc.integer({ min: 1, max: 1e6 }),
  score: fc.double({ noNaN: true, noDefaultInfinity: true }).map((score) => score + 0), // JSON has no -0
  progress: fc.jsonValue().map((value) => JSON.parse(JSON.stringify(value)) as unknown),
  tensors: fc
    .dictionary(fc.stringMatching(/^[\w.:/-]{1,20}$/), someTensor, { noNullPrototype: true })
    .map((tensors) => new Map(Object.entries(tensors))),
});

test('a checkpoint comes back as it was, to the bit', () => {
  fc.assert(
    fc.property(someCheckpoint, (checkpoint) => {
      const { tensors, ...rest } = decode(encode(checkpoint));
      expect({ ...rest, tensors: null }).toEqual({ ...checkpoint, tensors: null });
      expect([...tensors.keys()]).toEqual([...checkpoint.tensors.keys()]);
      for (const [name, { dtype, shape, data }] of checkpoint.tensors) {
        const read = tensors.get(name);
        expect(read).toMatchObject({ dtype, shape });
        expect(read?.data.constructor).toBe(data.constructor);
        expect(read && bits(read.data)).toEqual(bits(data));
      }
    }),
  );
});

test('NaN with its payload, -0 and infinities keep their bits', () => {
  const words = Uint32Array.of(0x7fc00001, 0xffc12345, 0x80000000, 0x7f800000, 0xff800000, 1);
  const data = new Float32Array(words.buffer);
  const tensors = new Map([['w', { dtype: 'float32' as const, shape: [6], data }]]);
  const read = decode(encode({ epoch: 1, score: 0, progress: null, tensors })).tensors.get('w');
  expect(read && bits(read.data)).toEqual([...words]);
});

test('memory that threads share is stored like any other', () => {
  const data = new Float32Array(new SharedArrayBuffer(8)).fill(3);
  const tensors = new Map([['w', { dtype: 'float32' as const, shape: [2], data }]]);
  expect(decode(encode({ epoch: 1, score: 0, progress: null, tensors })).tensors.get('w')?.data).toEqual(
    Float32Array.of(3, 3),
  );
});

describe('what is damaged is refused', () => {
  const whole = encode(sampleCheckpoint(3));

  test('cut off anywhere', () => {
    for (let length = 0; length < whole.length; length++)
      expect(() => decode(whole.subarray(0, length)), `${length} bytes`).toThrow(DamagedCheckpoint);
  });

  test('with any bit flipped', () => {
    for (let at = 0; at < whole.length; at++) {
      const damaged = Buffer.from(whole);
      damaged[at] = (damaged[at] ?? 0) ^ (1 << (at % 8));
      expect(() => decode(damaged), `byte ${at}`).toThrow(DamagedCheckpoint);
    }
  });

  test('with something after its end', () => {
    expect(() => decode(Buffer.concat([whole, Buffer.from('x')]))).toThrow(DamagedCheckpoint);
  });

  test('whatever the bytes are', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
        expect(() => decode(bytes)).toThrow(DamagedCheckpoint);
      }),
    );
  });

  /** The sample with another header, and the digest that belongs to it. */
  function withHeader(change: (header: string) => string, data?: Buffer): Buffer {
    const [, header = ''] = whole.toString('latin1').split('\n');
    const start = whole.indexOf('\n') + 1 + header.length + 1;
    const content = Buffer.concat([Buffer.from(`${change(header)}\n`), data ?? whole.subarray(start)]);
    return Buffer.concat([Buffer.from(`slipway-checkpoint 1 ${digestOf(content)}\n`), content]);
  }

  test.each([
    ['a header that is no JSON', (header: string) => header.slice(1)],
    ['a name that comes twice', (header: string) => header.replace('adam/steps', 'dense/kernel')],
    ['an offset outside the data', (header: string) => header.replace('"offset":24', '"offset":28')],
    ['a shape larger than the data', (header: string) => header.replace('[3,2]', '[3,2000000000]')],
    ['a shape smaller than the data', (header: string) => header.replace('"shape":[]', '"shape":[0]')],
    ['a type that there is not', (header: string) => header.replace('int32', 'int64')],
    ['a member that there is not', (header: string) => header.replace('{', '{"more":1,')],
    ['a header without end', (header: string) => header + ' '.repeat(2 ** 20)],
  ])('%s, with the right digest', (_, change) => {
    expect(() => decode(withHeader(change))).toThrow(DamagedCheckpoint);
    expect(decode(withHeader((header) => header)).epoch).toBe(3);
  });

  test('of another version, saying so', () => {
    const newer = Buffer.from(whole.toString('latin1').replace('checkpoint 1', 'checkpoint 2'), 'latin1');
    expect(() => decode(newer)).toThrow('its format is version 2; this program reads version 1');
  });
});

describe('what cannot be stored is refused', () => {
  const tensor = { dtype: 'float32' as const, shape: [2], data: Float32Array.of(1, 2) };
  test.each<[string, Partial<Checkpoint>]>([
    ['a score that is no number', { score: Number.NaN }],
    ['an epoch before the first', { epoch: 0 }],
    ['a name with a line break', { tensors: new Map([['a\nb', tensor]]) }],
    ['an empty name', { tensors: new Map([['', tensor]]) }],
    ["a shape that is not the data's", { tensors: new Map([['w', { ...tensor, shape: [3] }]]) }],
    ["a type that is not the data's", { tensors: new Map([['w', { ...tensor, dtype: 'int32' }]]) }],
    ['more progress than a header holds', { progress: 'x'.repeat(2 ** 20) }],
  ])('%s', (_, change) => {
    expect(() => encode({ ...sampleCheckpoint(1), ...change })).toThrow(RangeError);
  });
});
