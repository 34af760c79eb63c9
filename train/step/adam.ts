import {
  add,
  concat,
  div,
  minimum,
  mul,
  reshape,
  scalar,
  slice,
  sqrt,
  square,
  sub,
  sum,
  type Tensor,
  tensor1d,
  type Variable,
  variable,
  zeros,
} from '@tensorflow/tfjs-core';

const BETA1 = 0.9;
const BETA2 = 0.999;
const EPSILON = 1e-7;

export interface AdamOptions {
  /** The largest length of the gradient of all weights together; a longer one is scaled down to it. */
  readonly clipNorm?: number | undefined;
}

/**
 * Adam (Kingma and Ba, "Adam: A Method for Stochastic Optimization", arXiv:1412.6980) with the constants and the
 * place of epsilon that TensorFlow.js has. All that changes from step to step is in tensors, so that a step can be
 * recorded once and run again and again.
 */
export class Adam {
  /** Moments of each weight, by name, each without its factor (1 - beta), and the powers of the two betas. */
  readonly state: ReadonlyMap<string, Variable>;
  readonly #weights: ReadonlyMap<string, Variable>;
  readonly #options: AdamOptions;
  readonly #powers: Variable;

  constructor(weights: ReadonlyMap<string, Variable>, options: AdamOptions = {}) {
    this.#weights = weights;
    this.#options = options;
    this.#powers = variable(tensor1d([BETA1, BETA2]), false);
    this.state = new Map([
      ['adam/powers', this.#powers],
      ...[...weights].flatMap(([name, { shape }]): [string, Variable][] => [
        [`adam/first/${name}`, variable(zeros(shape), false)],
        [`adam/second/${name}`, variable(zeros(shape), false)],
      ]),
    ]);
  }

  /** Moves each weight against its gradient; `gradients` are in the order of the weights. Call it in a tidy. */
  apply(gradients: readonly Tensor[], learningRate: Tensor): void {
    const clipped = this.#clipped(gradients);
    // With first = (1 - BETA1) a and second = (1 - BETA2) b, a and b kept: three passes over each weight less.
    const [correction1, correction2] = [0, 1].map((i) => sub(1, reshape(slice(this.#powers, i, 1), []))) as [
      Tensor,
      Tensor,
    ];
    const scale = sqrt(div(1 - BETA2, correction2));
    const rate = div(mul(learningRate, 1 - BETA1), mul(correction1, scale));
    const epsilon = div(EPSILON, scale);
    let place = 0;
    for (const [name, weight] of this.#weights) {
      const gradient = clipped[place] as Tensor;
      place += 1;
      const first = this.#moment('first', name);
      const second = this.#moment('second', name);
      first.assign(add(mul(first, BETA1), gradient));
      second.assign(add(mul(second, BETA2), square(gradient)));
      weight.assign(sub(weight, mul(rate, div(first, add(sqrt(second), epsilon)))));
    }
    this.#powers.assign(mul(this.#powers, tensor1d([BETA1, BETA2])));
  }

  dispose(): void {
    for (const moment of this.state.values()) moment.dispose();
  }

  #moment(which: 'first' | 'second', name: string): Variable {
    const found = this.state.get(`adam/${which}/${name}`);
    if (found === undefined) throw new Error(`no moments are kept of ${name}`);
    return found;
  }

  #clipped(gradients: readonly Tensor[]): readonly Tensor[] {
    const { clipNorm } = this.#options;
    if (clipNorm === undefined) return gradients;
    const squares = concat(gradients.map((gradient) => reshape(sum(square(gradient)), [1])));
    const factor = minimum(scalar(1), div(clipNorm, add(sqrt(sum(squares)), EPSILON)));
    return gradients.map((gradient) => mul(gradient, factor));
  }
}
