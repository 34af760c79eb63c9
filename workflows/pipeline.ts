#!/usr/bin/env -S npx tsx
/** From data to a served model: npm run pipeline -- --help */
import { resolve } from 'node:path';
import { Command, Option } from '@commander-js/extra-typings';
import { positiveNumber, wholeNumber } from '../cli/flags.ts';
import { runCommand } from '../cli/run.ts';
import { runMnist } from '../pipeline/run-mnist.ts';
import { openRegistry } from '../registry/open.ts';
import { datasetNames } from '../train/data/datasets.ts';
import { engines, presets, trainDefaults } from '../train/options.ts';

/** The alias that a version gets when the gate lets it pass, and that servers follow. */
const ALIAS = 'live';

const { preset, epochs, batchSize, learningRate, seed, engine } = trainDefaults;

await runCommand(
  new Command('npm run pipeline --')
    .description(
      'Train a model and take it all the way: data, train, evaluate, export, register, promote, smoke.\n' +
        'A stage whose code, parameters and inputs have not changed is not run again.',
    )
    .addOption(
      new Option(
        '--dataset <name>',
        'what to train on (default: mnist; synthetic where it cannot be had)',
      ).choices([...datasetNames, 'synthetic'] as const),
    )
    .addOption(
      new Option(
        '--data <folder>',
        'where its four files are, gzipped or not (default: downloaded once)',
      ).env('SLIPWAY_DATA_DIR'),
    )
    .addOption(new Option('--preset <name>', 'the network').choices(presets).default(preset))
    .option('--epochs <n>', 'passes over the training images', wholeNumber(1, 1000), epochs)
    .option('--batch-size <n>', 'images in a training step', wholeNumber(1, 10_000), batchSize)
    .option('--learning-rate <rate>', "the schedule's highest", positiveNumber(1), learningRate)
    .option('--seed <n>', 'the same seed, the same model', wholeNumber(0, 2 ** 31 - 1), seed)
    .addOption(new Option('--backend <name>', 'what computes').choices(engines).default(engine))
    .option(
      '--registry <folder>',
      'where versions and the cache are (default: SLIPWAY_REGISTRY, else .slipway)',
    )
    .option('--from <stage>', 'run this stage and what depends on it again')
    .option('--only <stage>', 'run this stage alone; what it needs must be cached')
    .option('--force', 'run every stage again')
    .option('--dry-run', 'say what would run and why, and stop')
    .option('--json', 'one event a line')
    .action(({ preset, epochs, batchSize, learningRate, seed, backend, ...flags }) =>
      runMnist({
        registry: openRegistry(flags.registry),
        data: { dataset: flags.dataset, directory: flags.data ? resolve(flags.data) : undefined },
        train: { preset, epochs, batchSize, learningRate, seed, engine: backend },
        alias: ALIAS,
        select: flags,
        json: flags.json ?? false,
      }),
    ),
);
