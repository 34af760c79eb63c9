import { uniformFloat32 } from 'pure-rand/distribution/uniformFloat32';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import type { JumpableRandomGenerator } from 'pure-rand/types/JumpableRandomGenerator';
import { mixed } from './draws.ts';

/** A seeded generator of 32-bit integers; `jump()` moves it to numbers that no other part of the run draws. */
export function seeded(seed: number): JumpableRandomGenerator {
  const generator = xoroshiro128plus(mixed(seed)); // mixed: seeds 1 and 2 have nothing in common
  // Its first numbers still show the seed's bits: neighbouring seeds would start alike.
  for (let skipped = 0; skipped < 32; skipped++) generator.next();
  return generator;
}

/** Uniform in [low, high). */
export function between(random: JumpableRandomGenerator, low: number, high: number): number {
  return low + (high - low) * uniformFloat32(random);
}

/**
 * About normal, mean 0 and standard deviation 1, within +-3.5: a sum of four uniform numbers. It takes only
 * additions and one multiplication, so that every machine draws the same to the last bit.
 */
export function roughlyNormal(random: JumpableRandomGenerator): number {
  const sum =
    uniformFloat32(random) + uniformFloat32(random) + uniformFloat32(random) + uniformFloat32(random);
  return (sum - 2) * 1.7320508075688772; // sqrt(12 / 4)
}
