import { UserError } from '../../cli/errors.ts';
import { imageSize } from './datasets.ts';
import type { Dataset, Split } from './load.ts';

/** What the data looks like: kept in the run's record, so that a change in the data shows. */
export interface Validation {
  readonly train: SplitFigures;
  readonly test: SplitFigures;
  /** Images that are in both sets, pixel for pixel: what the model is tested on, it has seen. */
  readonly duplicatesAcross: number;
  /** Sentences about what a person should look at; none of them stops a run. */
  readonly problems: readonly string[];
}

export interface SplitFigures {
  readonly count: number;
  /** Images of each class, in the order of the data set's classes. */
  readonly perClass: readonly number[];
  /** The largest class's images by the smallest's. */
  readonly imbalance: number;
  /** Of the grey values, 0 to 255. */
  readonly pixels: {
    readonly min: number;
    readonly max: number;
    readonly mean: number;
    readonly std: number;
  };
  /** Images whose pixels are all alike. */
  readonly blank: number;
  /** Images that are there again earlier in the same set, pixel for pixel. */
  readonly duplicates: number;
}

const pixelsPerImage = imageSize * imageSize;
/** Classes more uneven than this are worth a look: accuracy alone says little then. MNIST has 1.2. */
const unevenClasses = 3;

/**
 * Measures a data set.
 * @throws UserError when it can't be learnt from: a class without images, or mostly blank images.
 */
export function validate(dataset: Dataset): Validation {
  const seenInTrain = new Set<string>();
  const seenInTest = new Set<string>();
  const train = figuresOf(dataset.train, dataset.classes.length, seenInTrain);
  const test = figuresOf(dataset.test, dataset.classes.length, seenInTest);
  const duplicatesAcross = [...seenInTest].filter((image) => seenInTrain.has(image)).length;
  refuseUseless('training', train, dataset);
  refuseUseless('test', test, dataset);
  const problems = [
    ...problemsOf('training', train),
    ...problemsOf('test', test),
    ...(duplicatesAcross > 0
      ? [`${duplicatesAcross} images are in both the training and the test set: the test flatters the model`]
      : []),
  ];
  return { train, test, duplicatesAcross, problems };
}

/** Adds each image of the split to `seen`. */
function figuresOf(split: Split, classes: number, seen: Set<string>): SplitFigures {
  const perClass = new Array<number>(classes).fill(0);
  for (const label of split.labels) perClass[label] = (perClass[label] ?? 0) + 1;
  const histogram = new Uint32Array(256);
  let blank = 0;
  const images = Buffer.from(split.images.buffer, split.images.byteOffset, split.images.length);
  for (let start = 0; start < images.length; start += pixelsPerImage) {
    const end = start + pixelsPerImage;
    // As a string of one character a byte the pixels are their own exact key in a set.
    seen.add(images.toString('latin1', start, end));
    if (addToHistogram(images, start, end, histogram)) blank++;
  }
  return {
    count: split.count,
    perClass,
    imbalance: Math.max(...perClass) / Math.min(...perClass),
    pixels: pixelFigures(histogram),
    blank,
    duplicates: split.count - seen.size,
  };
}

/** Counts one image's grey values; true when they are all alike. */
function addToHistogram(images: Uint8Array, start: number, end: number, histogram: Uint32Array): boolean {
  const first = images[start];
  let alike = true;
  for (let place = start; place < end; place++) {
    const value = images[place] as number;
    histogram[value] = (histogram[value] as number) + 1;
    if (value !== first) alike = false;
  }
  return alike;
}

function pixelFigures(histogram: Uint32Array): SplitFigures['pixels'] {
  let count = 0;
  let sum = 0;
  let squares = 0;
  histogram.forEach((times, value) => {
    count += times;
    sum += times * value;
    squares += times * value * value;
  });
  const mean = sum / count;
  return {
    min: histogram.findIndex((times) => times > 0),
    max: histogram.findLastIndex((times) => times > 0),
    mean,
    std: Math.sqrt(squares / count - mean * mean),
  };
}

function refuseUseless(which: string, { perClass, blank, count }: SplitFigures, dataset: Dataset): void {
  const empty = dataset.classes.filter((_, label) => perClass[label] === 0);
  if (empty.length > 0)
    throw new UserError(
      `The ${which} set of ${dataset.name} has no image of ${empty.join(', ')}: every class needs some to be ` +
        'learnt and tested. Use files that have all of them.',
    );
  if (blank * 2 > count)
    throw new UserError(
      `${blank} of the ${count} ${which} images of ${dataset.name} are blank (all their pixels are alike): the ` +
        'files are damaged or hold something else. Get them again.',
    );
}

function problemsOf(which: string, { blank, duplicates, imbalance }: SplitFigures): string[] {
  const problems: string[] = [];
  if (blank > 0) problems.push(`${blank} ${which} images are blank`);
  if (duplicates > 0) problems.push(`${duplicates} ${which} images are there more than once`);
  if (imbalance > unevenClasses)
    problems.push(
      `the largest class of the ${which} set has ${imbalance.toFixed(1)} times the smallest's images`,
    );
  return problems;
}
