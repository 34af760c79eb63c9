import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Augmentation, Augmenter, augmentations } from './augment.ts';
import { syntheticDigits } from './synthetic.ts';

const SIZE = 28;
const PIXELS = SIZE * SIZE;
const digits = syntheticDigits({ seed: 3, train: 20, test: 0 }).train;
const { none } = augmentations;

const anyAmounts = fc.record({
  shift: fc.double({ min: 0, max: SIZE, noNaN: true }),
  rotate: fc.double({ min: 0, max: 90, noNaN: true }),
  scale: fc.double({ min: 0, max: 0.5, noNaN: true }),
  elastic: fc.double({ min: 0, max: SIZE, noNaN: true }),
});
const anySeed = fc.integer({ min: 0, max: 0xffffffff });

/** One picture, of image `place` of `images`. */
function moved(augmentation: Augmentation, seed: number, place = 0, images = digits.images): Float32Array {
  const target = new Float32Array(PIXELS);
  new Augmenter(augmentation).into(target, 0, images, place, seed);
  return target;
}

function original(place: number): Float32Array {
  return Float32Array.from(
    digits.images.subarray(place * PIXELS, (place + 1) * PIXELS),
    (grey) => grey / 255,
  );
}

function ink(picture: Float32Array): number {
  return picture.reduce((sum, value) => sum + value, 0);
}

/** Centre of mass and the angle of the long axis in degrees, from the moments. */
function shape(picture: Float32Array) {
  const mass = ink(picture);
  const mean = (of: (x: number, y: number) => number) =>
    picture.reduce((sum, value, at) => sum + value * of(at % SIZE, Math.floor(at / SIZE)), 0) / mass;
  const x = mean((x) => x);
  const y = mean((_, y) => y);
  const spread = mean((px, py) => (px - x) * (py - y));
  const difference = mean((px, py) => (px - x) ** 2 - (py - y) ** 2);
  return { x, y, angle: (Math.atan2(2 * spread, difference) * 90) / Math.PI };
}

/** A rectangle of ink in the middle: its edges have these distances from the image's. */
function block(beside: number, above: number): Uint8Array {
  return Uint8Array.from({ length: PIXELS }, (_, at) => {
    const [x, y] = [at % SIZE, Math.floor(at / SIZE)];
    return x >= beside && x < SIZE - beside && y >= above && y < SIZE - above ? 255 : 0;
  });
}

const seeds = Array.from({ length: 400 }, (_, seed) => seed);

describe('an augmented image', () => {
  test('is the image itself, to the bit, when nothing may move', () => {
    for (let place = 0; place < digits.count; place++)
      expect(moved(none, place, place)).toEqual(original(place));
  });

  test('is the same for the same seed, whatever was drawn before, and another for another seed', () => {
    const augmenter = new Augmenter(augmentations.full);
    const target = new Float32Array(PIXELS);
    fc.assert(
      fc.property(anySeed, anySeed, fc.nat(digits.count - 1), (seed, other, place) => {
        fc.pre(seed !== other);
        augmenter.into(target, 0, digits.images, place, other);
        expect(target).not.toEqual(moved(augmentations.full, seed, place));
        augmenter.into(target, 0, digits.images, place, seed);
        expect(target).toEqual(moved(augmentations.full, seed, place));
      }),
      { numRuns: 50 },
    );
  });

  test('is the same in every version of the code', () => {
    const picture = moved(augmentations.full, 42, 1);
    const { x, y, angle } = shape(picture);
    expect([ink(picture), x, y, angle].map((value) => value.toFixed(4))).toMatchInlineSnapshot(`
      [
        "100.6573",
        "14.5715",
        "13.6748",
        "-85.8965",
      ]
    `);
  });

  test('has values in [0, 1], whatever is allowed to move', () => {
    fc.assert(
      fc.property(anyAmounts, anySeed, fc.nat(digits.count - 1), (amounts, seed, place) => {
        const picture = moved(amounts, seed, place);
        expect(picture.every((value) => value >= 0 && value <= 1)).toBe(true);
      }),
      { numRuns: 100 },
    );
  });

  test('is written at its offset and nowhere else', () => {
    const target = new Float32Array(3 * PIXELS).fill(7);
    new Augmenter(augmentations.full).into(target, PIXELS, digits.images, 5, 9);
    expect(target.subarray(PIXELS, 2 * PIXELS)).toEqual(moved(augmentations.full, 9, 5));
    expect(target.subarray(0, PIXELS).every((value) => value === 7)).toBe(true);
    expect(target.subarray(2 * PIXELS).every((value) => value === 7)).toBe(true);
  });

  test('takes nothing over from the image before it', () => {
    const augmenter = new Augmenter(augmentations.full);
    const target = new Float32Array(PIXELS);
    augmenter.into(target, 0, new Uint8Array(PIXELS).fill(255), 0, 1);
    augmenter.into(target, 0, new Uint8Array(PIXELS), 0, 1);
    expect(ink(target)).toBe(0);
  });

  test('may have any size', () => {
    for (const size of [7, 8, 29, 64]) {
      const target = new Float32Array(size * size);
      new Augmenter(augmentations.full, size).into(target, 0, new Uint8Array(size * size).fill(255), 0, 1);
      expect(Math.max(...target)).toBe(1);
    }
  });

  test.each([
    { ...none, shift: -1 },
    { ...none, rotate: 91 },
    { ...none, scale: 0.6 },
    { ...none, elastic: Number.NaN },
  ])('is refused for %o', (amounts) => {
    expect(() => new Augmenter(amounts)).toThrow(RangeError);
  });
});

describe('a shift', () => {
  const shift = { ...none, shift: 3 };
  const dot = block(13, 13); // far from the edges: nothing is lost
  const by = seeds.map((seed) => {
    const { x, y } = shape(moved(shift, seed, 0, dot));
    return [x - 13.5, y - 13.5] as const;
  });

  test('moves the centre of ink by the same amount for every image of a seed, and keeps the ink', () => {
    const line = block(6, 12);
    seeds.slice(0, 50).forEach((seed) => {
      const picture = moved(shift, seed, 0, line);
      const { x, y } = shape(picture);
      expect(x - 13.5).toBeCloseTo(by[seed]?.[0] ?? Number.NaN, 4);
      expect(y - 13.5).toBeCloseTo(by[seed]?.[1] ?? Number.NaN, 4);
      expect(ink(picture)).toBeCloseTo(16 * 4, 3);
    });
  });

  test('is uniform within its limit, each axis for itself', () => {
    for (const axis of [0, 1] as const) {
      const amounts = by.map((each) => each[axis]);
      expect(Math.max(...amounts)).toBeGreaterThan(2.9);
      expect(Math.max(...amounts)).toBeLessThanOrEqual(3);
      expect(Math.min(...amounts)).toBeLessThan(-2.9);
      expect(amounts.filter((amount) => Math.abs(amount) < 1.5).length / amounts.length).toBeCloseTo(0.5, 1);
    }
    const together = by.reduce((sum, [x, y]) => sum + x * y, 0) / by.length;
    expect(Math.abs(together)).toBeLessThan(0.5); // 3 standard deviations
  });
});

test('a turn reaches its limit to both sides, about the centre', () => {
  const bar = block(4, 12);
  const shapes = seeds.map((seed) => shape(moved({ ...none, rotate: 12 }, seed, 0, bar)));
  const angles = shapes.map(({ angle }) => angle);
  expect(Math.max(...angles)).toBeGreaterThan(11.5);
  expect(Math.max(...angles)).toBeLessThan(12.3);
  expect(Math.min(...angles)).toBeLessThan(-11.5);
  for (const { x, y } of shapes) expect(Math.hypot(x - 13.5, y - 13.5)).toBeLessThan(0.01);
});

test('a change of the size reaches its limit to both sides, about the centre', () => {
  const areas = seeds.map((seed) => ink(moved({ ...none, scale: 0.1 }, seed, 0, block(8, 8))) / 12 ** 2);
  expect(Math.max(...areas)).toBeGreaterThan(1.18);
  expect(Math.max(...areas)).toBeLessThan(1.23);
  expect(Math.min(...areas)).toBeLessThan(0.83);
  expect(Math.min(...areas)).toBeGreaterThan(0.79);
});

test('an elastic field moves places as far as it says, neighbours alike and distant ones for themselves', () => {
  // In a ramp, the change of grey is the displacement.
  const ramp = Uint8Array.from({ length: PIXELS }, (_, at) => 9 * (at % SIZE));
  const shifts = seeds.map((seed) => {
    const picture = moved({ ...none, elastic: 1 }, seed, 0, ramp);
    return [8, 9, 19].map((x) => ((picture[14 * SIZE + x] ?? 0) * 255) / 9 - x);
  });
  const mean = (of: (shifts: number[]) => number) =>
    shifts.reduce((sum, each) => sum + of(each), 0) / shifts.length;
  const typical = Math.sqrt(mean(([a = 0]) => a * a));
  expect(typical).toBeGreaterThan(0.9);
  expect(typical).toBeLessThan(1.1);
  expect(Math.abs(mean(([a = 0]) => a))).toBeLessThan(0.2);
  expect(mean(([a = 0, b = 0]) => a * b)).toBeGreaterThan(0.85);
  expect(Math.abs(mean(([a = 0, , c = 0]) => a * c))).toBeLessThan(0.3);
});

test('the presets keep the ink of digits, about, and their centre within reach', () => {
  for (const name of ['light', 'full'] as const) {
    const { scale, shift, elastic } = augmentations[name];
    for (let place = 0; place < digits.count; place++) {
      const before = original(place);
      for (const seed of [1, 2, 3]) {
        const after = moved(augmentations[name], seed, place);
        const ratio = ink(after) / ink(before);
        expect(ratio).toBeGreaterThan((1 - scale) ** 2 * 0.75);
        expect(ratio).toBeLessThan((1 + scale) ** 2 * 1.33);
        const [a, b] = [shape(before), shape(after)];
        expect(Math.hypot(a.x - b.x, a.y - b.y)).toBeLessThan(1.5 * shift + 2.5 * elastic + 0.5);
      }
    }
  }
});
