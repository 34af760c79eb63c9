import { Augmenter, augmentations, imageSeed } from '../data/augment.ts';
import { writeLabels } from '../data/labels.ts';
import { type EpochPlan, pixelsOf, type RowOptions, type SharedImages } from './plan.ts';

/** Makes rows of input and wanted answers from images: moved about at random where that is asked for. */
export class RowMaker {
  readonly #data: SharedImages;
  readonly #options: RowOptions;
  readonly #augmenter: Augmenter;
  readonly #plain: Augmenter;
  readonly #rowSize: number;

  constructor(data: SharedImages, options: RowOptions) {
    this.#data = data;
    this.#options = options;
    this.#rowSize = pixelsOf(data);
    const imageSize = Math.sqrt(this.#rowSize);
    this.#augmenter = new Augmenter(options.augmentation, imageSize);
    this.#plain = new Augmenter(augmentations.none, imageSize);
  }

  /** Rows [places.length, pixels] in [0,1]. An image looks different in each epoch, and the same for the same seed. */
  inputs(places: Uint32Array, { epoch, plain }: Pick<EpochPlan, 'epoch' | 'plain'>): Float32Array {
    const { images } = this.#data;
    const size = this.#rowSize;
    const augmenter = plain ? this.#plain : this.#augmenter;
    const rows = new Float32Array(places.length * size);
    places.forEach((place, row) => {
      augmenter.into(rows, row * size, images, place, imageSeed(this.#options.seed, epoch, place));
    });
    return rows;
  }

  /** Rows [places.length, classes]. */
  answers(places: Uint32Array): Float32Array {
    const { classes, labelSmoothing: smoothing, classWeights } = this.#options;
    const rows = new Float32Array(places.length * classes);
    writeLabels(rows, this.#data.labels, places, {
      classes,
      smoothing,
      ...(classWeights && { classWeights }),
    });
    return rows;
  }
}
