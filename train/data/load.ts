import { UserError } from '../../cli/errors.ts';
import { digestOf } from '../../registry/digest.ts';
import { readContent } from './content.ts';
import { type DatasetName, type DatasetTable, datasets, digits, type Role, roles } from './datasets.ts';
import { findFile, readDatasetFile } from './files.ts';
import type { Source } from './source.ts';
import { syntheticDigits } from './synthetic.ts';

/** Images and their labels, in the files' order. */
export interface Split {
  /** `count * 784` grey values: 28 x 28 row-major, 255 is ink, 0 background. */
  readonly images: Uint8Array;
  /** Places in the data set's list of classes. */
  readonly labels: Uint8Array;
  readonly count: number;
}

export interface Dataset {
  readonly name: DatasetName | typeof syntheticName;
  /** Generated, not collected: never to be taken for real data. */
  readonly synthetic: boolean;
  readonly classes: readonly string[];
  readonly train: Split;
  readonly test: Split;
}

export interface LoadOptions {
  /** Fixes the synthetic digits; files don't depend on it. */
  readonly seed: number;
  readonly onProgress?: (progress: LoadProgress) => void;
  /** Told what a person should know, in a sentence. */
  readonly note?: (text: string) => void;
}

/** Images drawn, or files read, of all. */
export interface LoadProgress {
  readonly done: number;
  readonly total: number;
}

export const syntheticName = 'synthetic-digits';
const syntheticTrain = 20_000;
const syntheticTest = 4_000;

/**
 * Reads and checks the source's files, or draws the synthetic digits.
 * @throws UserError naming the file that is not what it should be.
 */
export async function loadDataset(
  source: Source,
  options: LoadOptions,
  table: DatasetTable = datasets,
): Promise<Dataset> {
  return source.kind === 'synthetic' ? drawDataset(options) : readDataset(source, options, table);
}

function drawDataset({ seed, onProgress }: LoadOptions): Dataset {
  const splits = syntheticDigits({
    seed,
    train: syntheticTrain,
    test: syntheticTest,
    onProgress: ({ drawn, total }) => onProgress?.({ done: drawn, total }),
  });
  return { name: syntheticName, synthetic: true, classes: digits, ...splits };
}

async function readDataset(
  source: Source & { kind: 'files' },
  { onProgress, note }: LoadOptions,
  table: DatasetTable,
): Promise<Dataset> {
  const entry = table[source.dataset];
  const unverified: string[] = [];
  const read = async (role: Role): Promise<Uint8Array> => {
    const { path, bytes } = await readSourceFile(source, role, table);
    const content = await readContent(bytes, path, entry, role);
    if (!content.verified) unverified.push(path);
    onProgress?.({ done: roles.indexOf(role) + 1, total: roles.length });
    return content.data;
  };
  const [trainImages, trainLabels] = [await read('train-images'), await read('train-labels')];
  const [testImages, testLabels] = [await read('test-images'), await read('test-labels')];
  if (unverified.length > 0)
    note?.(
      `The content of ${unverified.join(', ')} could not be checked against a known digest; ` +
        'form, counts and labels are as they should be.',
    );
  return {
    name: source.dataset,
    synthetic: false,
    classes: entry.classes,
    train: { images: trainImages, labels: trainLabels, count: trainLabels.length },
    test: { images: testImages, labels: testLabels, count: testLabels.length },
  };
}

/** The file's bytes, which are still those that the source was found with. */
async function readSourceFile(source: Source & { kind: 'files' }, role: Role, table: DatasetTable) {
  const entry = table[source.dataset];
  const path = await findFile(source.directory, entry.files[role].name);
  if (path === undefined)
    throw new UserError(
      `${source.directory} no longer holds ${entry.files[role].name}: start the run again.`,
    );
  const bytes = await readDatasetFile(path, entry);
  if (digestOf(bytes) !== source.digests[role])
    throw new UserError(`${path} was changed while the run was using it: start the run again.`);
  return { path, bytes };
}
