import type { StepAttrs } from '@tensorflow/tfjs-core';
import type { GraphBuilder, Ref } from '../graph.ts';
import { defineKernel, inputOf, type Kernel, numberOf } from '../kernel.ts';
import { calculable, typed } from './typed.ts';

/** Computed on int32 as well as on float32. */
const exact = { Abs: 'Abs', Neg: 'Neg', Relu: 'Relu' };

/** Computed on float32 only. */
const floating = {
  Acos: 'Acos',
  Acosh: 'Acosh',
  Asin: 'Asin',
  Asinh: 'Asinh',
  Atan: 'Atan',
  Atanh: 'Atanh',
  Cos: 'Cos',
  Cosh: 'Cosh',
  Elu: 'Elu',
  Erf: 'Erf',
  Exp: 'Exp',
  Log: 'Log',
  Reciprocal: 'Reciprocal',
  Selu: 'Selu',
  Sigmoid: 'Sigmoid',
  Sin: 'Sin',
  Sinh: 'Sinh',
  Softplus: 'Softplus',
  Sqrt: 'Sqrt',
  Tan: 'Tan',
  Tanh: 'Tanh',
};

/** To a whole number: an int32 is one. `Round` takes halves to the even neighbour in both worlds. */
const rounding = { Ceil: 'Ceil', Floor: 'Floor', Round: 'Round' };

function exactKernel(name: string, op: string): Kernel {
  return defineKernel<'x'>(
    name,
    ({ x }) => ({ inputs: [x], shape: x.shape, dtype: x.dtype }),
    (graph, call) => {
      const y = graph.op(op, [typed(graph, inputOf(call, 0), calculable(call.dtype))]);
      return call.dtype === 'bool' ? graph.cast(y, 'bool') : y;
    },
  );
}

/** TensorFlow.js cuts the result to the type of what came in; of an exponential it doesn't. */
function floatingKernel(name: string, lower: (graph: GraphBuilder, x: Ref) => Ref): Kernel {
  return defineKernel<'x'>(
    name,
    ({ x }) => ({ inputs: [x], shape: x.shape, dtype: name === 'Exp' ? 'float32' : x.dtype }),
    (graph, call) => {
      const y = lower(graph, typed(graph, inputOf(call, 0), 'float32'));
      if (call.dtype === 'float32') return y;
      const whole = graph.cast(y, 'int32');
      return call.dtype === 'bool' ? graph.cast(whole, 'bool') : whole;
    },
  );
}

function roundingKernel(name: string, op: string): Kernel {
  return defineKernel<'x'>(
    name,
    ({ x }) => (x.dtype === 'float32' ? { inputs: [x], shape: x.shape, dtype: x.dtype } : x),
    (graph, call) => graph.op(op, [graph.ref(inputOf(call, 0))]),
  );
}

function test(name: string, lower: (graph: GraphBuilder, x: Ref) => Ref): Kernel {
  return defineKernel<'x'>(
    name,
    ({ x }) => ({ inputs: [x], shape: x.shape, dtype: 'bool' }),
    (graph, call) => lower(graph, typed(graph, inputOf(call, 0), 'float32')),
  );
}

const square = defineKernel<'x'>(
  'Square',
  ({ x }) => ({ inputs: [x], shape: x.shape, dtype: x.dtype }),
  (graph, call) => {
    const x = typed(graph, inputOf(call, 0), calculable(call.dtype));
    const squared = graph.op('Mul', [x, x]);
    return call.dtype === 'bool' ? graph.cast(squared, 'bool') : squared;
  },
);

/** 1 where x > 0, `alpha` elsewhere; NaN stays NaN. */
const step = defineKernel<'x', StepAttrs>(
  'Step',
  ({ x }, { alpha }) => ({ inputs: [x], shape: x.shape, dtype: x.dtype, attributes: { alpha } }),
  (graph, call) => {
    const x = typed(graph, inputOf(call, 0), 'float32');
    const positive = graph.op('Greater', [x, graph.float(0)]);
    const stepped = graph.op('Where', [
      positive,
      graph.float(1),
      graph.float(numberOf(call.attributes, 'alpha')),
    ]);
    const stepOrNaN = graph.op('Where', [graph.op('IsNaN', [x]), x, stepped]);
    return call.dtype === 'float32' ? stepOrNaN : graph.cast(stepOrNaN, call.dtype);
  },
);

/** e^x - 1 as tanh(x/2) (e^x + 1), which loses nothing where x is near 0. */
function expm1(graph: GraphBuilder, x: Ref): Ref {
  const half = graph.op('Tanh', [graph.op('Mul', [x, graph.float(0.5)])]);
  return graph.op('Mul', [half, graph.op('Add', [graph.op('Exp', [x]), graph.float(1)])]);
}

/**
 * log(1 + x) as log(u) x / (u - 1) with u = 1 + x rounded, whose two errors cancel (W. Kahan; see D. Goldberg, "What
 * Every Computer Scientist Should Know About Floating-Point Arithmetic", theorem 4).
 */
function log1p(graph: GraphBuilder, x: Ref): Ref {
  const u = graph.op('Add', [x, graph.float(1)]);
  const rounded = graph.op('Sub', [u, graph.float(1)]);
  const log = graph.op('Log', [u]);
  const corrected = graph.op('Div', [graph.op('Mul', [log, x]), rounded]);
  const notRounded = graph.op('Equal', [rounded, x]); // so for infinity too
  const tiny = graph.op('Equal', [rounded, graph.float(0)]);
  return graph.op('Where', [tiny, x, graph.op('Where', [notRounded, log, corrected])]);
}

const sign = defineKernel<'x'>(
  'Sign',
  ({ x }) => ({ inputs: [x], shape: x.shape, dtype: x.dtype }),
  (graph, call) => {
    const type = calculable(call.dtype);
    const x = typed(graph, inputOf(call, 0), type);
    const signed = graph.op('Sign', [x]);
    if (type === 'int32') return graph.cast(signed, call.dtype);
    return graph.op('Where', [graph.op('IsNaN', [x]), graph.float(0), signed]); // NaN has no sign
  },
);

const composed: Readonly<Record<string, (graph: GraphBuilder, x: Ref) => Ref>> = {
  Expm1: expm1,
  Log1p: log1p,
  Relu6: (graph, x) => graph.op('Clip', [x, graph.float(0), graph.float(6)]),
  Rsqrt: (graph, x) => graph.op('Reciprocal', [graph.op('Sqrt', [x])]),
};

const tests: Readonly<Record<string, (graph: GraphBuilder, x: Ref) => Ref>> = {
  IsNan: (graph, x) => graph.op('IsNaN', [x]),
  IsInf: (graph, x) => graph.op('IsInf', [x]),
  IsFinite: (graph, x) => graph.op('Not', [graph.op('Or', [graph.op('IsNaN', [x]), graph.op('IsInf', [x])])]),
};

export const unary: readonly Kernel[] = [
  square,
  step,
  sign,
  ...Object.entries(exact).map(([name, op]) => exactKernel(name, op)),
  ...Object.entries(floating).map(([name, op]) => floatingKernel(name, (graph, x) => graph.op(op, [x]))),
  ...Object.entries(composed).map(([name, lower]) => floatingKernel(name, lower)),
  ...Object.entries(rounding).map(([name, op]) => roundingKernel(name, op)),
  ...Object.entries(tests).map(([name, lower]) => test(name, lower)),
];
