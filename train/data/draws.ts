/**
 * Random numbers for work done per image: started anew by a seed in no time and without memory, which the
 * generator of `random.ts`, made for long sequences, is not.
 */
export class Draws {
  #state = 0;

  /** The same seed, the same numbers. */
  restart(seed: number): void {
    this.#state = seed | 0;
  }

  /** Uniform in [-1, 1), in steps of 2^-31. */
  next(): number {
    this.#state = (this.#state + GOLDEN) | 0;
    return mixed(this.#state) / 0x80000000;
  }

  /** Uniform in [-limit, limit). */
  fill(numbers: Float64Array, limit: number): void {
    const step = limit / 0x80000000;
    let state = this.#state;
    for (let i = 0; i < numbers.length; i++) {
      state = (state + GOLDEN) | 0;
      numbers[i] = step * mixed(state);
    }
    this.#state = state;
  }
}

/** 2^32 divided by the golden ratio, made odd: the step of SplitMix (Steele, Lea and Flood, OOPSLA 2014). */
const GOLDEN = 0x9e3779b9;

/** Spreads each of 32 bits over all of them, one to one (the finalizer of MurmurHash3); a signed integer. */
export function mixed(value: number): number {
  let bits = value | 0;
  bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
  return bits ^ (bits >>> 16);
}

/**
 * The seed of the image at `place` in `epoch` of a run with `seed` (integers; their low 32 bits count): an
 * unsigned 32-bit number. Within one epoch no two places share it.
 */
export function imageSeed(seed: number, epoch: number, place: number): number {
  return joined(joined(joined(0, seed), epoch), place) >>> 0;
}

/** Not the same the other way round: epoch 1 of seed 2 has nothing in common with epoch 2 of seed 1. */
function joined(before: number, next: number): number {
  return mixed(mixed(before + GOLDEN) ^ mixed(next));
}
