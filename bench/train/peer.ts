import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import type { SharedImages } from '../../train/step/plan.ts';
import { LineProcess } from '../line-process.ts';
import type { Torch } from '../torch.ts';
import type { Network } from './networks.ts';

/** A way of running PyTorch. Which one is fastest depends on the network, the batch and the machine. */
export interface Way {
  readonly threads: number;
  readonly channelsLast: boolean;
}

/** One thread and one for each core, in both layouts of memory. */
export function waysFor(cores: number): readonly Way[] {
  return [...new Set([1, cores])].flatMap((threads) =>
    [false, true].map((channelsLast) => ({ threads, channelsLast })),
  );
}

export function wayText({ threads, channelsLast }: Way): string {
  return `${threads} thread${threads === 1 ? '' : 's'}, ${channelsLast ? 'channels_last' : 'contiguous'}`;
}

const answerSchema = z.object({ imagesPerSecond: z.number().positive() });

/** PyTorch in a process of its own (`peer.py`), which sleeps until it is asked. */
export class Peer implements AsyncDisposable {
  readonly version: string;
  readonly #process: LineProcess;

  private constructor(process: LineProcess, version: string) {
    this.#process = process;
    this.version = version;
  }

  static async start({ python, version }: Torch, { images, labels }: SharedImages): Promise<Peer> {
    const folder = await mkdtemp(join(tmpdir(), 'slipway-bench-'));
    try {
      const files = [join(folder, 'images'), join(folder, 'labels')] as const;
      await writeFile(files[0], images);
      await writeFile(files[1], labels);
      const process = new LineProcess(python, [fileURLToPath(new URL('peer.py', import.meta.url)), ...files]);
      await process.answer(); // it has read the files by then
      return new Peer(process, version);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }

  /** Images per second over so many seconds, after a warm-up of a fifth of them. */
  async imagesPerSecond(preset: Network, batch: number, way: Way, seconds: number): Promise<number> {
    const { threads, channelsLast: channels_last } = way;
    const asked = { preset, batch, threads, channels_last, seconds };
    return answerSchema.parse(await this.#process.ask(asked)).imagesPerSecond;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#process[Symbol.asyncDispose]();
  }
}
