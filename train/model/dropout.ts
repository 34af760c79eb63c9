import { dropout, getBackend, getKernel, mul, type Tensor, tidy, type Variable } from '@tensorflow/tfjs-core';
import { layers } from '@tensorflow/tfjs-layers';
import { DROPOUT_MASK, dropoutMask } from '../backend/kernels/dropout-mask.ts';

interface SeededDropoutConfig {
  readonly name: string;
  readonly rate: number;
  readonly seed: number;
  /** An int32 vector: the step, and where in the batch the rows begin. */
  readonly draw: Variable;
}

/**
 * Dropout whose mask depends on the seed, the step and the part of the batch alone: the same training drops the
 * same units, also when it goes on after an interruption. TensorFlow.js's own layer, given a seed, drops the very
 * same units at every step; without one, it differs from run to run. It is saved as the standard layer `Dropout`, so
 * that the saved model opens anywhere.
 */
export class SeededDropout extends layers.Layer {
  static className = 'Dropout';
  readonly #config: SeededDropoutConfig;

  constructor(config: SeededDropoutConfig) {
    super({ name: config.name });
    this.#config = config;
  }

  override call(inputs: Tensor | Tensor[], { training }: { training?: boolean } = {}): Tensor {
    const x = Array.isArray(inputs) ? inputs[0] : inputs;
    if (x === undefined) throw new Error(`layer ${this.name} was called without an input`);
    return training === true ? tidy(() => this.#dropped(x)) : x.clone();
  }

  override getConfig() {
    return { ...super.getConfig(), rate: this.#config.rate };
  }

  #dropped(x: Tensor): Tensor {
    const { rate, seed, draw } = this.#config;
    if (getKernel(DROPOUT_MASK, getBackend()) !== undefined)
      return mul(x, dropoutMask(x.shape, rate, seed, draw));
    return dropout(x, rate, undefined, `${seed}/${draw.dataSync().join('/')}`); // drawn in JavaScript
  }
}
