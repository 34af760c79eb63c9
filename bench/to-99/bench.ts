import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command } from '@commander-js/extra-typings';
import { z } from 'zod';
import { positiveNumber, wholeNumber } from '../../cli/flags.ts';
import { table } from '../../registry/table.ts';
import { datasets, roles } from '../../train/data/datasets.ts';
import { findFile } from '../../train/data/files.ts';
import { dataOption } from '../flags.ts';
import { findMnist } from '../images.ts';
import { LineProcess } from '../line-process.ts';
import { loadNow, machineLine } from '../machine.ts';
import { note, print, printJson } from '../print.ts';
import { rounded, spreadOf, spreadText } from '../statistics.ts';
import { findTorch, type Torch } from '../torch.ts';
import { type Finish, race } from './race.ts';

const PROBE_SECONDS = 5;

export const to99Command = new Command('to-99')
  .description(
    'seconds from the start of the process to an accuracy of 99 % on the test images, beside PyTorch',
  )
  .option('--rounds <n>', 'trainings of each', wholeNumber(1, 1000), 3)
  .option('--accuracy <share>', 'the accuracy to reach', positiveNumber(1), 0.99)
  .addOption(dataOption)
  .option('--no-peer', 'without PyTorch')
  .option('--json', 'one record')
  .action(async ({ rounds, accuracy, data, json, peer: wanted }) => {
    const { directory } = await findMnist(data);
    const torch = wanted ? await findTorch() : undefined;
    const threads = torch && (await bestThreads(torch, directory));
    const before = loadNow();
    const [ours, theirs]: [(Finish | undefined)[], (Finish | undefined)[]] = [[], []];
    for (let round = 1; round <= rounds; round += 1) {
      note(`round ${round} of ${rounds} ...`);
      ours.push(await race(process.execPath, oursArgs(directory, round, accuracy), accuracy));
      if (torch && threads) {
        theirs.push(await race(torch.python, await peerArgs(directory, threads, accuracy), accuracy));
      }
    }
    const load = [before, loadNow()];

    const [our, their] = [summaryOf(ours), summaryOf(theirs)];
    const peer =
      torch && threads ? `torch ${torch.version}, ${threads} thread${threads === 1 ? '' : 's'}` : null;
    if (json) {
      return printJson({
        bench: 'to-99',
        accuracy,
        ratio: our && their ? rounded(their.seconds.median / our.seconds.median) : null,
        seconds: our ? rounded(our.seconds.median) : null,
        epochs: our?.epochs.median ?? null,
        peerSeconds: their ? rounded(their.seconds.median) : null,
        peerEpochs: their?.epochs.median ?? null,
        peer,
        rounds,
        load,
      });
    }
    const row = (name: string, summary: Summary | undefined) => [
      name,
      summary ? spreadText(summary.seconds, 1) : 'not every time',
      summary ? spreadText(summary.epochs) : '-',
    ];
    print(`${machineLine()}; load ${load.join(' to ')}`);
    print(`To an accuracy of ${accuracy} on the test images: median of ${rounds} rounds (least..most)\n`);
    print(table(['', 'SECONDS', 'EPOCHS'], [row('ours', our), ...(peer === null ? [] : [row(peer, their)])]));
    if (our && their) print(`\nRatio: ${(their.seconds.median / our.seconds.median).toFixed(2)}`);
  });

type Summary = NonNullable<ReturnType<typeof summaryOf>>;

/** Undefined unless there were finishes, and nothing else. */
function summaryOf(finishes: readonly (Finish | undefined)[]) {
  const finished = finishes.filter((finish) => finish !== undefined);
  if (finished.length === 0 || finished.length < finishes.length) return undefined;
  return {
    seconds: spreadOf(finished.map(({ seconds }) => seconds)),
    epochs: spreadOf(finished.map(({ epochs }) => epochs)),
  };
}

function oursArgs(directory: string, seed: number, accuracy: number): readonly string[] {
  const script = fileURLToPath(new URL('ours.ts', import.meta.url));
  return ['--import', 'tsx', script, directory, String(seed), String(accuracy)];
}

async function peerArgs(directory: string, threads: number, accuracy: number): Promise<readonly string[]> {
  const { files } = datasets.mnist;
  const paths = await Promise.all(
    roles.map(
      async (role) => (await findFile(directory, files[role].name)) ?? join(directory, files[role].name),
    ),
  );
  const script = fileURLToPath(new URL('peer.py', import.meta.url));
  return [script, ...paths, String(threads), String(accuracy)];
}

const probeSchema = z.object({ imagesPerSecond: z.number() });

/** With how many threads PyTorch is fastest here: one, or one for each core. */
async function bestThreads({ python }: Torch, directory: string): Promise<number> {
  let best = { threads: 1, rate: 0 };
  for (const threads of new Set([1, availableParallelism()])) {
    const args = [...(await peerArgs(directory, threads, 1)), String(PROBE_SECONDS)];
    await using probe = new LineProcess(python, args);
    const rate = probeSchema.parse(await probe.answer()).imagesPerSecond;
    if (rate > best.rate) best = { threads, rate };
  }
  return best.threads;
}
