import { Augmenter, imageSeed } from '../data/augment.ts';
import { writeLabels } from '../data/labels.ts';
import { pixelsOf, type RowOptions, type SharedImages } from './plan.ts';

/** Makes rows of input and wanted answers from images: moved about at random where that is asked for. */
export class RowMaker {
  readonly #data: SharedImages;
  readonly #options: RowOptions;
  readonly #augmenter: Augmenter;
  readonly #rowSize: number;

  constructor(data: SharedImages, options: RowOptions) {
    this.#data = data;
    this.#options = options;
    this.#rowSize = pixelsOf(data);
    this.#augmenter = new Augmenter(options.augmentation, Math.sqrt(this.#rowSize));
  }

  /** Rows [places.length, pixels] in [0,1]. An image looks different in each epoch, and the same for the same seed. */
  inputs(places: Uint32Array, epoch: number): Float32Array {
    const { images } = this.#data;
    const size = this.#rowSize;
    const rows = new Float32Array(places.length * size);
    places.forEach((place, row) => {
      this.#augmenter.into(rows, row * size, images, place, imageSeed(this.#options.seed, epoch, place));
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
