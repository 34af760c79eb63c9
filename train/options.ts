/** What a training run is asked for. Light to load: the command line reads it before any of the engine is there. */
import { UsageError } from '../cli/errors.ts';
import type { augmentations } from './data/augment.ts';
import type { Device } from './device/devices.ts';
import type { Schedule } from './schedule.ts';

export const presets = ['fast', 'default', 'accurate', 'seed', 'mnist-node'] as const;
/** A network of `model/presets.ts`, and how it is trained if nothing else is asked for. */
export type Preset = (typeof presets)[number];

/** How a network learns. A preset has a value for each. */
export interface Hyperparameters {
  readonly epochs: number;
  /** Images in a step; several are spread evenly over the epochs. */
  readonly batchSizes: readonly number[];
  readonly schedule: Schedule;
  /** The schedule's highest. */
  readonly learningRate: number;
  readonly augment: keyof typeof augmentations;
  /**
   * The last epochs, which learn from the images as they are: those that a model is asked about have not been moved.
   */
  readonly plainEpochs: number;
  /** The share of the wanted answer that is spread evenly over all classes. */
  readonly labelSmoothing: number;
  /** `balanced` lets rare classes count for more. */
  readonly classWeights: 'none' | 'balanced';
  /** The longest that the gradient of all weights together may be; 0 lets it be. */
  readonly clipNorm: number;
  /** The decay of a running average of the weights, which then is the result; 0 takes the last weights. */
  readonly averaging: number;
  /** Epochs without a better validation accuracy after which training ends with the best weights; 0 never ends it. */
  readonly patience: number;
}

export interface TrainOptions extends Hyperparameters {
  readonly preset: Preset;
  /** Draws the first weights, the order of the batches, what is dropped and how images are moved. */
  readonly seed: number;
  readonly device: Device;
  /** Threads that share each batch on the CPU; `auto` is one for each core, as far as a batch keeps them busy. */
  readonly threads: number | 'auto';
}

const plain: Hyperparameters = {
  epochs: 4,
  batchSizes: [128],
  schedule: 'one-cycle',
  learningRate: 0.003, // in a few epochs better than 0.002, and as steady
  augment: 'none',
  plainEpochs: 0,
  labelSmoothing: 0,
  classWeights: 'none',
  clipNorm: 0,
  averaging: 0,
  patience: 0,
};

export const hyperparameters: Readonly<Record<Preset, Hyperparameters>> = {
  fast: { ...plain, epochs: 2, batchSizes: [64, 128], learningRate: 0.004 },
  default: { ...plain, epochs: 8, augment: 'light', plainEpochs: 2, averaging: 0.999 },
  accurate: { ...plain, epochs: 20, augment: 'full', plainEpochs: 4, averaging: 0.999 },
  seed: plain,
  'mnist-node': plain,
};

export const trainDefaults = { preset: 'default', seed: 42, device: 'auto', threads: 'auto' } as const;

type Chosen = { readonly [Name in keyof Hyperparameters]?: Hyperparameters[Name] | undefined };

/**
 * The preset's values with those of `chosen` in their place; where there are other epochs, as large a part is plain.
 * @throws UsageError for what does not go together.
 */
export function trainOptions(chosen: Chosen & Omit<TrainOptions, keyof Hyperparameters>): TrainOptions {
  const { device, threads } = chosen;
  if (threads !== 'auto' && device !== 'auto' && device !== 'cpu') {
    throw new UsageError(
      `--threads ${threads} is for --device cpu, got --device ${device}, which one thread keeps busy: leave one of the two out.`,
    );
  }
  const preset = hyperparameters[chosen.preset];
  const plainEpochs = Math.floor((preset.plainEpochs * (chosen.epochs ?? preset.epochs)) / preset.epochs);
  const given = Object.fromEntries(Object.entries(chosen).filter(([, value]) => value !== undefined));
  return { ...preset, plainEpochs, ...given } as TrainOptions;
}

/** A line on each preset, for people. */
export function presetTable(): string {
  return presets
    .map((preset) => {
      const { epochs, batchSizes, learningRate, augment, plainEpochs, averaging } = hyperparameters[preset];
      const more = [
        augment === 'none' ? '' : `augment ${augment}`,
        plainEpochs === 0 ? '' : `plain epochs ${plainEpochs}`,
        averaging > 0 ? `averaging ${averaging}` : '',
      ];
      const line = [`${epochs} epochs`, `batch size ${batchSizes}`, `learning rate ${learningRate}`, ...more];
      return `  ${preset.padEnd(12)}${line.filter(Boolean).join(', ')}\n`;
    })
    .join('');
}
