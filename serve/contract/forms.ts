import type { Answers } from '../../registry/contract.ts';
import type { Request } from './client.ts';

export type Protocol = 'seldon' | 'v2';

/** One way to ask for predictions: how rows are sent, and how the answer to them is read. */
export interface Form {
  readonly protocol: Protocol;
  readonly name: string;
  /** A row in a query must stay a reasonable address. */
  readonly oneRowOnly?: boolean;
  request(rows: readonly unknown[]): Request;
  /** @throws WrongAnswer when the JSON is not an answer of this form. */
  read(json: unknown): Answers;
  /** Why the body of a refusal is not in the protocol's shape, if so. */
  checkError(json: unknown): string | undefined;
}

/** An answer that is not what its form asked for; the message says how. */
export class WrongAnswer extends Error {
  override readonly name = 'WrongAnswer';
}

/** Flat row-major values as rows. */
export function rowsOf(shape: readonly number[], values: readonly unknown[]): unknown[] {
  const size = shape.reduce((product, dimension) => product * dimension, 1);
  if (size !== values.length)
    throw new WrongAnswer(`the shape [${shape.join(', ')}] needs ${size} values, ${values.length} came`);
  const [count = 0, ...rest] = shape;
  if (rest.length === 0) return [...values];
  const width = rest.reduce((product, dimension) => product * dimension, 1);
  return Array.from({ length: count }, (_, i) => values.slice(i * width, (i + 1) * width));
}
