import { Draws } from './draws.ts';
import { SplineMap } from './spline-map.ts';

export { imageSeed } from './draws.ts';

/** How far a training image may be moved. All zero: not at all. */
export interface Augmentation {
  /** Pixels along each axis, largest. */
  readonly shift: number;
  /** Degrees, largest. */
  readonly rotate: number;
  /** Largest relative change of the size: 0.1 is 0.9 to 1.1. */
  readonly scale: number;
  /** Pixels: root mean square, along each axis, of a smooth random field of displacements (`spline-map.ts`). */
  readonly elastic: number;
}

export const augmentations = {
  none: { shift: 0, rotate: 0, scale: 0, elastic: 0 },
  light: { shift: 1.5, rotate: 8, scale: 0.08, elastic: 0 },
  full: { shift: 2, rotate: 10, scale: 0.1, elastic: 0.9 },
} as const satisfies Record<string, Augmentation>;

export const augmentationNames = Object.keys(augmentations) as (keyof typeof augmentations)[];

/**
 * Moves images at random: shifted, turned and scaled about their centre, and bent by an elastic field, with one
 * bilinear sampling in all. Shift, angle (nearly) and size are uniform within their limits. What comes from outside is
 * background.
 * All memory is taken when it is made; each thread needs its own.
 */
export class Augmenter {
  readonly #augmentation: Augmentation;
  readonly #size: number;
  readonly #moves: boolean;
  /** Tangent of half the largest angle: a turn needs no trigonometry then, and is the same on every machine. */
  readonly #halfTurn: number;
  /** Largest displacement of a knot of the map, in pixels along each axis. */
  readonly #noise: number;
  readonly #draws = new Draws();
  readonly #map: SplineMap;
  /** The image amid so much background that no pixel can come from beyond. */
  readonly #framed: Uint8Array;
  readonly #margin: number;

  /** @throws RangeError for an amount that is below 0, not a number, or more than leaves anything of an image. */
  constructor(augmentation: Augmentation, imageSize = 28) {
    checkAmount('shift', augmentation.shift, imageSize);
    checkAmount('rotate', augmentation.rotate, 90);
    checkAmount('scale', augmentation.scale, 0.5);
    checkAmount('elastic', augmentation.elastic, imageSize);
    const { shift, rotate, scale, elastic } = augmentation;
    this.#augmentation = augmentation;
    this.#size = imageSize;
    this.#moves = shift > 0 || rotate > 0 || scale > 0 || elastic > 0;
    this.#halfTurn = Math.fround(Math.tan((rotate * Math.PI) / 360));
    this.#noise = elastic * SplineMap.noisePerPixel * Math.sqrt(3); // uniform in +-1 has a variance of 1/3
    this.#map = new SplineMap(imageSize);
    const half = imageSize / 2;
    this.#margin = Math.ceil((Math.SQRT2 * (half + shift)) / (1 - scale) - half + this.#noise) + 1;
    this.#framed = new Uint8Array((imageSize + 2 * this.#margin) ** 2);
  }

  /**
   * Writes image `place` of `images` (grey values 0..255, row-major, imageSize^2 each), moved at random, as floats
   * in [0, 1] at `offset` of `target`. The same `seed` (an unsigned 32-bit number), the same picture.
   */
  into(target: Float32Array, offset: number, images: Uint8Array, place: number, seed: number): void {
    const size = this.#size;
    const start = place * size * size;
    if (this.#moves) {
      frame(this.#framed, this.#margin, images, start, size);
      this.#move(seed);
      sample(target, offset, this.#framed, size + 2 * this.#margin, this.#map.places);
    } else {
      for (let i = 0; i < size * size; i++) target[offset + i] = (images[start + i] as number) / 255;
    }
  }

  /** Sets where in the frame each pixel comes from: the shift, the turn and the scaling undone, and noise. */
  #move(seed: number): void {
    const { shift, scale } = this.#augmentation;
    const draws = this.#draws;
    draws.restart(seed);
    const shiftX = shift * draws.next();
    const shiftY = shift * draws.next();
    const tangent = this.#halfTurn * draws.next();
    const zoom = (1 + scale * draws.next()) * (1 + tangent * tangent);
    const cosine = (1 - tangent * tangent) / zoom;
    const sine = (2 * tangent) / zoom;

    const { knots, points } = this.#map;
    draws.fill(points, this.#noise);
    const centre = (this.#size - 1) / 2;
    const framedCentre = centre + this.#margin;
    for (let row = 0; row < knots; row++) {
      const down = SplineMap.placeOf(row) - centre - shiftY;
      for (let column = 0; column < knots; column++) {
        const right = SplineMap.placeOf(column) - centre - shiftX;
        const x = 2 * (row * knots + column);
        points[x] = (points[x] as number) + framedCentre + cosine * right - sine * down;
        points[x + 1] = (points[x + 1] as number) + framedCentre + sine * right + cosine * down;
      }
    }
    this.#map.update();
  }
}

/** Writes an image into the middle of a larger one. */
function frame(framed: Uint8Array, margin: number, images: Uint8Array, start: number, size: number): void {
  const width = size + 2 * margin;
  for (let row = 0; row < size; row++) {
    const from = start + row * size;
    const to = (margin + row) * width + margin;
    for (let column = 0; column < size; column++) framed[to + column] = images[from + column] as number;
  }
}

/** One value in [0, 1] for each place (x and y in turn) in a grey image of this width, bilinearly. */
function sample(
  target: Float32Array,
  offset: number,
  image: Uint8Array,
  width: number,
  places: Float64Array,
): void {
  const count = places.length / 2;
  for (let i = 0; i < count; i++) {
    const x = places[2 * i] as number;
    const y = places[2 * i + 1] as number;
    const left = x | 0;
    const top = y | 0;
    const corner = top * width + left;
    const a = image[corner] as number;
    const b = image[corner + 1] as number;
    const c = image[corner + width] as number;
    const d = image[corner + width + 1] as number;
    if ((a | b | c | d) === 0) {
      target[offset + i] = 0; // most of an image is background, and stays so
    } else {
      const right = x - left;
      const upper = a + right * (b - a);
      const lower = c + right * (d - c);
      target[offset + i] = (upper + (y - top) * (lower - upper)) / 255;
    }
  }
}

function checkAmount(name: keyof Augmentation, amount: number, most: number): void {
  if (!(amount >= 0 && amount <= most))
    throw new RangeError(`the augmentation's ${name} has to be from 0 to ${most}, got ${amount}`);
}
