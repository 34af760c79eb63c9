/** Pixels between two knots. */
const SPACING = 7;

/** The knots that a cubic B-spline mixes for one point, along each axis. */
const SPAN = 4;

/**
 * Of the variance of independent noise on the knots, the share that is left between them, along one axis: the
 * integral of the squared cubic B-spline.
 */
const VARIANCE_LEFT = 151 / 315;

/**
 * A smooth map of a square image's pixels to places in another image: a uniform cubic B-spline surface whose knots
 * lie on a coarse grid, every 7 pixels. Knots that follow an affine map give that map. Noise on the knots adds a
 * field nearly like that of Simard, Steinkraus and Platt, "Best Practices for Convolutional Neural Networks Applied
 * to Visual Document Analysis" (ICDAR 2003), who blur noise on every pixel with a Gaussian: this spline is about a
 * Gaussian of 7 * sqrt(1/3) = 4 pixels, the width that they found best for MNIST.
 */
export class SplineMap {
  /** Noise on the knots that is this large moves a pixel by 1, both as root mean square along an axis. */
  static readonly noisePerPixel = 1 / VARIANCE_LEFT;

  /** The pixel that a knot lies on, along an axis: the outer ones lie outside the image. */
  static placeOf(knot: number): number {
    return (knot - 1) * SPACING;
  }

  /** Along each axis. */
  readonly knots: number;
  /** Where the knots go, row-major, x and y in turn: to be set before `update`. */
  readonly points: Float64Array;
  /** Where the pixels go, row-major, x and y in turn. */
  readonly places: Float64Array;
  /** The knots of all rows mixed for one pixel row. */
  readonly #mixed: Float64Array;
  readonly #size: number;

  constructor(size: number) {
    this.#size = size;
    this.knots = Math.floor((size - 1) / SPACING) + SPAN;
    this.points = new Float64Array(2 * this.knots * this.knots);
    this.places = new Float64Array(2 * size * size);
    this.#mixed = new Float64Array(2 * this.knots);
  }

  /** Makes `places` anew from `points`. */
  update(): void {
    for (let row = 0; row < this.#size; row++) {
      mixRows(this.#mixed, this.points, Math.floor(row / SPACING), (row % SPACING) / SPACING);
      mapRow(this.places, 2 * this.#size * row, this.#mixed, this.#size);
    }
  }
}

/** The knots' rows `first` to `first + 3`, mixed as the spline has it `t` of the way from the second to the third. */
function mixRows(mixed: Float64Array, points: Float64Array, first: number, t: number): void {
  const width = mixed.length;
  const start = first * width;
  const rest = 1 - t;
  const w0 = (rest * rest * rest) / 6;
  const w3 = (t * t * t) / 6;
  const w1 = 2 / 3 - t * t + 3 * w3;
  const w2 = 2 / 3 - rest * rest + 3 * w0;
  for (let i = 0; i < width; i++)
    mixed[i] =
      w0 * (points[start + i] as number) +
      w1 * (points[start + width + i] as number) +
      w2 * (points[start + 2 * width + i] as number) +
      w3 * (points[start + 3 * width + i] as number);
}

/** Between two knots of a row the spline is one cubic polynomial for x and one for y. */
function mapRow(places: Float64Array, start: number, mixed: Float64Array, size: number): void {
  let place = start;
  for (let cell = 0; cell * SPACING < size; cell++) {
    const knot = 2 * cell;
    const x0 = mixed[knot] as number;
    const y0 = mixed[knot + 1] as number;
    const x1 = mixed[knot + 2] as number;
    const y1 = mixed[knot + 3] as number;
    const x2 = mixed[knot + 4] as number;
    const y2 = mixed[knot + 5] as number;
    const x3 = mixed[knot + 6] as number;
    const y3 = mixed[knot + 7] as number;
    const ax = (x0 + 4 * x1 + x2) / 6;
    const ay = (y0 + 4 * y1 + y2) / 6;
    const bx = (x2 - x0) / (2 * SPACING);
    const by = (y2 - y0) / (2 * SPACING);
    const cx = (x0 - 2 * x1 + x2) / (2 * SPACING ** 2);
    const cy = (y0 - 2 * y1 + y2) / (2 * SPACING ** 2);
    const dx = (x3 - x0 + 3 * (x1 - x2)) / (6 * SPACING ** 3);
    const dy = (y3 - y0 + 3 * (y1 - y2)) / (6 * SPACING ** 3);
    const pixels = Math.min(SPACING, size - cell * SPACING);
    for (let t = 0; t < pixels; t++) {
      places[place++] = ax + t * (bx + t * (cx + t * dx));
      places[place++] = ay + t * (by + t * (cy + t * dy));
    }
  }
}
