import { broadcast_util, type CastAttrs, type ClipByValueAttrs, type StepAttrs } from '@tensorflow/tfjs-core';
import { type GraphBuilder, type Ref, UnsupportedKernel } from '../graph.ts';
import { defineKernel, inputOf, type Kernel, numberOf } from '../kernel.ts';
import { callOf, type Dtype, type Shape, sameShape, type Value } from '../value.ts';
import { keepWherePositive } from './activation.ts';
import { lowerBiasAdd } from './convolution.ts';
import { lowerMaskedMaxPoolGrad } from './pool.ts';

function broadcast(a: Value, b: Value): Shape {
  return broadcast_util.assertAndGetBroadcastShape([...a.shape], [...b.shape]);
}

/** The type of an arithmetic result, as TensorFlow.js has it: an int32 only from two of them. */
function arithmetic(a: Value, b: Value): Dtype {
  return a.dtype === b.dtype ? a.dtype : 'float32';
}

function operand(graph: GraphBuilder, value: Value, dtype: Dtype): Ref {
  return value.dtype === dtype ? graph.ref(value) : graph.cast(graph.ref(value), dtype);
}

const arithmeticOps = { Sub: 'Sub', RealDiv: 'Div', Maximum: 'Max', Minimum: 'Min', Pow: 'Pow' };
const comparisons = {
  Equal: 'Equal',
  Greater: 'Greater',
  GreaterEqual: 'GreaterOrEqual',
  Less: 'Less',
  LessEqual: 'LessOrEqual',
};
const unaryOps = {
  Abs: 'Abs',
  Exp: 'Exp',
  Floor: 'Floor',
  Log: 'Log',
  Neg: 'Neg',
  Reciprocal: 'Reciprocal',
  Relu: 'Relu',
  Sqrt: 'Sqrt',
};

const recordArithmetic = ({ a, b }: { a: Value; b: Value }) => ({
  inputs: [a, b],
  shape: broadcast(a, b),
  dtype: arithmetic(a, b),
});

function binary(name: string, op: string): Kernel {
  return defineKernel<'a' | 'b'>(name, recordArithmetic, (graph, call) =>
    graph.op(op, [
      operand(graph, inputOf(call, 0), call.dtype),
      operand(graph, inputOf(call, 1), call.dtype),
    ]),
  );
}

function comparison(name: string, op: string): Kernel {
  return defineKernel<'a' | 'b'>(
    name,
    ({ a, b }) => ({ inputs: [a, b], shape: broadcast(a, b), dtype: 'bool' }),
    (graph, call) => {
      const [a, b] = [inputOf(call, 0), inputOf(call, 1)];
      const dtype = arithmetic(a, b) === 'bool' && op !== 'Equal' ? 'int32' : arithmetic(a, b); // no order on bool
      return graph.op(op, [operand(graph, a, dtype), operand(graph, b, dtype)]);
    },
  );
}

function unary(name: string, op: string): Kernel {
  return defineKernel<'x'>(
    name,
    ({ x }) => ({ inputs: [x], shape: x.shape, dtype: x.dtype }),
    (graph, call) => graph.op(op, [graph.ref(inputOf(call, 0))]),
  );
}

const add = defineKernel<'a' | 'b'>('Add', recordArithmetic, (graph, call) => {
  const [a, b] = [inputOf(call, 0), inputOf(call, 1)];
  return (
    lowerBiasAdd(graph, a, b) ??
    graph.op('Add', [operand(graph, a, call.dtype), operand(graph, b, call.dtype)])
  );
});

/**
 * A product with Step(c), which is how ReLU's gradient comes, is a selection: one pass instead of three. Where the
 * other factor comes back through a max-pool, the selection moves to the pooled size.
 */
const multiply = defineKernel<'a' | 'b'>('Multiply', recordArithmetic, (graph, call) => {
  const [a, b] = [inputOf(call, 0), inputOf(call, 1)];
  const step = callOf(b, 'Step');
  if (
    step !== undefined &&
    sameShape(a.shape, b.shape) &&
    a.dtype === 'float32' &&
    step.attributes.alpha === 0
  ) {
    return (
      lowerMaskedMaxPoolGrad(graph, call) ??
      keepWherePositive(graph, graph.ref(inputOf(step, 0)), graph.ref(a))
    );
  }
  return graph.op('Mul', [operand(graph, a, call.dtype), operand(graph, b, call.dtype)]);
});

const square = defineKernel<'x'>(
  'Square',
  ({ x }) => ({ inputs: [x], shape: x.shape, dtype: x.dtype }),
  (graph, call) => {
    const x = graph.ref(inputOf(call, 0));
    return graph.op('Mul', [x, x]);
  },
);

/** 1 where x > 0, `alpha` elsewhere; NaN stays NaN. */
const step = defineKernel<'x', StepAttrs>(
  'Step',
  ({ x }, { alpha }) => ({ inputs: [x], shape: x.shape, dtype: 'float32', attributes: { alpha } }),
  (graph, call) => {
    const x = operand(graph, inputOf(call, 0), 'float32');
    const positive = graph.op('Greater', [x, graph.float(0)]);
    const stepped = graph.op('Where', [
      positive,
      graph.float(1),
      graph.float(numberOf(call.attributes, 'alpha')),
    ]);
    return graph.op('Where', [graph.op('IsNaN', [x]), x, stepped]);
  },
);

const logicalAnd = defineKernel<'a' | 'b'>(
  'LogicalAnd',
  ({ a, b }) => ({ inputs: [a, b], shape: broadcast(a, b), dtype: 'bool' }),
  (graph, call) => graph.op('And', [graph.ref(inputOf(call, 0)), graph.ref(inputOf(call, 1))]),
);

const logicalNot = defineKernel<'x'>(
  'LogicalNot',
  ({ x }) => ({ inputs: [x], shape: x.shape, dtype: 'bool' }),
  (graph, call) => graph.op('Not', [graph.ref(inputOf(call, 0))]),
);

const cast = defineKernel<'x', CastAttrs>(
  'Cast',
  ({ x }, { dtype }) => {
    if (dtype === x.dtype) return x;
    if (dtype !== 'float32' && dtype !== 'int32' && dtype !== 'bool') {
      throw new UnsupportedKernel('Cast', `it has no type ${dtype}`);
    }
    return { inputs: [x], shape: x.shape, dtype };
  },
  (graph, call) => graph.cast(graph.ref(inputOf(call, 0)), call.dtype),
);

const clipByValue = defineKernel<'x', ClipByValueAttrs>(
  'ClipByValue',
  ({ x }, { clipValueMin, clipValueMax }) => ({
    inputs: [x],
    shape: x.shape,
    dtype: x.dtype,
    attributes: { clipValueMin, clipValueMax },
  }),
  (graph, call) => {
    const bound = (name: string) => {
      const value = numberOf(call.attributes, name);
      return call.dtype === 'int32' ? graph.int32(value) : graph.float(value);
    };
    return graph.op('Clip', [graph.ref(inputOf(call, 0)), bound('clipValueMin'), bound('clipValueMax')]);
  },
);

const select = defineKernel<'condition' | 't' | 'e'>(
  'Select',
  ({ condition, t, e }) => ({ inputs: [condition, t, e], shape: t.shape, dtype: t.dtype }),
  (graph, call) => {
    const [condition, t, e] = [inputOf(call, 0), inputOf(call, 1), inputOf(call, 2)];
    // A vector of conditions chooses whole rows.
    const rows = condition.shape.length === 1 && t.shape.length > 1;
    const chosen = rows
      ? graph.reshape(graph.ref(condition), [...condition.shape, ...t.shape.slice(1).map(() => 1)])
      : graph.ref(condition);
    return graph.op('Where', [chosen, graph.ref(t), graph.ref(e)]);
  },
);

const identity = defineKernel<'x'>(
  'Identity',
  ({ x }) => x,
  (graph, call) => graph.ref(call.value),
);

export const elementwise: readonly Kernel[] = [
  add,
  multiply,
  square,
  step,
  logicalAnd,
  logicalNot,
  cast,
  clipByValue,
  select,
  identity,
  ...Object.entries(arithmeticOps).map(([name, op]) => binary(name, op)),
  ...Object.entries(comparisons).map(([name, op]) => comparison(name, op)),
  ...Object.entries(unaryOps).map(([name, op]) => unary(name, op)),
];
