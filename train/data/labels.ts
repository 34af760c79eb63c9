/** How labels become the probabilities that a network is to answer. */
export interface LabelOptions {
  readonly classes: number;
  /**
   * The share of each row that is spread evenly over all classes, 0 to 1: label smoothing, as in Szegedy et al.,
   * "Rethinking the Inception Architecture for Computer Vision" (arXiv:1512.00567), section 7.
   */
  readonly smoothing: number;
  /** How much an image of each class counts; without them, each counts 1. */
  readonly classWeights?: readonly number[];
}

/**
 * Writes the wanted answers for the images at `places` to the start of `target`: rows [places.length, classes]. A
 * row's sum is its class's weight, since cross-entropy with a row that is multiplied by w is w times as large.
 */
export function writeLabels(
  target: Float32Array,
  labels: Uint8Array,
  places: ArrayLike<number>,
  { classes, smoothing, classWeights }: LabelOptions,
): void {
  for (let row = 0; row < places.length; row++) {
    const label = labels[places[row] as number] as number;
    const weight = classWeights?.[label] ?? 1;
    const first = row * classes;
    target.fill((weight * smoothing) / classes, first, first + classes);
    target[first + label] = weight * (1 - smoothing + smoothing / classes);
  }
}

/**
 * Weights with which each class counts for as much as any other: n / (classes * count), whose mean over the images
 * is 1. A class without images has the weight 0.
 */
export function balancedWeights(labels: Uint8Array, classes: number): number[] {
  const counts = new Array<number>(classes).fill(0);
  for (const label of labels) counts[label] = (counts[label] ?? 0) + 1;
  return counts.map((count) => (count === 0 ? 0 : labels.length / (classes * count)));
}
