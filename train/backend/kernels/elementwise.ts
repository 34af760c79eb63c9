import { backend_util, broadcast_util, type CastAttrs, type ClipByValueAttrs } from '@tensorflow/tfjs-core';
import { type GraphBuilder, type Ref, UnsupportedKernel } from '../graph.ts';
import { defineKernel, inputOf, type Kernel, type LoweredCall, numberOf } from '../kernel.ts';
import { callOf, type Dtype, type Shape, sameShape, type Value } from '../value.ts';
import { keepWherePositive } from './activation.ts';
import { lowerBiasAdd } from './convolution.ts';
import { lowerMaskedMaxPoolGrad } from './pool.ts';
import { calculable, typed } from './typed.ts';

function broadcast(a: Value, b: Value): Shape {
  return broadcast_util.assertAndGetBroadcastShape([...a.shape], [...b.shape]);
}

/** The type of an arithmetic result, as TensorFlow.js has it: an int32 only from two of them. */
function arithmetic(a: Value, b: Value): Dtype {
  return a.dtype === b.dtype ? a.dtype : 'float32';
}

const arithmeticOps = { Sub: 'Sub', Maximum: 'Max', Minimum: 'Min', Pow: 'Pow' };
const comparisons = {
  Equal: 'Equal',
  Greater: 'Greater',
  GreaterEqual: 'GreaterOrEqual',
  Less: 'Less',
  LessEqual: 'LessOrEqual',
};
const logicalOps = { LogicalAnd: 'And', LogicalOr: 'Or', LogicalXor: 'Xor' };

type Operands = (graph: GraphBuilder, a: Ref, b: Ref) => Ref;

const recordArithmetic = ({ a, b }: { a: Value; b: Value }) => ({
  inputs: [a, b],
  shape: broadcast(a, b),
  dtype: arithmetic(a, b),
});

/** `operate` on the two inputs in a type that ONNX can calculate with, brought to the type of the result. */
function calculate(graph: GraphBuilder, call: LoweredCall, type: Dtype, operate: Operands): Ref {
  const result = operate(graph, typed(graph, inputOf(call, 0), type), typed(graph, inputOf(call, 1), type));
  return type === call.dtype ? result : graph.cast(result, call.dtype);
}

function binary(name: string, op: string): Kernel {
  return defineKernel<'a' | 'b'>(name, recordArithmetic, (graph, call) =>
    calculate(graph, call, calculable(call.dtype), (_, a, b) => graph.op(op, [a, b])),
  );
}

/** A function of real numbers: whole ones are cut off its result. */
function realBinary(name: string, operate: Operands): Kernel {
  return defineKernel<'a' | 'b'>(name, recordArithmetic, (graph, call) =>
    calculate(graph, call, 'float32', operate),
  );
}

function comparison(name: string, compare: Operands): Kernel {
  return defineKernel<'a' | 'b'>(
    name,
    ({ a, b }) => ({ inputs: [a, b], shape: broadcast(a, b), dtype: 'bool' }),
    (graph, call) => {
      const [a, b] = [inputOf(call, 0), inputOf(call, 1)];
      const type = calculable(arithmetic(a, b)); // ONNX has no order on bool
      return compare(graph, typed(graph, a, type), typed(graph, b, type));
    },
  );
}

function logical(name: string, op: string): Kernel {
  return defineKernel<'a' | 'b'>(
    name,
    ({ a, b }) => ({ inputs: [a, b], shape: broadcast(a, b), dtype: 'bool' }),
    (graph, call) =>
      graph.op(op, [typed(graph, inputOf(call, 0), 'bool'), typed(graph, inputOf(call, 1), 'bool')]),
  );
}

const add = defineKernel<'a' | 'b'>(
  'Add',
  recordArithmetic,
  (graph, call) =>
    lowerBiasAdd(graph, inputOf(call, 0), inputOf(call, 1)) ??
    calculate(graph, call, calculable(call.dtype), (_, a, b) => graph.op('Add', [a, b])),
);

const addN = defineKernel<string>(
  'AddN',
  (values) => {
    const inputs: Value[] = Object.values(values);
    const [first] = inputs;
    if (first === undefined) throw new UnsupportedKernel('AddN', 'there is nothing to add');
    return { inputs, shape: first.shape, dtype: first.dtype };
  },
  (graph, call) => {
    const type = calculable(call.dtype);
    const sum = call.inputs
      .map((value) => typed(graph, value, type))
      .reduce((total, value) => graph.op('Add', [total, value]));
    return type === call.dtype ? sum : graph.cast(sum, call.dtype);
  },
);

/**
 * Step(c) as a factor, which is how ReLU's gradient comes, need not tell what is not a number: two passes instead of
 * five. Where the other factor comes back through a max-pool, the selection moves to the pooled size.
 */
const multiply = defineKernel<'a' | 'b'>('Multiply', recordArithmetic, (graph, call) => {
  const [a, b] = [inputOf(call, 0), inputOf(call, 1)];
  const step = callOf(b, 'Step');
  if (
    step !== undefined &&
    sameShape(a.shape, b.shape) &&
    a.dtype === 'float32' &&
    b.dtype === 'float32' &&
    step.attributes.alpha === 0
  ) {
    return (
      lowerMaskedMaxPoolGrad(graph, call) ??
      keepWherePositive(graph, graph.ref(inputOf(step, 0)), graph.ref(a))
    );
  }
  return calculate(graph, call, calculable(call.dtype), (_, x, y) => graph.op('Mul', [x, y]));
});

const squaredDifference = defineKernel<'a' | 'b'>('SquaredDifference', recordArithmetic, (graph, call) =>
  calculate(graph, call, calculable(call.dtype), (_, a, b) => {
    const difference = graph.op('Sub', [a, b]);
    return graph.op('Mul', [difference, difference]);
  }),
);

/** Towards minus infinity. By 0 it is 0 between int32s, where the processor would trap. */
const floorDiv = defineKernel<'a' | 'b'>(
  'FloorDiv',
  ({ a, b }) => ({ inputs: [a, b], shape: broadcast(a, b), dtype: 'int32' }),
  (graph, call) => {
    const [a, b] = [inputOf(call, 0), inputOf(call, 1)];
    if (arithmetic(a, b) === 'float32') {
      return calculate(graph, call, 'float32', (_, x, y) => graph.op('Floor', [graph.op('Div', [x, y])]));
    }
    const { dividend, divisor, remainder, orZero } = wholeDivision(graph, call);
    return orZero(graph.op('Div', [graph.op('Sub', [dividend, remainder]), divisor]));
  },
);

/** What is left of `a` when it is divided by `b`; it has the sign of `b`. */
const mod = defineKernel<'a' | 'b'>('Mod', recordArithmetic, (graph, call) => {
  if (call.dtype !== 'float32') {
    const { remainder, orZero } = wholeDivision(graph, call);
    const rest = orZero(remainder);
    return call.dtype === 'bool' ? graph.cast(rest, 'bool') : rest;
  }
  return calculate(graph, call, 'float32', (_, a, b) => {
    const truncated = (x: Ref) => graph.op('Mod', [x, b], { fmod: 1 }); // it has the sign of x
    const remainder = truncated(a);
    const negative = (x: Ref) => graph.op('Less', [x, graph.float(0)]);
    const otherSign = graph.op('Xor', [negative(a), negative(b)]);
    return graph.op('Where', [otherSign, truncated(graph.op('Add', [remainder, b])), remainder]);
  });
});

/** In int64, which holds every quotient of two int32s. */
function wholeDivision(graph: GraphBuilder, call: LoweredCall) {
  const whole = (value: Value) => graph.cast(graph.ref(value), 'int64');
  const [zero, one] = [graph.cast(graph.int32(0), 'int64'), graph.cast(graph.int32(1), 'int64')];
  const [dividend, given] = [whole(inputOf(call, 0)), whole(inputOf(call, 1))];
  const byZero = graph.op('Equal', [given, zero]);
  const divisor = graph.op('Where', [byZero, one, given]);
  return {
    dividend,
    divisor,
    remainder: graph.op('Mod', [dividend, divisor]),
    orZero: (result: Ref) => graph.cast(graph.op('Where', [byZero, zero, result]), 'int32'),
  };
}

/** The angle of the point (x, y), in (-pi, pi]. */
const atan2: Operands = (graph, y, x) => {
  const zero = graph.float(0);
  const isNegative = (value: Ref) => graph.op('Less', [value, zero]);
  const ahead = graph.op('Atan', [graph.op('Div', [y, x])]);
  const halfTurn = graph.op('Where', [isNegative(y), graph.float(-Math.PI), graph.float(Math.PI)]);
  const turned = graph.op('Where', [isNegative(x), graph.op('Add', [ahead, halfTurn]), ahead]);
  const upright = graph.op('Mul', [graph.op('Sign', [y]), graph.float(Math.PI / 2)]);
  return graph.op('Where', [graph.op('Equal', [x, zero]), upright, turned]);
};

const logicalNot = defineKernel<'x'>(
  'LogicalNot',
  ({ x }) => ({ inputs: [x], shape: x.shape, dtype: 'bool' }),
  (graph, call) => graph.op('Not', [typed(graph, inputOf(call, 0), 'bool')]),
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

const nearestInt32 = (value: number) => Math.trunc(Math.min(2 ** 31 - 1, Math.max(-(2 ** 31), value)));

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
      return call.dtype === 'int32' ? graph.int32(nearestInt32(value)) : graph.float(value);
    };
    return graph.op('Clip', [graph.ref(inputOf(call, 0)), bound('clipValueMin'), bound('clipValueMax')]);
  },
);

const select = defineKernel<'condition' | 't' | 'e'>(
  'Select',
  ({ condition, t, e }) => ({
    inputs: [condition, t, e],
    shape: t.shape,
    dtype: backend_util.upcastType(t.dtype, e.dtype) as Dtype,
  }),
  (graph, call) => {
    const [condition, t, e] = [inputOf(call, 0), inputOf(call, 1), inputOf(call, 2)];
    // A vector of conditions chooses whole rows.
    const rows = condition.shape.length === 1 && t.shape.length > 1;
    const given = typed(graph, condition, 'bool');
    const chosen = rows
      ? graph.reshape(given, [...condition.shape, ...t.shape.slice(1).map(() => 1)])
      : given;
    const type = calculable(call.dtype); // ONNX Runtime has no choice between bools
    const result = graph.op('Where', [chosen, typed(graph, t, type), typed(graph, e, type)]);
    return type === call.dtype ? result : graph.cast(result, call.dtype);
  },
);

const identity = defineKernel<'x'>(
  'Identity',
  ({ x }) => x,
  (graph, call) => graph.ref(call.value),
);

export const elementwise: readonly Kernel[] = [
  add,
  addN,
  multiply,
  squaredDifference,
  floorDiv,
  mod,
  realBinary('RealDiv', (graph, a, b) => graph.op('Div', [a, b])),
  realBinary('Atan2', atan2),
  logicalNot,
  cast,
  clipByValue,
  select,
  identity,
  ...Object.entries(arithmeticOps).map(([name, op]) => binary(name, op)),
  ...Object.entries(comparisons).map(([name, op]) => comparison(name, (graph, a, b) => graph.op(op, [a, b]))),
  comparison('NotEqual', (graph, a, b) => graph.op('Not', [graph.op('Equal', [a, b])])),
  binary('BitwiseAnd', 'BitwiseAnd'),
  ...Object.entries(logicalOps).map(([name, op]) => logical(name, op)),
];
