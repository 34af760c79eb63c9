import { z } from 'zod';
import { files } from '../../registry/manifest.ts';
import type { Device } from '../../train/device/devices.ts';
import { defineStage } from '../engine/stage.ts';
import type { DataStage } from './data.ts';
import type { TrainStage } from './train.ts';

const outputSchema = z.strictObject({
  images: z.int(),
  accuracy: z.number(),
  loss: z.number(),
  ece: z.number(),
});

/** The test set's probabilities as the trained model gave them: float32, [images, classes]. */
export const PROBABILITIES = 'probabilities.f32';

/** Answers the whole test set with the trained model and measures the answers. */
export function evaluateStage(
  needs: { data: DataStage; train: TrainStage },
  options: { readonly device: Device },
) {
  return defineStage({
    name: 'evaluate',
    code: import.meta.url,
    needs,
    parameters: { ...options },
    output: outputSchema,
    async run({ inputs: { data, train }, progress }) {
      const { startEngine } = await import('../../train/engine.ts');
      const { evaluate } = await import('../../train/evaluate.ts');
      const { loadModel } = await import('../../train/model/file.ts');
      const { allOf, answersOf, predict } = await import('../../train/predict.ts');

      await startEngine(options.device);
      const model = await loadModel({
        json: await train.read(files.layersModel),
        weights: await train.read(files.layersWeights),
      });
      const [images, labels] = [await data.read('test-images'), await data.read('test-labels')];
      const total = labels.length;
      const probabilities = await predict(model, images, allOf(total), (done) =>
        progress({ done, total, unit: 'images' }),
      );
      const { classes } = data.values;
      const evaluation = evaluate(probabilities, { images, labels, classes });
      const correct = answersOf(probabilities, classes.length).map((answer, i) =>
        Number(answer === labels[i]),
      );

      const { accuracy, loss, ece } = evaluation;
      return {
        values: { images: total, accuracy, loss, ece },
        files: {
          [files.evaluation]: Buffer.from(JSON.stringify(evaluation)),
          [files.correct]: correct,
          [PROBABILITIES]: new Uint8Array(probabilities.buffer),
        },
        summary: `accuracy ${(accuracy * 100).toFixed(2)} % on ${total.toLocaleString('en')} test images, ${total - Math.round(accuracy * total)} wrong`,
      };
    },
  });
}

export type EvaluateStage = ReturnType<typeof evaluateStage>;
