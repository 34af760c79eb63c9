import { imageSize } from '../train/data/datasets.ts';
import { defaultCacheFolder } from '../train/data/download.ts';
import { loadDataset } from '../train/data/load.ts';
import { seeded } from '../train/data/random.ts';
import { findSource, type Source } from '../train/data/source.ts';
import { inSharedMemory, type SharedImages } from '../train/step/plan.ts';
import { note } from './print.ts';

/** The share of MNIST's pixels that are ink. */
const INK = 0.19;
const RANDOM_IMAGES = 5_000;

/** MNIST's training images, or random ones that are as empty: what is computed takes no longer for either. */
export async function trainingImages(directory: string | undefined): Promise<SharedImages> {
  if (directory === undefined) return randomImages(RANDOM_IMAGES);
  const { train } = await loadDataset(await findMnist(directory), { seed: 1, note });
  return inSharedMemory(train);
}

/** MNIST's files: in the folder, else in the cache, which they are downloaded to. @throws UserError */
export async function findMnist(directory: string | undefined): Promise<Source & { kind: 'files' }> {
  const source = await findSource({
    dataset: 'mnist',
    directory,
    cache: defaultCacheFolder(),
    report: () => undefined,
    note,
  });
  if (source.kind !== 'files') throw new Error('MNIST was asked for, and something else found');
  return source;
}

export function randomImages(count: number): SharedImages {
  const random = seeded(1);
  const images = Uint8Array.from({ length: count * imageSize ** 2 }, () => {
    const bits = random.next() >>> 0;
    return bits < INK * 2 ** 32 ? (bits % 255) + 1 : 0;
  });
  const labels = Uint8Array.from({ length: count }, (_, place) => place % 10);
  return inSharedMemory({ images, labels });
}
