import { type GraphBuilder, type Ref, UnsupportedKernel } from '../graph.ts';
import type { KernelAttributes } from '../value.ts';

/** What some activations need besides their input. */
export interface ActivationParameters {
  /** The slope of a leaky ReLU below 0; TensorFlow.js's own, 0.2, where none is given. */
  readonly leakyreluAlpha?: number | undefined;
  /** The slope of a parametric ReLU below 0, of a shape that can be broadcast to the input's. */
  readonly preluWeights?: Ref | undefined;
}

type Activate = (graph: GraphBuilder, x: Ref, parameters: ActivationParameters) => Ref;

const activations: Readonly<Record<string, Activate>> = {
  linear: (_, x) => x,
  relu: (graph, x) => graph.op('Relu', [x]),
  relu6: (graph, x) => graph.op('Clip', [x, graph.float(0), graph.float(6)]),
  elu: (graph, x) => graph.op('Elu', [x]),
  sigmoid: (graph, x) => graph.op('Sigmoid', [x]),
  leakyrelu: (graph, x, { leakyreluAlpha = 0.2 }) =>
    graph.op('LeakyRelu', [x], { alpha: { float: leakyreluAlpha } }),
  prelu: (graph, x, { preluWeights }) => {
    if (preluWeights === undefined) throw new Error('a prelu activation was lowered without its weights');
    return graph.op('PRelu', [x, preluWeights]);
  },
};

/** The activation among a fused kernel's attributes, to be recorded with its others; refuses what it has not. */
export function recordedActivation(
  kernel: string,
  attributes: { readonly activation?: string | undefined; readonly leakyreluAlpha?: number | undefined },
  hasPreluWeights: boolean,
): { activation: string; leakyreluAlpha: number | undefined } {
  const { activation = 'linear', leakyreluAlpha } = attributes;
  if (!Object.hasOwn(activations, activation)) {
    const known = Object.keys(activations).join(', ');
    throw new UnsupportedKernel(kernel, `it has no activation ${activation}, only ${known}`);
  }
  if ((activation === 'prelu') !== hasPreluWeights) {
    const weights = hasPreluWeights ? 'preluActivationWeights' : 'no preluActivationWeights';
    throw new UnsupportedKernel(kernel, `it got the activation ${activation} with ${weights}`);
  }
  return { activation, leakyreluAlpha };
}

export function activationOf(attributes: KernelAttributes): string {
  return typeof attributes.activation === 'string' ? attributes.activation : 'linear';
}

export function leakyreluAlphaOf({ leakyreluAlpha }: KernelAttributes): number | undefined {
  return typeof leakyreluAlpha === 'number' ? leakyreluAlpha : undefined;
}

/** The activation of TensorFlow.js's fused kernels. */
export function activate(
  graph: GraphBuilder,
  x: Ref,
  activation: string,
  parameters: ActivationParameters = {},
): Ref {
  const apply = activations[activation];
  if (apply === undefined) throw new UnsupportedKernel('a fused activation', `it has no ${activation}`);
  return apply(graph, x, parameters);
}

/** The largest number: any that is above 0 (and not subnormal), times this, is above 1. */
const STEEPEST = 3.4028234663852886e38;

/**
 * `x` where `condition` > 0, else 0, as a product: ONNX Runtime selects at half the speed at which it multiplies. The
 * step comes out of a line so steep that it is cut off at 1 for whatever is above 0. Infinities times 0 and what is not
 * a number stay without a number, as in TensorFlow.js.
 */
export function keepWherePositive(graph: GraphBuilder, condition: Ref, x: Ref): Ref {
  const line = { alpha: { float: STEEPEST }, beta: { float: 0 } };
  return graph.op('Mul', [x, graph.op('HardSigmoid', [condition], line)]);
}
