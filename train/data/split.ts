import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { seeded } from './random.ts';

/** Places in the training set, each list ascending. */
export interface TrainSplit {
  readonly train: Uint32Array;
  readonly validation: Uint32Array;
}

/**
 * Sets `fraction` of the training images aside for validation. The same three arguments give the same split;
 * each image is in exactly one part.
 * @throws RangeError unless `fraction` is in [0, 1).
 */
export function splitTrain(count: number, fraction: number, seed: number): TrainSplit {
  if (!(fraction >= 0 && fraction < 1))
    throw new RangeError(`the validation fraction has to be in [0, 1), got ${fraction}`);
  const order = shuffled(count, seed);
  const held = Math.round(count * fraction);
  return { validation: order.slice(0, held).sort(), train: order.slice(held).sort() };
}

/** The numbers 0 to `count - 1` in an order that `seed` fixes (Fisher-Yates). */
export function shuffled(count: number, seed: number): Uint32Array {
  const random = seeded(seed);
  const order = Uint32Array.from({ length: count }, (_, index) => index);
  for (let last = count - 1; last > 0; last--) {
    const chosen = uniformInt(random, 0, last);
    const moved = order[last] as number;
    order[last] = order[chosen] as number;
    order[chosen] = moved;
  }
  return order;
}
