import { type GraphBuilder, type Ref, UnsupportedKernel } from '../graph.ts';
import type { KernelAttributes } from '../value.ts';

const ops: Readonly<Record<string, string>> = { relu: 'Relu', sigmoid: 'Sigmoid', elu: 'Elu' };

export function activationOf(attributes: KernelAttributes): string {
  return typeof attributes.activation === 'string' ? attributes.activation : 'linear';
}

/** The activation of TensorFlow.js's fused kernels. */
export function activate(graph: GraphBuilder, x: Ref, activation: string): Ref {
  if (activation === 'linear') return x;
  const op = ops[activation];
  if (op === undefined) throw new UnsupportedKernel('a fused activation', `it has no ${activation}`);
  return graph.op(op, [x]);
}

/** `x` where `condition` > 0, else 0. */
export function keepWherePositive(graph: GraphBuilder, condition: Ref, x: Ref): Ref {
  const zero = graph.float(0);
  return graph.op('Where', [graph.op('Greater', [condition, zero]), x, zero]);
}
