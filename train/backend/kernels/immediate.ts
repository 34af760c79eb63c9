import { defineKernel, type Kernel, type ReadNow } from '../kernel.ts';
import type { Value } from '../value.ts';

/** A kernel that is computed in JavaScript when it is called, as the shape of its result depends on the data. */
export function immediate<Names extends string, Attributes = unknown>(
  name: string,
  compute: (inputs: Record<Names, Value>, attributes: Attributes, read: ReadNow) => Value | Value[],
): Kernel {
  return defineKernel<Names, Attributes>(name, compute, () => {
    throw new Error(`${name} is not lowered: it was computed when it was called`);
  });
}
