#!/usr/bin/env -S npx tsx
/** From data to a served model: npm run pipeline -- --help */
import { resolve } from 'node:path';
import { Command, Option } from '@commander-js/extra-typings';
import { numberBetween, positiveNumber, wholeNumber, wholeNumbers } from '../cli/flags.ts';
import { runCommand } from '../cli/run.ts';
import { runMnist } from '../pipeline/run-mnist.ts';
import { openRegistry } from '../registry/open.ts';
import { augmentationNames } from '../train/data/augment.ts';
import { datasetNames } from '../train/data/datasets.ts';
import { deterministicDevice } from '../train/device/deterministic.ts';
import { devices } from '../train/device/devices.ts';
import { presets, presetTable, trainDefaults, trainOptions } from '../train/options.ts';
import { schedules } from '../train/schedule.ts';

/** The alias that a version gets when the gate lets it pass, and that servers follow. */
const ALIAS = 'live';

const { preset, seed, device } = trainDefaults;

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
    .option(
      '--epochs <n>',
      "passes over the training images (default: the preset's, as below)",
      wholeNumber(1, 1000),
    )
    .option(
      '--batch-size <n>',
      'images in a step; 64,128,256 grows in the course of training',
      wholeNumbers(1, 10_000),
    )
    .addOption(new Option('--schedule <name>', 'how the learning rate changes').choices(schedules))
    .option('--learning-rate <rate>', "the schedule's highest", positiveNumber(1))
    .addOption(new Option('--augment <how>', 'move training images about').choices(augmentationNames))
    .option(
      '--plain-epochs <n>',
      'so many at the end learn from the images as they are, whatever --augment says',
      wholeNumber(0, 1000),
    )
    .option(
      '--label-smoothing <share>',
      'spread this share of the answer over all classes',
      numberBetween(0, 0.9),
    )
    .addOption(
      new Option('--class-weights <how>', 'let rare classes count for more').choices([
        'none',
        'balanced',
      ] as const),
    )
    .option('--clip-norm <length>', 'the longest gradient; 0 lets it be', numberBetween(0, 1e6))
    .option(
      '--averaging <decay>',
      'keep a running average of the weights, such as 0.999; 0 does not',
      numberBetween(0, 0.99999),
    )
    .option(
      '--patience <epochs>',
      'stop when so many brought nothing better; 0 never does',
      wholeNumber(0, 1000),
    )
    .option('--seed <n>', 'the same seed, the same model', wholeNumber(0, 2 ** 31 - 1), seed)
    .addOption(
      new Option('--device <name>', 'what computes; npm run doctor says what works here')
        .choices(devices)
        .default(device),
    )
    .option(
      '--threads <n>',
      'threads that share each batch (default: one for each core that it keeps busy)',
      wholeNumber(1, 256),
    )
    .option(
      '--deterministic',
      'only what gives the same result each time: auto takes the cpu, a GPU is refused',
    )
    .option(
      '--registry <folder>',
      'where versions and the cache are (default: SLIPWAY_REGISTRY, else .slipway)',
    )
    .option('--from <stage>', 'run this stage and what depends on it again')
    .option('--only <stage>', 'run this stage alone; what it needs must be cached')
    .option('--force', 'run every stage again; an interrupted training goes on all the same')
    .option('--dry-run', 'say what would run and why, and stop')
    .option('--json', 'one event a line')
    .addHelpText(
      'after',
      `\nThe presets, and how they are trained if nothing else is asked for:\n${presetTable()}`,
    )
    .action(({ dataset, data, registry, json, deterministic, ...flags }) => {
      const { from: _from, only: _only, force: _force, dryRun: _dryRun, ...train } = flags;
      const { batchSize: batchSizes, preset, seed, threads = 'auto', ...chosen } = train;
      const device = deterministic ? deterministicDevice(train.device) : train.device;
      return runMnist({
        registry: openRegistry(registry),
        data: { dataset, directory: data ? resolve(data) : undefined },
        train: trainOptions({ ...chosen, batchSizes, preset, seed, device, threads }),
        alias: ALIAS,
        select: flags,
        json: json ?? false,
      });
    }),
);
