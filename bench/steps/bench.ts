import { availableParallelism } from 'node:os';
import { Command, Option } from '@commander-js/extra-typings';
import { wholeNumber } from '../../cli/flags.ts';
import { table } from '../../registry/table.ts';
import { useOnnxRuntime } from '../../train/backend/register.ts';
import type { SharedImages } from '../../train/step/plan.ts';
import { randomImages } from '../images.ts';
import { loadNow, machineLine } from '../machine.ts';
import { note, print, printJson } from '../print.ts';
import { rounded, type Spread, spreadOf, spreadText } from '../statistics.ts';
import { type Network, networks } from '../train/networks.ts';
import { Training } from '../training.ts';
import { BareStep } from './bare-step.ts';
import { LayersTraining } from './layers-training.ts';
import { type MemoryMarks, memoryOver } from './memory.ts';
import { NativeClock } from './native-clock.ts';

/** Milliseconds. */
interface StepTimes {
  /** From nothing to the end of the first step: recording, compiling, starting threads. */
  readonly first: number;
  readonly step: Spread;
  /** Of a step, what is within ONNX Runtime. */
  readonly native: Spread;
}

interface Setting {
  readonly preset: Network;
  readonly batch: number;
  readonly rounds: number;
  readonly images: SharedImages;
}

const STEPS_IN_ROUND = 30;
const MEMORY_BATCH = 8;
const IMAGES = 1000;

export const stepsCommand = new Command('steps')
  .description('what a training step costs beside its arithmetic: JavaScript, compilation, memory')
  .addOption(new Option('--preset <name>', 'the network').choices(networks).default(networks[0]))
  .option('--batch <n>', 'images in a step', wholeNumber(1, 10_000), 128)
  .option('--rounds <n>', `measurements of ${STEPS_IN_ROUND} steps each`, wholeNumber(1, 1000), 5)
  .option(
    '--steps <n>',
    `steps of ${MEMORY_BATCH} images over which memory is watched`,
    wholeNumber(10, 1e6),
    5000,
  )
  .option('--json', 'one record a line')
  .action(async ({ preset, batch, rounds, steps, json }) => {
    const clock = NativeClock.start();
    await useOnnxRuntime({ threads: 1 });
    const images = randomImages(IMAGES);
    const setting = { preset, batch, rounds, images };
    const before = loadNow();

    note('the trainer ...');
    const trainer = await trainerTimes(setting);
    const trainerMemory = await trainerMarks(setting, steps);
    note("TensorFlow.js's layers API ...");
    const layers = await layersTimes(setting, clock);
    const layersMemory = await layersMarks(setting, steps);

    const load = [before, loadNow()];
    const rows = [
      { path: 'trainer', times: trainer, memory: trainerMemory },
      { path: 'layers-api', times: layers, memory: layersMemory },
    ];
    if (json) {
      for (const { path, times, memory } of rows) printJson(record(path, setting, times, memory, load));
      return;
    }
    print(`${machineLine()}; load ${load.join(' to ')}`);
    print(`${preset}, batch ${batch}, 1 thread: median of ${rounds} rounds (least..most)\n`);
    print(
      table(
        ['', 'STEP, ms', 'IN ONNX RUNTIME, ms', 'JAVASCRIPT', 'FIRST STEP, ms'],
        rows.map(({ path, times }) => [
          path,
          spreadText(times.step, 2),
          spreadText(times.native, 2),
          `${(overheadOf(times) * 100).toFixed(1)} %`,
          times.first.toFixed(0),
        ]),
      ),
    );
    for (const { path, memory } of rows) {
      print(`\n${path}, ${memory.steps} steps of ${MEMORY_BATCH} images, at ten marks:`);
      print(`  resident MB  ${memory.residentMB.join(' ')}`);
      print(`  tensors      ${memory.tensors.join(' ')}`);
    }
  });

/** The trainer in a single thread, and the graphs that it runs there in a bare loop, in turn. */
async function trainerTimes({ preset, batch, rounds, images }: Setting): Promise<StepTimes> {
  const started = performance.now();
  await using training = await Training.start({ preset, batch, threads: 1, images });
  await training.train(1);
  const first = performance.now() - started;
  using bare = await BareStep.of(training, batch);
  const [step, native]: [number[], number[]] = [[], []];
  for (let round = 0; round < rounds; round += 1) {
    await training.train(3);
    step.push((await training.train(STEPS_IN_ROUND)) / STEPS_IN_ROUND);
    bare.run(3);
    native.push(bare.run(STEPS_IN_ROUND) / STEPS_IN_ROUND);
  }
  return { first, step: spreadOf(step), native: spreadOf(native) };
}

/** The layers API in this thread, with a clock around ONNX Runtime's own call. */
async function layersTimes(
  { preset, batch, rounds, images }: Setting,
  clock: NativeClock,
): Promise<StepTimes> {
  const started = performance.now();
  using training = new LayersTraining({ preset, batch, images });
  await training.train(1);
  const first = performance.now() - started;
  const [step, native]: [number[], number[]] = [[], []];
  for (let round = 0; round < rounds; round += 1) {
    await training.train(3);
    const before = clock.milliseconds;
    step.push((await training.train(STEPS_IN_ROUND)) / STEPS_IN_ROUND);
    native.push((clock.milliseconds - before) / STEPS_IN_ROUND);
  }
  return { first, step: spreadOf(step), native: spreadOf(native) };
}

async function trainerMarks({ preset, images }: Setting, steps: number): Promise<MemoryMarks> {
  const threads = availableParallelism();
  await using training = await Training.start({ preset, batch: MEMORY_BATCH, threads, images });
  return await memoryOver(steps, (count) => training.train(count));
}

async function layersMarks({ preset, images }: Setting, steps: number): Promise<MemoryMarks> {
  using training = new LayersTraining({ preset, batch: MEMORY_BATCH, images });
  return await memoryOver(steps, (count) => training.train(count));
}

/** The share of a step's time that is spent outside ONNX Runtime. */
function overheadOf({ step, native }: StepTimes): number {
  return 1 - native.median / step.median;
}

function record(
  path: string,
  { preset, batch, rounds }: Setting,
  times: StepTimes,
  { steps, residentMB, tensors }: MemoryMarks,
  load: readonly number[],
) {
  return {
    bench: 'steps',
    path,
    preset,
    batch,
    stepMs: rounded(times.step.median),
    nativeMs: rounded(times.native.median),
    overhead: rounded(overheadOf(times)),
    firstStepMs: Math.round(times.first),
    steps,
    residentMB,
    tensors,
    rounds,
    load,
  };
}
