import { z } from 'zod';
import { LineProcess } from '../line-process.ts';

export interface Finish {
  /** From the start of the process. */
  readonly seconds: number;
  readonly epochs: number;
}

const epochSchema = z.object({ epoch: z.int(), accuracy: z.number() });

/**
 * Starts a program that tells its accuracy after each epoch, and stops it when that is reached. Undefined if the
 * program ends before.
 */
export async function race(
  command: string,
  args: readonly string[],
  target: number,
): Promise<Finish | undefined> {
  const started = performance.now();
  await using runner = new LineProcess(command, args);
  for (;;) {
    const line = await runner.next();
    if (line === undefined) return undefined;
    const seconds = (performance.now() - started) / 1000;
    const { epoch, accuracy } = epochSchema.parse(line);
    if (accuracy >= target) return { seconds, epochs: epoch };
  }
}
