import type { JumpableRandomGenerator } from 'pure-rand/types/JumpableRandomGenerator';
import { digits, imageSize } from './datasets.ts';
import { type Glyph, glyphs } from './glyphs.ts';
import { draw } from './ink.ts';
import type { Split } from './load.ts';
import { write } from './pen.ts';
import { between, seeded } from './random.ts';
import { shuffled } from './split.ts';

export interface SyntheticOptions {
  readonly seed: number;
  /** How many images to draw; each digit as often as the others. */
  readonly train: number;
  readonly test: number;
  readonly onProgress?: (progress: { drawn: number; total: number }) => void;
}

/** How often `onProgress` is told, in images. */
const progressEvery = 500;

/**
 * Handwritten-looking digits in MNIST's form, drawn from nothing but a seed: the same seed gives the same bytes
 * on every machine. They stand in where the real data can't be had; they never stand for it.
 */
export function syntheticDigits({ seed, train, test, onProgress }: SyntheticOptions): {
  train: Split;
  test: Split;
} {
  const random = seeded(seed);
  const testRandom = random.clone();
  testRandom.jump(); // 2^64 numbers on: the test images share no random number with the training images
  const total = train + test;
  const report = (drawn: number) => {
    if (drawn % progressEvery === 0 || drawn === total) onProgress?.({ drawn, total });
  };
  return {
    train: drawSplit(train, shuffled(train, seed), random, (drawn) => report(drawn)),
    test: drawSplit(test, shuffled(test, seed + 1), testRandom, (drawn) => report(train + drawn)),
  };
}

function drawSplit(
  count: number,
  order: Uint32Array,
  random: JumpableRandomGenerator,
  report: (drawn: number) => void,
): Split {
  const labels = Uint8Array.from(order, (place) => place % digits.length);
  const pixelsPerImage = imageSize * imageSize;
  const images = new Uint8Array(count * pixelsPerImage);
  labels.forEach((digit, index) => {
    const image = images.subarray(index * pixelsPerImage, (index + 1) * pixelsPerImage);
    draw(write(anyGlyph(digit, random), random), image, random);
    report(index + 1);
  });
  return { images, labels, count };
}

function anyGlyph(digit: number, random: JumpableRandomGenerator): Glyph {
  const variants = glyphs[digit] as readonly Glyph[];
  return variants[Math.floor(between(random, 0, variants.length))] as Glyph;
}
