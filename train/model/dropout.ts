import {
  cast,
  div,
  dropout,
  getBackend,
  getKernel,
  greaterEqual,
  mul,
  type Tensor,
  tidy,
  type Variable,
} from '@tensorflow/tfjs-core';
import { layers } from '@tensorflow/tfjs-layers';
import { STATELESS_UNIFORM, statelessUniform } from '../backend/kernels/stateless-uniform.ts';

interface SeededDropoutConfig {
  readonly name: string;
  readonly rate: number;
  readonly seed: number;
  /** An int32 vector: the step, and the number of the batch's first row. */
  readonly draw: Variable;
}

/**
 * Dropout whose mask depends on the seed, the step and the row alone: the same training drops the same units, also
 * when it goes on after an interruption or is cut into shards. TensorFlow.js's own layer, given a seed, drops the very
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
    if (getKernel(STATELESS_UNIFORM, getBackend()) === undefined) {
      return dropout(x, rate, undefined, `${seed}/${draw.dataSync().join('/')}`); // the mask is drawn in JavaScript
    }
    const kept = cast(greaterEqual(statelessUniform(x.shape, seed, draw), rate), 'float32');
    return mul(div(x, 1 - rate), kept);
  }
}
