import { io } from '@tensorflow/tfjs-core';
import { type LayersModel, loadLayersModel } from '@tensorflow/tfjs-layers';
import { z } from 'zod';

/** A model in TensorFlow.js's layers format: `model.json` and the weights beside it. */
export interface LayersFile {
  readonly json: Uint8Array;
  readonly weights: Uint8Array;
}

/** What is read back of a `model.json`; the topology and the weights' specifications are TensorFlow.js's to check. */
const modelJsonSchema = z.object({
  modelTopology: z.custom<object>((value) => typeof value === 'object' && value !== null),
  weightsManifest: z
    .array(
      z.object({ weights: z.array(z.custom<io.WeightsManifestEntry>((value) => typeof value === 'object')) }),
    )
    .length(1),
});

export async function saveModel(model: LayersModel): Promise<LayersFile> {
  const saved: LayersFile[] = [];
  await model.save(
    io.withSaveHandler(async ({ modelTopology, weightSpecs, weightData, format, generatedBy }) => {
      const weightsManifest = [{ paths: ['weights.bin'], weights: weightSpecs }];
      const json = JSON.stringify({ format, generatedBy, convertedBy: null, modelTopology, weightsManifest });
      saved.push({
        json: Buffer.from(json),
        weights: new Uint8Array(io.concatenateArrayBuffers([weightData ?? []].flat())),
      });
      return { modelArtifactsInfo: { dateSaved: new Date(), modelTopologyType: 'JSON' } };
    }),
  );
  const [file] = saved;
  if (file === undefined) throw new Error('TensorFlow.js saved no model');
  return file;
}

/** @throws when the bytes are not a layers model. */
export async function loadModel({ json, weights }: LayersFile): Promise<LayersModel> {
  const { modelTopology, weightsManifest } = modelJsonSchema.parse(
    JSON.parse(Buffer.from(json).toString('utf8')),
  );
  return loadLayersModel(
    io.fromMemory({
      modelTopology,
      weightSpecs: weightsManifest.flatMap((group) => group.weights),
      weightData: weights.buffer.slice(
        weights.byteOffset,
        weights.byteOffset + weights.byteLength,
      ) as ArrayBuffer,
    }),
  );
}
