/** What threads share in training. All of it is made of SharedArrayBuffers, and may be posted to workers. */
export interface ExchangeMemory {
  readonly control: Int32Array;
  /** The vector of each rank. */
  readonly vectors: readonly Float32Array[];
  readonly total: Float32Array;
}

const ARRIVED = 0;
const ROUND = 1;
const STOPPED = 2;

/** A few tens of microseconds: usually the others are nearly there, and going to sleep takes longer. */
const SPINS = 20_000;
/** A safety net: whoever arrives last or stops the exchange wakes the others. */
const SLEEP_MS = 50;

export function exchangeMemory(ranks: number, size: number): ExchangeMemory {
  const vector = () => new Float32Array(new SharedArrayBuffer(size * 4));
  return {
    control: new Int32Array(new SharedArrayBuffer(3 * 4)),
    vectors: Array.from({ length: ranks }, vector),
    total: vector(),
  };
}

/** The exchange was stopped from outside while a thread waited for the others. */
export class ExchangeStopped extends Error {
  override readonly name = 'ExchangeStopped';
  constructor() {
    super('the exchange between the training threads was stopped');
  }
}

/** Adds up the vectors of all threads, always in the order of the ranks: each thread does a slice for all. */
export class Exchange {
  readonly #memory: ExchangeMemory;
  readonly #rank: number;
  #round = 0;

  constructor(memory: ExchangeMemory, rank: number) {
    this.#memory = memory;
    this.#rank = rank;
  }

  /** Puts the sum of all in the place of `own`. Blocks the thread until all have put in theirs. @throws ExchangeStopped */
  sum(own: Float32Array): void {
    const { vectors, total } = this.#memory;
    (vectors[this.#rank] as Float32Array).set(own);
    this.#meet();
    const [start, end] = [this.#rank, this.#rank + 1].map((rank) =>
      Math.floor((total.length * rank) / vectors.length),
    ) as [number, number];
    vectors.forEach((vector, rank) => {
      if (rank === 0) total.set(vector.subarray(start, end), start);
      else addInto(total, vector, start, end);
    });
    this.#meet();
    own.set(total);
  }

  #meet(): void {
    const { control, vectors } = this.#memory;
    const ranks = vectors.length;
    this.#round += 1;
    const arrived = Atomics.add(control, ARRIVED, 1) + 1;
    if (arrived === ranks * this.#round) {
      Atomics.store(control, ROUND, this.#round);
      Atomics.notify(control, ROUND);
      return;
    }
    for (let spins = 0; Atomics.load(control, ROUND) < this.#round; spins += 1) {
      if (Atomics.load(control, STOPPED) === 1) throw new ExchangeStopped();
      if (spins > SPINS) Atomics.wait(control, ROUND, this.#round - 1, SLEEP_MS);
    }
  }
}

function addInto(total: Float32Array, vector: Float32Array, start: number, end: number): void {
  for (let i = start; i < end; i += 1) total[i] = (total[i] as number) + (vector[i] as number);
}

/** Wakes all that wait, who then give up; and all that come later. */
export function stopExchange({ control }: ExchangeMemory): void {
  Atomics.store(control, STOPPED, 1);
  Atomics.notify(control, ROUND);
}

export function isStopped({ control }: ExchangeMemory): boolean {
  return Atomics.load(control, STOPPED) === 1;
}
