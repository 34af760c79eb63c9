import {
  add,
  argMax,
  cast,
  dispose,
  equal,
  keep,
  mean,
  mul,
  type NamedTensorMap,
  type Scalar,
  stack,
  sub,
  type Tensor,
  tensor,
  tidy,
  Variable,
  variable,
  variableGrads,
} from '@tensorflow/tfjs-core';
import { type LayersModel, metrics } from '@tensorflow/tfjs-layers';
import { answerOf } from '../model/answer.ts';
import { Adam, type AdamOptions } from './adam.ts';
import type { StateValue, StateValues } from './messages.ts';

export interface LearnerOptions extends AdamOptions {
  /** Keep an average of the weights beside them. */
  readonly averaging: boolean;
}

/** What `Learner.gradients` is about to learn from. */
export interface Shard {
  /** Rows [rows, ...]. */
  readonly x: Tensor;
  /** Wanted answers [rows, classes]. */
  readonly y: Tensor;
  /** A scalar: of the whole batch, the share that these rows are. */
  readonly share: Tensor;
}

/** What a shard would change, by name. */
export type Changes = NamedTensorMap & {
  /** [loss, accuracy] */
  readonly figures: Tensor;
};

/**
 * The mathematics of a training step in two halves: each shard of a batch says what it would change (`gradients`), and
 * the sum of that over the shards moves the weights (`update`). They are plain TensorFlow.js: they can be run as they
 * are, or be recorded once and replayed in several threads.
 */
export class Learner {
  /** All that a step starts from and changes, by name: the weights, the optimizer's moments, the averages. */
  readonly state: ReadonlyMap<string, Variable>;
  readonly #model: LayersModel;
  readonly #trainable: ReadonlyMap<string, Variable>;
  readonly #others: ReadonlyMap<string, Variable>;
  /** All of them. */
  readonly #weights: ReadonlyMap<string, Variable>;
  readonly #averages: ReadonlyMap<string, Variable>;
  readonly #adam: Adam;

  constructor(model: LayersModel, options: LearnerOptions) {
    this.#model = model;
    this.#trainable = variablesOf(model.trainableWeights);
    this.#others = variablesOf(model.nonTrainableWeights);
    this.#weights = new Map([...this.#trainable, ...this.#others]);
    this.#adam = new Adam(this.#trainable, options);
    this.#averages = new Map(
      options.averaging
        ? [...this.#weights].map(([name, weight]) => [name, variable(weight.clone(), false)])
        : [],
    );
    this.state = new Map([
      ...this.#weights,
      ...this.#adam.state,
      ...[...this.#averages].map(([name, average]): [string, Variable] => [`average/${name}`, average]),
    ]);
  }

  /**
   * The shard's gradients, the weights as its forward pass would have them, and as `figures` its mean loss and its
   * accuracy, all times the shard's share: they sum up over the shards of a batch. The state stays as it is.
   */
  gradients({ x, y, share }: Shard): Changes {
    return tidy(() => {
      const before = new Map([...this.#others].map(([name, weight]) => [name, weight.clone()]));
      let accuracy: Tensor | undefined;
      const { value, grads } = variableGrads(() => {
        const answer = answerOf(this.#model, x, { training: true });
        accuracy = keep(mean(cast(equal(argMax(y, -1), argMax(answer, -1)), 'float32')));
        const losses = [mean(metrics.categoricalCrossentropy(y, answer)), ...this.#model.calculateLosses()];
        return mul(losses.reduce((sum, loss) => add(sum, loss)) as Scalar, share);
      }, [...this.#trainable.values()]);
      const gradients = [...this.#trainable].map(([name, weight]): [string, Tensor] => [
        gradientOf(name),
        grads[weight.name] as Tensor,
      ]);
      const moved = [...this.#others]
        .filter(([name, { dataId }]) => before.get(name)?.dataId !== dataId)
        .map(([name, weight]): [string, Tensor] => [movedOf(name), mul(weight, share)]);
      for (const [name, weight] of this.#others) weight.assign(before.get(name) as Tensor);
      const figures = stack([value, mul(accuracy as unknown as Tensor, share)]);
      dispose(accuracy as unknown as Tensor);
      return { ...Object.fromEntries([...gradients, ...moved]), figures };
    });
  }

  /** Moves the state by the sums over a batch's shards of what `gradients` gave. */
  update(sums: NamedTensorMap, learningRate: Tensor, averagingRate: Tensor): void {
    tidy(() => {
      for (const [name, weight] of this.#others) {
        const moved = sums[movedOf(name)];
        if (moved !== undefined) weight.assign(moved);
      }
      const gradients = [...this.#trainable.keys()].map((name) => sums[gradientOf(name)] as Tensor);
      this.#adam.apply(gradients, learningRate);
      for (const [name, average] of this.#averages) {
        const weight = this.#weights.get(name) as Variable;
        average.assign(add(average, mul(sub(weight, average), averagingRate)));
      }
    });
  }

  /** The state's values. */
  async read(): Promise<StateValues> {
    const values = [...this.state].map(async ([name, variable]): Promise<[string, StateValue]> => {
      const data = (await variable.data()) as Float32Array;
      return [name, { dtype: 'float32', shape: variable.shape, data: data.slice() }];
    });
    return new Map(await Promise.all(values));
  }

  /** @throws when `values` are of another model or another way of training */
  write(values: StateValues): void {
    for (const [name, variable] of this.state) {
      const value = values.get(name);
      if (value === undefined || String(value.shape) !== String(variable.shape)) {
        throw new Error(`the state to go on from has no "${name}" of shape [${variable.shape}]`);
      }
      tidy(() => variable.assign(tensor(value.data, [...value.shape], value.dtype)));
    }
  }

  /** Puts the averages in the weights' place. */
  takeAverages(): void {
    for (const [name, average] of this.#averages) this.#weights.get(name)?.assign(average.clone());
  }

  dispose(): void {
    this.#adam.dispose();
    for (const average of this.#averages.values()) average.dispose();
  }
}

function gradientOf(weight: string): string {
  return `gradient/${weight}`;
}

/** Of a weight that the forward pass itself changes, such as the moving averages of batch normalization. */
function movedOf(weight: string): string {
  return `moved/${weight}`;
}

function variablesOf(weights: LayersModel['weights']): ReadonlyMap<string, Variable> {
  return new Map(
    weights.map((weight): [string, Variable] => {
      const value = weight.read();
      if (!(value instanceof Variable)) throw new Error(`the weight ${weight.originalName} is no variable`);
      return [weight.originalName, value];
    }),
  );
}
