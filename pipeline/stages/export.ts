import { z } from 'zod';
import { contractCheckSchema, files, paritySchema } from '../../registry/manifest.ts';
import { signatureSchema } from '../../registry/signature.ts';
import { defineStage } from '../engine/stage.ts';
import type { DataStage } from './data.ts';
import { type EvaluateStage, PROBABILITIES } from './evaluate.ts';
import type { TrainStage } from './train.ts';

const outputSchema = z.strictObject({
  signature: signatureSchema,
  parity: paritySchema,
  contract: contractCheckSchema,
});

/** Writes the model as ONNX with its contract, and proves on the test set that it answers as the trained model did. */
export function exportStage(needs: { data: DataStage; train: TrainStage; evaluate: EvaluateStage }) {
  return defineStage({
    name: 'export',
    code: import.meta.url,
    needs,
    parameters: {},
    output: outputSchema,
    async run({ inputs: { data, train, evaluate } }) {
      const { contractCheckOf, contractOf, ExportedModel, parityOf, signatureOf, toOnnx } = await import(
        '../../train/export.ts'
      );
      const classes = data.values.classes.length;
      const onnx = await toOnnx({
        json: await train.read(files.layersModel),
        weights: await train.read(files.layersWeights),
      });
      const contract = contractOf(classes);
      const bytes = await evaluate.read(PROBABILITIES);
      const probabilities = new Float32Array(bytes.slice().buffer);

      const exported = await ExportedModel.open(onnx);
      const parity = await parityOf(exported, await data.read('test-images'), probabilities, classes);
      const check = await contractCheckOf(exported, contract);
      await exported.close();

      return {
        values: { signature: signatureOf(classes), parity, contract: check },
        files: {
          [files.model]: onnx,
          [files.contract]: Buffer.from(`${JSON.stringify(contract, null, 2)}\n`),
        },
        summary: `ONNX, ${(onnx.length / 1e6).toFixed(2)} MB; largest difference to the trained model ${parity.largestDifference.toExponential(1)}`,
      };
    },
  });
}

export type ExportStage = ReturnType<typeof exportStage>;
