import type { JumpableRandomGenerator } from 'pure-rand/types/JumpableRandomGenerator';
import type { Glyph, Point, Stroke } from './glyphs.ts';
import { between, roughlyNormal } from './random.ts';

/*
 * One person's hand: a glyph's control points wander a little, the line through them is smooth, and the whole is
 * slanted, turned, stretched and bent. Only + - * / are used, which every machine rounds alike: the same seed
 * draws the same digit everywhere, which sines and exponentials don't promise.
 */

/** Points along the pen's way, drawn as straight pieces. */
export type Line = Point[];

const wobble = 1.8; // standard deviation of a control point's place, of 100
const piecesPerSpan = 5; // enough that no corner shows at 28 x 28

/** The glyph as this hand writes it, in the glyph's own units. */
export function write(glyph: Glyph, random: JumpableRandomGenerator): Line[] {
  const bend = elastic(random);
  const place = affine(random);
  return glyph.map((stroke) => smooth(wander(stroke, random)).map((point) => place(bend(point))));
}

function wander(stroke: Stroke, random: JumpableRandomGenerator): Stroke {
  let previous: Point | undefined;
  let moved: Point | undefined;
  return stroke.map((point) => {
    // The two halves of a corner stay together.
    const isCorner = previous !== undefined && previous[0] === point[0] && previous[1] === point[1];
    previous = point;
    if (!isCorner || moved === undefined)
      moved = [point[0] + wobble * roughlyNormal(random), point[1] + wobble * roughlyNormal(random)];
    return moved;
  });
}

/** A uniform Catmull-Rom spline through the points; a point given twice makes a corner. */
function smooth(stroke: Stroke): Line {
  const line: Line = [];
  for (let span = 0; span + 1 < stroke.length; span++) {
    const from = stroke[span] as Point;
    const to = stroke[span + 1] as Point;
    const before = stroke[span - 1] ?? from;
    const after = stroke[span + 2] ?? to;
    for (let piece = 0; piece < piecesPerSpan; piece++) {
      const t = piece / piecesPerSpan;
      line.push([
        catmullRom(before[0], from[0], to[0], after[0], t),
        catmullRom(before[1], from[1], to[1], after[1], t),
      ]);
    }
  }
  line.push(stroke[stroke.length - 1] as Point);
  return line;
}

function catmullRom(before: number, from: number, to: number, after: number, t: number): number {
  const linear = to - before;
  const square = 2 * before - 5 * from + 4 * to - after;
  const cube = 3 * (from - to) + after - before;
  return from + 0.5 * t * (linear + t * (square + t * cube));
}

/** Rotation by up to about 25 degrees, a slant that mostly leans right, and an uneven stretch. */
function affine(random: JumpableRandomGenerator): (point: Point) => Point {
  const slant = 0.16 + 0.22 * roughlyNormal(random);
  const stretch = between(random, 0.8, 1.35);
  // The angle through the tangent of its half: cosine and sine need no trigonometry then.
  const half = 0.065 * roughlyNormal(random);
  const cosine = (1 - half * half) / (1 + half * half);
  const sine = (2 * half) / (1 + half * half);
  return ([x, y]) => {
    const wide = stretch * x - slant * (y - 50);
    return [cosine * wide - sine * y, sine * wide + cosine * y];
  };
}

const gridSize = 4;
const gridStep = 34; // the grid covers -1 to 101 in both directions

/** An elastic distortion: random displacements on a coarse grid, smoothly interpolated. */
function elastic(random: JumpableRandomGenerator): (point: Point) => Point {
  const strength = between(random, 2, 6);
  const shifts = Float64Array.from(
    { length: 2 * gridSize * gridSize },
    () => strength * roughlyNormal(random),
  );
  return ([x, y]) => {
    const [column, right] = cell(x + 1);
    const [row, down] = cell(y + 1);
    const upper = 2 * (row * gridSize + column);
    const lower = upper + 2 * gridSize;
    return [
      x + mix(along(shifts, upper, right), along(shifts, lower, right), down),
      y + mix(along(shifts, upper + 1, right), along(shifts, lower + 1, right), down),
    ];
  };
}

/** Between two neighbouring shifts of a grid row, which holds x and y in turn. */
function along(shifts: Float64Array, place: number, right: number): number {
  return mix(shifts[place] as number, shifts[place + 2] as number, right);
}

/** The grid cell that a coordinate falls into, and how far into it, eased so that the field has no creases. */
function cell(coordinate: number): [index: number, fraction: number] {
  const scaled = Math.min(Math.max(coordinate / gridStep, 0), gridSize - 1);
  const index = Math.min(Math.floor(scaled), gridSize - 2);
  const fraction = scaled - index;
  return [index, fraction * fraction * (3 - 2 * fraction)];
}

function mix(a: number, b: number, t: number): number {
  return a + (b - a) * t;
}
