import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Exchange, type ExchangeMemory, exchangeMemory, isStopped, stopExchange } from './exchange.ts';

/** Is sent a `Job`, and answers with the sums of its rounds or with the name of the error that ended them. */
const threadSource = `
  import { parentPort } from 'node:worker_threads';
  import { register } from ${JSON.stringify(import.meta.resolve('tsx/esm/api'))};
  register();
  const { Exchange } = await import(${JSON.stringify(new URL('./exchange.ts', import.meta.url).href)});
  parentPort.on('message', ({ memory, rank, rounds }) => {
    const exchange = new Exchange(memory, rank);
    try {
      for (const own of rounds) exchange.sum(own);
      parentPort.postMessage(rounds);
    } catch (error) {
      parentPort.postMessage(error.name);
    }
  });
`;

interface Job {
  readonly memory: ExchangeMemory;
  readonly rank: number;
  /** What this rank puts in, round by round. */
  readonly rounds: readonly Float32Array[];
}

const threads: Worker[] = [];

beforeAll(async () => {
  const code = new URL(`data:text/javascript,${encodeURIComponent(threadSource)}`);
  for (let rank = 0; rank < 3; rank += 1) threads.push(new Worker(code));
  await exchanged([[], [], []], 0); // none of them died on its first lines
});
afterAll(() => Promise.all(threads.map((thread) => thread.terminate())));

async function done(job: Job): Promise<unknown> {
  const thread = threads[job.rank] as Worker;
  const answer = once(thread, 'message');
  thread.postMessage(job);
  return (await answer)[0];
}

/** What each rank has after each round; `inputs` are by rank, and then by round. */
function exchanged(inputs: readonly (readonly Float32Array[])[], size: number): Promise<unknown[]> {
  const memory = exchangeMemory(inputs.length, size);
  return Promise.all(inputs.map((rounds, rank) => done({ memory, rank, rounds })));
}

/** The sums of each round, each number added up from the first rank to the last in single precision. */
function sumsOf(inputs: readonly (readonly Float32Array[])[], size: number): Float32Array[] {
  const [first = []] = inputs;
  return first.map((_, round) =>
    Float32Array.from({ length: size }, (_, i) =>
      inputs
        .map((rounds) => rounds[round]?.[i] ?? Number.NaN)
        .reduce((sum, value) => Math.fround(sum + value)),
    ),
  );
}

describe('an exchange', () => {
  test('gives all ranks the same sums, whatever the size, the ranks and the rounds', async () => {
    const someInputs = fc
      .record({ ranks: fc.integer({ min: 1, max: 3 }), size: fc.nat(11), rounds: fc.nat(20) })
      .chain(({ ranks, size, rounds }) => {
        const vector = fc.float32Array({ minLength: size, maxLength: size, noNaN: true });
        const perRank = fc.array(vector, { minLength: rounds, maxLength: rounds });
        const inputs = fc.array(perRank, { minLength: ranks, maxLength: ranks });
        return fc.record({ size: fc.constant(size), inputs });
      });
    await fc.assert(
      fc.asyncProperty(someInputs, async ({ size, inputs }) => {
        const sums = sumsOf(inputs, size);
        expect(await exchanged(inputs, size)).toEqual(inputs.map(() => sums));
      }),
      { numRuns: 50 },
    );
  });

  test('adds up from the first rank to the last: in another order the sum is another', async () => {
    const inputs = [1e8, -1e8, 1].map((value) => [new Float32Array(7).fill(value)]);
    const sums = [new Float32Array(7).fill(1)];
    expect(await exchanged(inputs, 7)).toEqual([sums, sums, sums]);
  });

  test('mixes no round with the next, however many there are', async () => {
    const size = 7;
    // Each number says of which rank and which round it is.
    const inputs = [0, 1, 2].map((rank) =>
      Array.from({ length: 500 }, (_, round) => new Float32Array(size).fill(rank * 1000 + round)),
    );
    const sums = inputs[0]?.map((_, round) => 3000 + 3 * round);
    const answers = (await exchanged(inputs, size)) as Float32Array[][];
    for (const answer of answers) {
      expect(answer.map(([first]) => first)).toEqual(sums);
      expect(answer.every((sum) => sum.every((value) => value === sum[0]))).toBe(true);
    }
  });

  test('of one rank gives back what was put in, and waits for nobody', () => {
    const own = Float32Array.of(0.1, -2, 3e30);
    new Exchange(exchangeMemory(1, 3), 0).sum(own);
    expect(own).toEqual(Float32Array.of(0.1, -2, 3e30));
  });
});

describe('an exchange that is stopped', () => {
  test('wakes who waits for the others', async () => {
    const memory = exchangeMemory(3, 5);
    const rounds = [new Float32Array(5)];
    let woken = false;
    const waiting = Promise.all([0, 1].map((rank) => done({ memory, rank, rounds }))).finally(() => {
      woken = true;
    });
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(woken).toBe(false);

    expect(isStopped(memory)).toBe(false);
    stopExchange(memory);
    expect(isStopped(memory)).toBe(true);
    expect(await waiting).toEqual(['ExchangeStopped', 'ExchangeStopped']);
  });

  test('lets nobody wait who comes later', async () => {
    const memory = exchangeMemory(2, 5);
    stopExchange(memory);
    expect(await done({ memory, rank: 1, rounds: [new Float32Array(5)] })).toBe('ExchangeStopped');
  });
});
