import type { Augmentation } from '../data/augment.ts';

/** The training images and their labels, in memory that threads share. */
export interface SharedImages {
  /** Grey values 0..255, row-major, one image after the other. */
  readonly images: Uint8Array;
  readonly labels: Uint8Array;
}

/** In each image. */
export function pixelsOf({ images, labels }: SharedImages): number {
  return images.length / labels.length;
}

/** A copy of images and labels that threads may share. */
export function inSharedMemory({ images, labels }: SharedImages): SharedImages {
  const shared = (bytes: Uint8Array) => {
    const copy = new Uint8Array(new SharedArrayBuffer(bytes.length));
    copy.set(bytes);
    return copy;
  };
  return { images: shared(images), labels: shared(labels) };
}

/** How a row of a batch is made of an image, for the whole of a training. */
export interface RowOptions {
  readonly classes: number;
  readonly seed: number;
  readonly augmentation: Augmentation;
  readonly labelSmoothing: number;
  readonly classWeights?: readonly number[] | undefined;
}

/** The steps of one epoch, all decided beforehand: whoever has it does the same. */
export interface EpochPlan {
  /** Counted from 1. */
  readonly epoch: number;
  /** Places of images in the order in which they are learned from. */
  readonly order: Uint32Array;
  readonly batchSize: number;
  /** Images are left as they are, whatever the augmentation. */
  readonly plain: boolean;
  /** Number of the first step, over all epochs. */
  readonly firstStep: number;
  /** For each step. */
  readonly learningRates: Float32Array;
  /** For each step, how far the averages move to the weights. */
  readonly averagingRates: Float32Array;
}

/** The part of the order that one thread takes of one batch. */
export interface Part {
  readonly start: number;
  readonly rows: number;
  /** Where it begins in the batch. */
  readonly firstRow: number;
  readonly batchRows: number;
}

export function stepsOf({ order, batchSize }: Pick<EpochPlan, 'order' | 'batchSize'>): number {
  return Math.ceil(order.length / batchSize);
}

/** The last batch may be smaller than the others. */
export function batchRows(
  { order, batchSize }: Pick<EpochPlan, 'order' | 'batchSize'>,
  step: number,
): number {
  return Math.min(batchSize, order.length - step * batchSize);
}

/** Batches are cut into runs of rows that differ by one row at most. */
export function partOf(
  plan: Pick<EpochPlan, 'order' | 'batchSize'>,
  step: number,
  rank: number,
  ranks: number,
): Part {
  const batchStart = step * plan.batchSize;
  const whole = batchRows(plan, step);
  const firstRow = Math.floor((whole * rank) / ranks);
  const rows = Math.floor((whole * (rank + 1)) / ranks) - firstRow;
  return { start: batchStart + firstRow, rows, firstRow, batchRows: whole };
}

/** All sizes of parts that an epoch has. */
export function partSizes(plan: Pick<EpochPlan, 'order' | 'batchSize'>, ranks: number): Set<number> {
  const sizes = new Set<number>();
  for (const step of new Set([0, stepsOf(plan) - 1])) {
    for (let rank = 0; rank < ranks; rank += 1) sizes.add(partOf(plan, step, rank, ranks).rows);
  }
  sizes.delete(0);
  return sizes;
}
