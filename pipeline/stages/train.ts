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

/** The last one is what counts; one more, should it be damaged. */
const CHECKPOINTS_KEPT = 2;

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
    async run({ inputs: { data }, scratch, progress, note, signal }) {
      // TensorFlow.js takes half a second to load: only where it is used.
      const { startEngine } = await import('../../train/engine.ts');
      const { Checkpoints } = await import('../../train/checkpoint.ts');
      const { fit, validationSplit } = await import('../../train/fit.ts');
      const { buildModel } = await import('../../train/model/presets.ts');
      const { saveModel } = await import('../../train/model/file.ts');

      const engine = await startEngine(options.device);
      note(`training on ${engine.line}`);
      if (options.threads !== 'auto' && engine.name !== 'cpu') note('--threads is for the cpu: left out');
      const classes = data.values.classes.length;
      const labels = await data.read('train-labels');
      const images = { images: await data.read('train-images'), labels, count: labels.length };
      const built = buildModel({ preset: options.preset, classes, seed: options.seed });
      const checkpoints = new Checkpoints(scratch, {
        keep: CHECKPOINTS_KEPT,
        onSkipped: (path, reason) => note(`passed over the checkpoint ${path}: ${reason}`),
      });

      const { history, epoch, threads } = await fit(built, images, {
        ...options,
        device: engine.name,
        classes,
        checkpoints,
        signal,
        onResume: (after) => note(`going on after epoch ${after} of a training that was interrupted`),
        onStep: ({ epoch, imagesDone, imagesInAll, loss, accuracy }) =>
          progress({
            done: imagesDone,
            total: imagesInAll,
            unit: 'images',
            text: `epoch ${epoch}/${options.epochs}`,
            metrics: { loss, accuracy },
          }),
      });

      const { json, weights } = await saveModel(built.model);
      const split = validationSplit(images.count);
      const kept = history[epoch - 1];
      return {
        values: {
          engine: engine.line,
          weights: built.model.countParams(),
          trainImages: split.train.length,
          validationImages: split.validation.length,
          epochs: history.map(({ seconds: _seconds, imagesPerSecond: _rate, ...figures }) => figures),
        },
        measured: history.map(({ seconds, imagesPerSecond }) => ({ seconds, imagesPerSecond })),
        files: { [files.layersModel]: json, [files.layersWeights]: weights },
        summary: `${options.preset}, ${history.length} epochs; ${threads} ${threads === 1 ? 'thread' : 'threads'}; validation accuracy ${percent(kept?.validationAccuracy ?? 0)}${epoch < history.length ? `, of epoch ${epoch}` : ''}`,
      };
    },
  });
}

export type TrainStage = ReturnType<typeof trainStage>;

function percent(share: number): string {
  return `${(share * 100).toFixed(2)} %`;
}
