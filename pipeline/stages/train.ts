import { z } from 'zod';
import { files } from '../../registry/manifest.ts';
import type { TrainOptions } from '../../train/options.ts';
import { epochFiguresSchema, epochTimeSchema } from '../../train/records.ts';
import { defineStage } from '../engine/stage.ts';
import type { DataStage } from './data.ts';

const outputSchema = z.strictObject({
  /** What it was trained on, for people. */
  engine: z.string(),
  weights: z.int(),
  trainImages: z.int(),
  validationImages: z.int(),
  epochs: z.array(epochFiguresSchema).min(1),
});

/** Beside the output, so that training the same model again, slower, gives the same output. */
export const trainTimesSchema = z.array(epochTimeSchema);

/** Trains the network of the preset on the training images; its files are the model in the layers format. */
export function trainStage(needs: { data: DataStage }, options: TrainOptions) {
  return defineStage({
    name: 'train',
    code: import.meta.url,
    needs,
    parameters: { ...options },
    output: outputSchema,
    async run({ inputs: { data }, progress, note, signal }) {
      // TensorFlow.js takes half a second to load: only where it is used.
      const { startEngine } = await import('../../train/engine.ts');
      const { fit, validationSplit } = await import('../../train/fit.ts');
      const { buildModel } = await import('../../train/model/presets.ts');
      const { saveModel } = await import('../../train/model/file.ts');

      const engine = await startEngine(options.engine);
      note(`training on ${engine}`);
      const classes = data.values.classes.length;
      const labels = await data.read('train-labels');
      const images = { images: await data.read('train-images'), labels, count: labels.length };
      const model = buildModel({ preset: options.preset, classes, seed: options.seed });

      const epochs = await fit(model, images, {
        ...options,
        classes,
        signal,
        onStep: ({ epoch, imagesDone, imagesInAll, loss, accuracy }) =>
          progress({
            done: imagesDone,
            total: imagesInAll,
            unit: 'images',
            text: `epoch ${epoch}/${options.epochs}`,
            metrics: { loss, accuracy },
          }),
      });

      const { json, weights } = await saveModel(model);
      const split = validationSplit(images.count);
      const last = epochs.at(-1);
      return {
        values: {
          engine,
          weights: model.countParams(),
          trainImages: split.train.length,
          validationImages: split.validation.length,
          epochs: epochs.map(({ seconds: _seconds, imagesPerSecond: _rate, ...epoch }) => epoch),
        },
        measured: epochs.map(({ seconds, imagesPerSecond }) => ({ seconds, imagesPerSecond })),
        files: { [files.layersModel]: json, [files.layersWeights]: weights },
        summary: `${options.preset}, ${epochs.length} epochs; validation accuracy ${percent(last?.validationAccuracy ?? 0)}`,
      };
    },
  });
}

export type TrainStage = ReturnType<typeof trainStage>;

function percent(share: number): string {
  return `${(share * 100).toFixed(2)} %`;
}
