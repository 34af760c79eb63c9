import type { LeakyReluAttrs } from '@tensorflow/tfjs-core';
import { defineKernel, inputOf, type Kernel, numberOf } from '../kernel.ts';
import { typed } from './typed.ts';

const leakyRelu = defineKernel<'x', LeakyReluAttrs>(
  'LeakyRelu',
  ({ x }, { alpha }) => ({ inputs: [x], shape: x.shape, dtype: 'float32', attributes: { alpha } }),
  (graph, call) =>
    graph.op('LeakyRelu', [typed(graph, inputOf(call, 0), 'float32')], {
      alpha: { float: numberOf(call.attributes, 'alpha') },
    }),
);

const prelu = defineKernel<'x' | 'alpha'>(
  'Prelu',
  ({ x, alpha }) => ({ inputs: [x, alpha], shape: x.shape, dtype: 'float32' }),
  (graph, call) =>
    graph.op('PRelu', [typed(graph, inputOf(call, 0), 'float32'), typed(graph, inputOf(call, 1), 'float32')]),
);

/** The gradient of an exponential linear unit from its result: 1 above 0, e^x = y + 1 below. */
const eluGrad = defineKernel<'dy' | 'y'>(
  'EluGrad',
  ({ dy, y }) => ({ inputs: [dy, y], shape: y.shape, dtype: 'float32' }),
  (graph, call) => {
    const [dy, y] = [graph.ref(inputOf(call, 0)), graph.ref(inputOf(call, 1))];
    const below = graph.op('Mul', [dy, graph.op('Add', [y, graph.float(1)])]);
    return graph.op('Where', [graph.op('GreaterOrEqual', [y, graph.float(0)]), dy, below]);
  },
);

/** The rectifiers that have a slope below 0. */
export const leaky: readonly Kernel[] = [leakyRelu, prelu, eluGrad];
