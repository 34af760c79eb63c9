import { availableParallelism } from 'node:os';
import { Command, Option } from '@commander-js/extra-typings';
import { positiveNumber, wholeNumber } from '../../cli/flags.ts';
import { useOnnxRuntime } from '../../train/backend/register.ts';
import type { SharedImages } from '../../train/step/plan.ts';
import { dataOption, listOf, oneOf } from '../flags.ts';
import { trainingImages } from '../images.ts';
import { loadNow, machineLine } from '../machine.ts';
import { note, print, printJson } from '../print.ts';
import { spreadOf } from '../statistics.ts';
import { findTorch } from '../torch.ts';
import { Training } from '../training.ts';
import { multiplyAddsPerImage } from './multiply-adds.ts';
import { MultiplyLimit } from './multiply-limit.ts';
import { type Network, networks } from './networks.ts';
import { Peer, waysFor } from './peer.ts';
import { type Result, record, resultTable } from './result.ts';

interface Setting {
  readonly preset: Network;
  readonly batch: number;
  readonly rounds: number;
  readonly seconds: number;
}

interface Competitors {
  readonly images: SharedImages;
  readonly limit: MultiplyLimit;
  readonly peer: Peer | undefined;
}

const batchSizes: readonly number[] = [64, 128, 256];

export const trainCommand = new Command('train')
  .description('images per second of training, beside PyTorch in the same run')
  .addOption(
    new Option('--preset <names>', 'networks, with commas between')
      .argParser(listOf(oneOf(networks)))
      .default(networks, networks.join()),
  )
  .addOption(
    new Option('--batch <sizes>', 'images in a step, with commas between')
      .argParser(listOf(wholeNumber(1, 10_000)))
      .default(batchSizes, batchSizes.join()),
  )
  .option('--rounds <n>', 'measurements of each', wholeNumber(1, 1000), 5)
  .option('--seconds <s>', 'of each measurement', positiveNumber(600), 2)
  .addOption(dataOption)
  .option('--no-peer', 'without PyTorch')
  .option('--json', 'one record a line')
  .action(async ({ preset: presets, batch: batches, rounds, seconds, data, json, peer: wanted }) => {
    const images = await trainingImages(data);
    const torch = wanted ? await findTorch() : undefined;
    await using peer = torch && (await Peer.start(torch, images));
    await using limit = new MultiplyLimit(availableParallelism());
    await useOnnxRuntime({ threads: 1 });

    const results: Result[] = [];
    for (const preset of presets) {
      for (const batch of batches) {
        note(`${preset}, batch ${batch} ...`);
        const result = await measure({ preset, batch, rounds, seconds }, { images, limit, peer });
        if (json) printJson(record(result, rounds, peer?.version));
        results.push(result);
      }
    }
    if (json) return;
    print(`${machineLine()}, ${peer === undefined ? 'no PyTorch' : `PyTorch ${peer.version}`}`);
    print(`Images per second of training: median of ${rounds} rounds (least..most)\n`);
    print(resultTable(results));
  });

/** Each in turn, round by round: what disturbs the machine for a while disturbs all of them. */
async function measure(
  { preset, batch, rounds, seconds }: Setting,
  competitors: Competitors,
): Promise<Result> {
  const { images, limit, peer } = competitors;
  const cores = availableParallelism();
  const before = loadNow();
  const [ours, limits]: [number[], number[]] = [[], []];
  const ways = peer === undefined ? [] : waysFor(cores).map((way) => ({ way, rates: [] as number[] }));

  await using training = await Training.start({ preset, batch, threads: cores, images });
  for (let round = 0; round < rounds; round += 1) {
    ours.push(await training.imagesPerSecond(seconds));
    for (const { way, rates } of ways) {
      rates.push((await peer?.imagesPerSecond(preset, batch, way, seconds)) ?? Number.NaN);
    }
    limits.push(await limit.measure(seconds));
  }

  const [best] = ways
    .map(({ way, rates }) => ({ way, rate: spreadOf(rates) }))
    .sort((a, b) => b.rate.median - a.rate.median);
  const [our, most] = [spreadOf(ours), spreadOf(limits)];
  const gflops = (our.median * multiplyAddsPerImage(training.model) * 2) / 1e9;
  return {
    preset,
    batch,
    ours: our,
    peer: best,
    limit: most,
    share: gflops / most.median,
    load: [before, loadNow()],
  };
}
