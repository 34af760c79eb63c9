/**
 * Trains the preset `fast` on MNIST and tests it after each epoch, until it has the accuracy that was asked for.
 * Arguments: the folder of the data, the seed and the accuracy. A line out after each epoch: {"epoch", "accuracy"}.
 */
import { availableParallelism } from 'node:os';
import { useOnnxRuntime } from '../../train/backend/register.ts';
import { augmentations } from '../../train/data/augment.ts';
import { loadDataset } from '../../train/data/load.ts';
import { epochPlans } from '../../train/epoch-plans.ts';
import { buildModel } from '../../train/model/presets.ts';
import { hyperparameters } from '../../train/options.ts';
import { accuracyOf, allOf, answersOf, predict } from '../../train/predict.ts';
import { Learner } from '../../train/step/learner.ts';
import { inSharedMemory } from '../../train/step/plan.ts';
import { Threads } from '../../train/step/threads.ts';
import { findMnist } from '../images.ts';
import { note, printJson } from '../print.ts';
import { CLASSES } from '../training.ts';

const [folder, seed, target] = [process.argv[2], Number(process.argv[3]), Number(process.argv[4])];
const options = hyperparameters.fast;
const threads = availableParallelism();

const { train, test } = await loadDataset(await findMnist(folder), { seed, note });
await useOnnxRuntime({ threads });
const { model, draw } = buildModel({ preset: 'fast', classes: CLASSES, seed });
const learner = new Learner(model, {
  clipNorm: options.clipNorm > 0 ? options.clipNorm : undefined,
  averaging: options.averaging > 0,
});
const trainer = await Threads.start({
  learner,
  draw,
  data: inSharedMemory(train),
  rows: {
    classes: CLASSES,
    seed,
    augmentation: augmentations[options.augment],
    labelSmoothing: options.labelSmoothing,
  },
  threads,
  batchSize: Math.max(...options.batchSizes),
  device: 'cpu',
});

// All training images: none of them is needed for validation here.
for (const plan of epochPlans(allOf(train.count), { ...options, seed })) {
  await trainer.epoch(plan, () => undefined, new AbortController().signal);
  learner.write(await trainer.state());
  learner.takeAverages();
  const probabilities = await predict(model, test.images, allOf(test.count));
  const accuracy = accuracyOf(answersOf(probabilities, CLASSES), test.labels);
  printJson({ epoch: plan.epoch, accuracy });
  if (accuracy >= target) break;
}
await trainer.close();
