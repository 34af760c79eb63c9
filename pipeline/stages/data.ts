import { z } from 'zod';
import { digestOf, digestSchema } from '../../registry/digest.ts';
import { type DatasetName, datasets } from '../../train/data/datasets.ts';
import { defaultCacheFolder } from '../../train/data/download.ts';
import { loadDataset, type Split, syntheticName } from '../../train/data/load.ts';
import { findSource, isDownloaded, type Source } from '../../train/data/source.ts';
import { validate } from '../../train/data/validate.ts';
import { defineStage } from '../engine/stage.ts';

const figuresSchema = z.strictObject({
  count: z.int(),
  perClass: z.array(z.int()).readonly(),
  imbalance: z.number(),
  pixels: z.strictObject({ min: z.number(), max: z.number(), mean: z.number(), std: z.number() }),
  blank: z.int(),
  duplicates: z.int(),
});

const outputSchema = z.strictObject({
  name: z.string(),
  title: z.string(),
  synthetic: z.boolean(),
  classes: z.array(z.string()),
  /** The model that is trained on this data, and the least accuracy that it may go live with. */
  model: z.string(),
  accuracyFloor: z.number(),
  trainDigest: digestSchema,
  testDigest: digestSchema,
  validation: z.strictObject({
    train: figuresSchema,
    test: figuresSchema,
    duplicatesAcross: z.int(),
    problems: z.array(z.string()).readonly(),
  }),
});

/** The synthetic digits are one fixed data set, whatever seed a model is trained with. */
const SYNTHETIC_SEED = 1;

export interface DataOptions {
  /** Undefined: MNIST, or synthetic digits where it can't be had. */
  readonly dataset: DatasetName | 'synthetic' | undefined;
  readonly directory: string | undefined;
}

/** Gets the data, checks it byte for byte, and measures it. Its files are the images and labels, uncompressed. */
export function dataStage({ dataset, directory }: DataOptions) {
  const cache = defaultCacheFolder();
  let source: Source | undefined; // where the files lie is no part of what they are

  return defineStage({
    name: 'data',
    code: import.meta.url,
    needs: {},
    parameters: async ({ progress, note, signal, dryRun }) => {
      const name = dataset ?? 'mnist';
      if (dryRun && directory === undefined && name !== 'synthetic' && !(await isDownloaded(name, cache))) {
        note(`${datasets[name].title} would be downloaded first`);
        return { dataset: name, digests: null };
      }
      source = await findSource({
        dataset,
        directory,
        cache,
        report: ({ file, receivedBytes, totalBytes }) =>
          progress({ done: receivedBytes, total: totalBytes ?? receivedBytes, unit: 'bytes', text: file }),
        note,
        signal,
      });
      return source.kind === 'synthetic'
        ? { dataset: syntheticName, digests: null }
        : { dataset: source.dataset, digests: source.digests };
    },
    output: outputSchema,
    async run({ progress, note }) {
      if (source === undefined) throw new Error('the data stage was run before its source was found');
      const unit = source.kind === 'files' ? 'files' : 'images';
      const data = await loadDataset(source, {
        seed: SYNTHETIC_SEED,
        onProgress: ({ done, total }) => progress({ done, total, unit }),
        note,
      });
      const validation = validate(data);
      for (const problem of validation.problems) note(problem);
      const entry = datasets[data.name === syntheticName ? 'mnist' : data.name];
      return {
        values: {
          name: data.name,
          title: data.synthetic ? 'Generated digits, not real data' : entry.title,
          synthetic: data.synthetic,
          classes: [...data.classes],
          model: entry.model,
          accuracyFloor: entry.accuracyFloor,
          trainDigest: digestOfSplit(data.train),
          testDigest: digestOfSplit(data.test),
          validation,
        },
        files: {
          'train-images': data.train.images,
          'train-labels': data.train.labels,
          'test-images': data.test.images,
          'test-labels': data.test.labels,
        },
        summary: `${data.name}: ${data.train.count.toLocaleString('en')} images to train on, ${data.test.count.toLocaleString('en')} to test on`,
      };
    },
  });
}

export type DataStage = ReturnType<typeof dataStage>;

function digestOfSplit({ images, labels }: Split) {
  return digestOf(digestOf(images) + digestOf(labels));
}
