import { crc32 } from 'node:zlib';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { decodeImage } from '../image/decode.ts';
import { centreInk } from '../image/ink.ts';
import { draw, drawnDigits } from '../testing/drawing.ts';
import {
  classes,
  contract,
  features,
  modelSource,
  startServer,
  type TestServer,
  versionFiles,
} from '../testing/fixture.ts';

const answerSchema = z.strictObject({
  model: z.literal('mnist'),
  version: z.literal(7),
  label: z.int(),
  probabilities: z.array(z.number()).length(classes),
  dataset: z.literal('synthetic-digits'),
});

let server: TestServer;
beforeAll(async () => {
  server = await startServer(modelSource(versionFiles(await templates())));
});
afterAll(() => server.stop());

/** A model that knows the drawn digits: each class's weights are that digit in its standard place. */
async function templates(): Promise<Float32Array> {
  const weights = new Float32Array(features * classes).fill(-1);
  for (const digit of drawnDigits) {
    const ink = await centreInk(await decodeImage(await draw(digit, { paper: 'white' })), 28);
    const length = Math.hypot(...ink);
    ink.forEach((value, i) => {
      weights[i * classes + digit] = (2 * value) / length;
    });
  }
  return weights;
}

function send(body: Buffer | FormData, type?: string) {
  return fetch(`${server.url}/classify`, {
    method: 'POST',
    body,
    ...(type !== undefined && { headers: { 'content-type': type } }),
  });
}

async function classify(image: Buffer, type = 'image/png') {
  const response = await send(image, type);
  expect(response.status).toBe(200);
  return answerSchema.parse(await response.json());
}

describe.each(drawnDigits.map((digit) => [digit]))('a drawn %i is read', (digit) => {
  test.each([
    ['dark on light', { paper: 'white' }],
    ['light on dark', { paper: 'black', ink: 'white' }],
    ['dark on grey', { paper: '#999', ink: '#222' }],
    ['light on grey', { paper: '#666', ink: '#ddd' }],
    ['in colour', { paper: '#ffe', ink: '#06c' }],
    ['dark on nothing', {}],
    ['white on nothing', { ink: 'white' }],
    ['in a corner', { paper: 'white', at: [95, 5] as const }],
    ['tiny', { paper: 'white', width: 28, height: 28 }],
    ['large', { paper: 'white', width: 1999, height: 1999 }],
    ['wide', { paper: 'white', width: 641, height: 211 }],
    ['tall', { paper: 'black', ink: 'white', width: 97, height: 350 }],
    ['as a JPEG', { paper: 'white', format: 'jpeg' as const }],
    ['as a JPEG, light on dark', { paper: 'black', ink: 'white', format: 'jpeg' as const }],
  ])('%s', async (_, drawing) => {
    const { label, probabilities } = await classify(await draw(digit, drawing));
    expect(label).toBe(digit);
    expect(Math.max(...probabilities)).toBe(probabilities[digit]);
  });
});

test('a file in a multipart form is read as the same image in the body is', async () => {
  const image = await draw(7, { paper: 'white' });
  const form = new FormData();
  form.append('image', new Blob([image], { type: 'image/png' }), 'seven.png');
  expect(await (await send(form)).json()).toEqual(await classify(image));
});

test('a drawing is put into a box of 20 pixels with its centre of mass in the middle', async () => {
  for (const digit of drawnDigits) {
    const ink = await centreInk(await decodeImage(await draw(digit, { paper: 'white', at: [10, 80] })), 28);
    const rows = new Set<number>();
    expect(Math.max(...ink)).toBeGreaterThan(0.95);
    let [mass, x, y] = [0, 0, 0];
    ink.forEach((value, i) => {
      expect(value).toBeGreaterThanOrEqual(0);
      expect(value).toBeLessThanOrEqual(1);
      mass += value;
      x += value * (i % 28);
      y += value * Math.floor(i / 28);
      if (value > 0) rows.add(Math.floor(i / 28));
    });
    expect([19, 20]).toContain(rows.size); // a pointed end may round to black
    expect(Math.abs(x / mass - 14)).toBeLessThanOrEqual(0.6);
    expect(Math.abs(y / mass - 14)).toBeLessThanOrEqual(0.6);
  }
});

describe.each([
  [400, 1],
  [400, 2],
  [3000, 1],
  [3000, 4],
])('in a picture of %i pixels, strokes of %i pixels', (side, pen) => {
  test('reach the model as bright and about as broad as those of a pen', async () => {
    for (const digit of drawnDigits) {
      const drawing = await draw(digit, { paper: 'white', width: side, height: side, pen });
      const ink = await centreInk(await decodeImage(drawing), 28);
      const mass = ink.reduce((sum, value) => sum + value, 0);
      expect(Math.max(...ink)).toBeGreaterThan(0.95);
      expect(mass).toBeGreaterThan(15); // a line of 20 pixels, one pixel broad, has 20
      expect(mass).toBeLessThan(120);
    }
  });
});

/** A white page of 512 by 512 pixels with single black ones. */
function specks(...places: readonly (readonly [number, number])[]): Promise<Buffer> {
  const page = new Uint8Array(512 * 512).fill(255);
  for (const [x, y] of places) page[y * 512 + x] = 0;
  return sharp(page, { raw: { width: 512, height: 512, channels: 1 } })
    .png()
    .toBuffer();
}

describe('what is refused', () => {
  const blank = { create: { width: 40, height: 40, channels: 3, background: '#888' } } as const;

  test.each<[string, () => Promise<Buffer>, number, string]>([
    ['nothing', async () => Buffer.alloc(0), 400, 'no image'],
    ['a text', async () => Buffer.from('seven'), 415, 'PNG or JPEG'],
    ['an SVG', async () => Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>'), 415, 'PNG or JPEG'],
    ['a GIF', () => sharp(blank).gif().toBuffer(), 415, 'PNG or JPEG'],
    ['an empty page', () => sharp(blank).png().toBuffer(), 400, 'nothing is drawn'],
    ['two far specks', () => specks([40, 50], [470, 460]), 400, 'nothing is drawn'],
    ['half a PNG', async () => (await draw(7, { paper: 'white' })).subarray(0, 300), 400, "can't be decoded"],
    ['a PNG that says it has 10 billion pixels', async () => bomb(), 400, "can't be decoded"],
  ])('%s', async (_, image, status, message) => {
    const response = await send(await image(), 'image/png');
    expect(await response.json()).toEqual({ error: expect.stringContaining(message) });
    expect(response.status).toBe(status);
  });

  test('a form without a file', async () => {
    const form = new FormData();
    form.append('image', 'seven');
    expect((await send(form)).status).toBe(400);
  });

  test('an image for a model that takes tables: 404 that says what it takes', async () => {
    const range = contract.features.map((feature) => ({ ...feature, range: ['inf', 'inf'] }));
    const files = {
      ...versionFiles(),
      'contract.json': Buffer.from(JSON.stringify({ ...contract, features: range })),
    };
    await using tables = await startServer(modelSource(files));
    const response = await fetch(`${tables.url}/classify`, { method: 'POST', body: await draw(7) });
    expect(response.status).toBe(404);
    expect(await response.json()).toEqual({ error: expect.stringContaining('x float32 [n, 784]') });
  });
});

/** A header alone: 100,000 by 100,000 pixels. */
function bomb(): Buffer {
  const header = Buffer.from('IHDR\0\x01\x86\xa0\0\x01\x86\xa0\x08\0\0\0\0', 'latin1');
  const length = Buffer.from([0, 0, 0, 13]);
  const checksum = Buffer.alloc(4);
  checksum.writeUInt32BE(crc32(header));
  const magic = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return Buffer.concat([magic, length, header, checksum]);
}
