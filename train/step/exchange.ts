/** What threads share in training. All of it is made of SharedArrayBuffers, and may be posted to workers. */
export interface ExchangeMemory {
  readonly control: Int32Array;
  /** The vector of each rank, twice: while one is read, the next is written. */
  readonly vectors: readonly (readonly Float32Array[])[];
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
    vectors: [0, 1].map(() => Array.from({ length: ranks }, vector)),
  };
}

/** The exchange was stopped from outside while a thread waited for the others. */
export class ExchangeStopped extends Error {
  override readonly name = 'ExchangeStopped';
  constructor() {
    super('the exchange between the training threads was stopped');
  }
}

/** Lets every thread have the vectors of all: each puts in its own, and gets all of them, in the order of the ranks. */
export class Exchange {
  readonly #memory: ExchangeMemory;
  readonly #rank: number;
  #round = 0;

  constructor(memory: ExchangeMemory, rank: number) {
    this.#memory = memory;
    this.#rank = rank;
  }

  /** Blocks the thread until all have put in theirs. The result is a copy. @throws ExchangeStopped */
  swap(own: Float32Array): Float32Array[] {
    const vectors = this.#memory.vectors[this.#round % 2] as readonly Float32Array[];
    (vectors[this.#rank] as Float32Array).set(own);
    this.#round += 1;
    this.#meet(vectors.length);
    return vectors.map((vector) => Float32Array.from(vector));
  }

  #meet(ranks: number): void {
    const { control } = this.#memory;
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

/** Wakes all that wait, who then give up; and all that come later. */
export function stopExchange({ control }: ExchangeMemory): void {
  Atomics.store(control, STOPPED, 1);
  Atomics.notify(control, ROUND);
}

export function isStopped({ control }: ExchangeMemory): boolean {
  return Atomics.load(control, STOPPED) === 1;
}
