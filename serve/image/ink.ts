import sharp from 'sharp';
import { RequestError } from '../errors.ts';
import type { GreyImage } from './decode.ts';

/** Ink below this share of the strongest is paper, noise or shadow: it does not widen the drawing's box. */
const inkThreshold = 0.1;
/** Less contrast than this is an empty page. */
const leastContrast = 0.1;
/** Of 255. Scaled down, a line one pixel wide keeps more than this, specks far apart do not. */
const faintestStroke = 3;

/**
 * Brings a drawing into the form of MNIST's images: light ink on black, scaled into a box of 20 of 28 pixels with
 * its proportions kept, and placed with its centre of mass in the middle (yann.lecun.com/exdb/mnist).
 * @returns side*side values in [0,1], row by row.
 * @throws RequestError 400 when nothing is drawn.
 */
export async function centreInk(image: GreyImage, side: number): Promise<Float32Array> {
  const ink = inkOf(image);
  const box = boundsOf(ink);
  const scale = Math.round((side * 20) / 28) / Math.max(box.width, box.height);
  const width = Math.max(1, Math.round(box.width * scale));
  const height = Math.max(1, Math.round(box.height * scale));
  const scaled = await sharp(
    Uint8Array.from(ink.pixels, (value) => Math.round(value * 255)),
    { raw: { width: ink.width, height: ink.height, channels: 1 } },
  )
    .extract(box)
    .resize(width, height, { fit: 'fill' })
    .toColourspace('b-w')
    .raw({ depth: 'uchar' })
    .toBuffer();
  // Scaling averages a thin stroke with the paper beside it: only now is it known how faint the ink became.
  const peak = scaled.reduce((most, value) => Math.max(most, value), 0);
  if (peak < faintestStroke) throw new RequestError(400, 'nothing is drawn in the image but specks');
  return place({ width, height, pixels: Float32Array.from(scaled, (value) => value / peak) }, side);
}

/** Ink is what differs from the border: 0 is the border's shade, 1 the furthest from it on its other side. */
function inkOf(image: GreyImage): GreyImage {
  const { width, height, pixels } = image;
  const ground = medianOf(borderOf(image));
  let darkest = 1;
  let lightest = 0;
  for (const value of pixels) {
    darkest = Math.min(darkest, value);
    lightest = Math.max(lightest, value);
  }
  // Dark on light is turned round: the ink lies on the side that reaches further from the border's shade.
  const reach = lightest - ground > ground - darkest ? lightest - ground : darkest - ground;
  if (Math.abs(reach) < leastContrast) throw new RequestError(400, 'nothing is drawn in the image');
  return { width, height, pixels: pixels.map((value) => Math.max(0, (value - ground) / reach)) };
}

function borderOf({ width, height, pixels }: GreyImage): Float32Array {
  return pixels.filter((_, i) => {
    const x = i % width;
    const y = Math.floor(i / width);
    return x === 0 || y === 0 || x === width - 1 || y === height - 1;
  });
}

function medianOf(values: Float32Array): number {
  return values.toSorted()[values.length >> 1] ?? 0;
}

function boundsOf({ width, pixels }: GreyImage) {
  let [left, right, top, bottom] = [Number.POSITIVE_INFINITY, 0, Number.POSITIVE_INFINITY, 0];
  for (const [i, value] of pixels.entries()) {
    if (value < inkThreshold) continue;
    const x = i % width;
    const y = Math.floor(i / width);
    left = Math.min(left, x);
    right = Math.max(right, x);
    top = Math.min(top, y);
    bottom = Math.max(bottom, y);
  }
  return { left, top, width: right - left + 1, height: bottom - top + 1 };
}

/** Puts the drawing on a black square, its centre of mass as near the middle as whole pixels and the edges allow. */
function place(drawing: GreyImage, side: number): Float32Array {
  let [mass, sumX, sumY] = [0, 0, 0];
  for (const [i, value] of drawing.pixels.entries()) {
    mass += value;
    sumX += value * (i % drawing.width);
    sumY += value * Math.floor(i / drawing.width);
  }
  const left = clamp(Math.round(side / 2 - sumX / mass), side - drawing.width);
  const top = clamp(Math.round(side / 2 - sumY / mass), side - drawing.height);
  const square = new Float32Array(side * side);
  for (const [i, value] of drawing.pixels.entries()) {
    const x = left + (i % drawing.width);
    const y = top + Math.floor(i / drawing.width);
    square[y * side + x] = value;
  }
  return square;
}

function clamp(offset: number, last: number): number {
  return Math.min(Math.max(offset, 0), last);
}
