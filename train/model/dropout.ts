import { dropout, type Tensor, tidy } from '@tensorflow/tfjs-core';
import { layers } from '@tensorflow/tfjs-layers';

interface SeededDropoutConfig {
  readonly name: string;
  readonly rate: number;
  readonly seed: number;
}

/**
 * Dropout that draws a new mask at each step and the same ones for the same seed. TensorFlow.js's own layer, given
 * a seed, drops the very same units at every step; without one, it differs from run to run. It is saved as the
 * standard layer `Dropout`, so that the saved model opens anywhere.
 */
export class SeededDropout extends layers.Layer {
  static className = 'Dropout';
  readonly #rate: number;
  readonly #seed: number;
  #step = 0;

  constructor({ name, rate, seed }: SeededDropoutConfig) {
    super({ name });
    this.#rate = rate;
    this.#seed = seed;
  }

  override call(inputs: Tensor | Tensor[], { training }: { training?: boolean } = {}): Tensor {
    const x = Array.isArray(inputs) ? inputs[0] : inputs;
    if (x === undefined) throw new Error(`layer ${this.name} was called without an input`);
    if (training !== true) return x.clone();
    this.#step += 1;
    return tidy(() => dropout(x, this.#rate, undefined, `${this.#seed}/${this.#step}`));
  }

  override getConfig() {
    return { ...super.getConfig(), rate: this.#rate };
  }
}
