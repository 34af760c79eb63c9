/** Trains on drawn digits in a process of its own, for tests that kill it: node --import tsx train-digits.ts <checkpoints>. */
import { createHash } from 'node:crypto';
import { Checkpoints } from '../train/checkpoint.ts';
import { syntheticDigits } from '../train/data/synthetic.ts';
import { startEngine } from '../train/engine.ts';
import { fit } from '../train/fit.ts';
import { saveModel } from '../train/model/file.ts';
import { buildModel } from '../train/model/presets.ts';
import { trainOptions } from '../train/options.ts';

const [directory = ''] = process.argv.slice(2);
const { train } = syntheticDigits({ seed: 3, train: 600, test: 10 });
const engine = await startEngine('cpu');
const options = trainOptions({
  preset: 'default',
  seed: 5,
  device: 'cpu',
  threads: 2,
  epochs: 6,
  batchSizes: [32],
  augment: 'full',
  plainEpochs: 1,
  averaging: 0.9,
});
const built = buildModel({ ...options, classes: 10 });
const { history } = await fit(built, train, {
  ...options,
  device: engine.name,
  classes: 10,
  checkpoints: new Checkpoints(directory, { keep: 2 }),
  onResume: (epoch) => console.log(`resumed ${epoch}`),
  onStep: ({ imagesDone }) => console.log(`images ${imagesDone}`),
  signal: new AbortController().signal,
});
const { weights } = await saveModel(built.model);
const curve = history.map(({ loss, validationLoss }) => [loss, validationLoss]);
const digest = createHash('sha256').update(weights).update(JSON.stringify(curve)).digest('hex');
console.log(`trained ${digest}`);
