import type { JumpableRandomGenerator } from 'pure-rand/types/JumpableRandomGenerator';
import { imageSize } from './datasets.ts';
import type { Point } from './glyphs.ts';
import type { Line } from './pen.ts';
import { between, roughlyNormal } from './random.ts';

/*
 * Draws pen lines as MNIST's digits are drawn: scaled into a box of about 20 x 20, centred by the ink's centre of
 * mass, white on black with grey edges.
 */

const boxSize = 20;
const edge = 0.6; // half the width, in pixels, over which ink fades into background

/** Adds the lines to `pixels` (28 x 28, all 0 before). */
export function draw(lines: readonly Line[], pixels: Uint8Array, random: JumpableRandomGenerator): void {
  const thickness = between(random, 1.6, 3.7);
  const ink = new Float64Array(imageSize * imageSize);
  for (const line of layOut(lines, thickness, random)) {
    for (let index = 0; index + 1 < line.length; index++)
      addPiece(ink, line[index] as Point, line[index + 1] as Point, thickness / 2);
  }
  develop(ink, pixels, random);
}

/** The lines in pixels: scaled to the box, and shifted so that their centre lies near the image's. */
function layOut(lines: readonly Line[], thickness: number, random: JumpableRandomGenerator): Line[] {
  const points = lines.flat();
  const width = extent(points.map(([x]) => x));
  const height = extent(points.map(([, y]) => y));
  const size = boxSize * between(random, 0.88, 1.06) - thickness;
  const scale = size / Math.max(width, height);
  const [centreX, centreY] = centre(lines);
  const middle = (imageSize - 1) / 2;
  const shiftX = middle - scale * centreX + 0.8 * roughlyNormal(random);
  const shiftY = middle - scale * centreY + 0.8 * roughlyNormal(random);
  return lines.map((line) => line.map(([x, y]): Point => [scale * x + shiftX, scale * y + shiftY]));
}

function extent(values: readonly number[]): number {
  return Math.max(...values) - Math.min(...values);
}

/** The centre of mass of lines of even thickness. */
function centre(lines: readonly Line[]): Point {
  let mass = 0;
  let sumX = 0;
  let sumY = 0;
  for (const line of lines) {
    for (let index = 0; index + 1 < line.length; index++) {
      const [x1, y1] = line[index] as Point;
      const [x2, y2] = line[index + 1] as Point;
      const length = Math.sqrt((x2 - x1) * (x2 - x1) + (y2 - y1) * (y2 - y1));
      mass += length;
      sumX += (length * (x1 + x2)) / 2;
      sumY += (length * (y1 + y2)) / 2;
    }
  }
  return [sumX / mass, sumY / mass];
}

/** Raises `ink` (0 to 1) to the coverage of a straight piece of line with round ends. */
function addPiece(ink: Float64Array, from: Point, to: Point, radius: number): void {
  const [x1, y1] = from;
  const dx = to[0] - x1;
  const dy = to[1] - y1;
  const squaredLength = dx * dx + dy * dy;
  const reach = radius + edge;
  const firstRow = Math.max(0, Math.ceil(Math.min(y1, to[1]) - reach));
  const lastRow = Math.min(imageSize - 1, Math.floor(Math.max(y1, to[1]) + reach));
  const firstColumn = Math.max(0, Math.ceil(Math.min(x1, to[0]) - reach));
  const lastColumn = Math.min(imageSize - 1, Math.floor(Math.max(x1, to[0]) + reach));
  for (let row = firstRow; row <= lastRow; row++) {
    for (let column = firstColumn; column <= lastColumn; column++) {
      const along = squaredLength === 0 ? 0 : ((column - x1) * dx + (row - y1) * dy) / squaredLength;
      const nearest = Math.min(Math.max(along, 0), 1);
      const offX = column - x1 - nearest * dx;
      const offY = row - y1 - nearest * dy;
      const squaredDistance = offX * offX + offY * offY;
      if (squaredDistance >= reach * reach) continue;
      const coverage = Math.min(1, (reach - Math.sqrt(squaredDistance)) / (2 * edge));
      const place = row * imageSize + column;
      if (coverage > (ink[place] as number)) ink[place] = coverage;
    }
  }
}

/** Ink to grey values: uneven ink, and a few specks of dirt as a scan has them. */
function develop(ink: Float64Array, pixels: Uint8Array, random: JumpableRandomGenerator): void {
  const strength = between(random, 230, 290);
  const grain = between(random, 0, 20);
  for (let place = 0; place < ink.length; place++) {
    const coverage = ink[place] as number;
    if (coverage > 0) pixels[place] = grey(coverage * (strength + grain * roughlyNormal(random)));
  }
  const specks = Math.floor(between(random, 0, 3));
  for (let speck = 0; speck < specks; speck++) {
    const place = Math.floor(between(random, 0, ink.length));
    pixels[place] = Math.max(pixels[place] as number, grey(between(random, 10, 110)));
  }
}

function grey(value: number): number {
  return Math.round(Math.min(255, Math.max(0, value)));
}
