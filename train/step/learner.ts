import {
  add,
  argMax,
  cast,
  concat,
  dispose,
  equal,
  keep,
  mean,
  mul,
  reshape,
  type Scalar,
  slice,
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

/**
 * The mathematics of a training step in two halves: each shard of a batch gives one flat vector (`gradients`), and
 * the sum of the shards' vectors moves the weights (`update`). They are plain TensorFlow.js: they can be run as they
 * are, or be recorded once and replayed in several threads.
 */
export class Learner {
  /** All that a step starts from and changes, by name: the weights, the optimizer's moments, the averages. */
  readonly state: ReadonlyMap<string, Variable>;
  readonly #model: LayersModel;
  readonly #trainable: ReadonlyMap<string, Variable>;
  readonly #others: ReadonlyMap<string, Variable>;
  readonly #averages: ReadonlyMap<string, Variable>;
  readonly #adam: Adam;
  /** Weights that the forward pass itself changes, such as the moving averages of batch normalization. */
  #moving: readonly string[] = [];

  constructor(model: LayersModel, options: LearnerOptions) {
    this.#model = model;
    this.#trainable = variablesOf(model.trainableWeights);
    this.#others = variablesOf(model.nonTrainableWeights);
    this.#adam = new Adam(this.#trainable, options);
    this.#averages = new Map(
      options.averaging
        ? [...this.#trainable].map(([name, weight]) => [name, variable(weight.clone(), false)])
        : [],
    );
    this.state = new Map([
      ...this.#trainable,
      ...this.#others,
      ...this.#adam.state,
      ...[...this.#averages].map(([name, average]): [string, Variable] => [`average/${name}`, average]),
    ]);
  }

  /**
   * The shard's gradients, the weights that its forward pass changed, its mean loss and its accuracy, one after the
   * other, all times the shard's share: a vector that sums up over the shards of a batch.
   */
  gradients({ x, y, share }: Shard): Tensor {
    return tidy(() => {
      const before = new Map([...this.#others].map(([name, weight]) => [name, weight.dataId]));
      let right: Tensor | undefined;
      const { value, grads } = variableGrads(() => {
        const answer = answerOf(this.#model, x, { training: true });
        right = keep(mean(cast(equal(argMax(y, -1), argMax(answer, -1)), 'float32')));
        const losses = [mean(metrics.categoricalCrossentropy(y, answer)), ...this.#model.calculateLosses()];
        return losses.reduce((sum, loss) => add(sum, loss)) as Scalar;
      }, [...this.#trainable.values()]);
      this.#moving = [...this.#others]
        .filter(([name, { dataId }]) => before.get(name) !== dataId)
        .map(([name]) => name);
      const parts = [
        ...[...this.#trainable.values()].map(({ name }) => grads[name] as Tensor),
        ...this.#moving.map((name) => this.#others.get(name) as Tensor),
        value,
        right as unknown as Tensor,
      ];
      const vector = mul(concat(parts.map((part) => reshape(part, [-1]))), share);
      dispose(right as unknown as Tensor);
      return vector;
    });
  }

  /**
   * Applies the sum of the shards' vectors. Gives [loss, accuracy] of the batch, as they were before it. What is in the
   * vector is known from `gradients`, which comes first.
   */
  update(total: Tensor, learningRate: Tensor, averagingRate: Tensor): Tensor {
    return tidy(() => {
      let at = 0;
      const next = (shape: readonly number[]) => {
        const size = shape.reduce((product, length) => product * length, 1);
        at += size;
        return reshape(slice(total, at - size, size), [...shape]);
      };
      const gradients = [...this.#trainable.values()].map(({ shape }) => next(shape));
      for (const name of this.#moving) {
        const weight = this.#others.get(name) as Variable;
        weight.assign(next(weight.shape));
      }
      const figures = next([2]);
      this.#adam.apply(gradients, learningRate);
      for (const [name, average] of this.#averages) {
        const weight = this.#trainable.get(name) as Variable;
        average.assign(add(average, mul(sub(weight, average), averagingRate)));
      }
      return figures;
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
    for (const [name, average] of this.#averages) this.#trainable.get(name)?.assign(average.clone());
  }

  dispose(): void {
    this.#adam.dispose();
    for (const average of this.#averages.values()) average.dispose();
  }
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
