import type { FusedBatchNormAttrs, LRNAttrs, LRNGradAttrs, SoftmaxAttrs } from '@tensorflow/tfjs-core';
import type { GraphBuilder, Ref } from '../graph.ts';
import { defineKernel, inputOf, type Kernel, type LoweredCall, normalAxes, numberOf } from '../kernel.ts';
import { toChannelsFirst, toChannelsLast } from '../layout.ts';

const softmax = defineKernel<'logits', SoftmaxAttrs>(
  'Softmax',
  ({ logits }, { dim }) => ({
    inputs: [logits],
    shape: logits.shape,
    dtype: 'float32',
    attributes: { axis: normalAxes(dim, logits.shape)[0] ?? 0 },
  }),
  (graph, call) =>
    graph.op('Softmax', [graph.ref(inputOf(call, 0))], { axis: numberOf(call.attributes, 'axis') }),
);

/** (x - mean) / sqrt(variance + epsilon) * scale + offset, where scale and offset may be left out. */
const fusedBatchNorm = defineKernel<'x' | 'mean' | 'variance', FusedBatchNormAttrs, 'offset' | 'scale'>(
  'FusedBatchNorm',
  ({ x, mean, variance, offset, scale }, { varianceEpsilon }) => ({
    inputs: [x, mean, variance, ...(scale ? [scale] : []), ...(offset ? [offset] : [])],
    shape: x.shape,
    dtype: 'float32',
    attributes: { epsilon: varianceEpsilon, scaled: scale !== undefined, offset: offset !== undefined },
  }),
  (graph, call) => {
    const [x, mean, variance] = [inputOf(call, 0), inputOf(call, 1), inputOf(call, 2)];
    const { scaled, offset: moved } = call.attributes;
    const epsilon = numberOf(call.attributes, 'epsilon');
    const scale = scaled === true ? graph.ref(inputOf(call, 3)) : undefined;
    const offset = moved === true ? graph.ref(inputOf(call, scaled === true ? 4 : 3)) : undefined;

    // In inference ONNX Runtime makes its own operator for this part of the convolution before it.
    const perChannel = mean.shape.length === 1 && x.shape.length === 4;
    if (!graph.plan.training && perChannel && scale !== undefined && offset !== undefined) {
      const image = toChannelsFirst(graph, graph.ref(x), x.shape);
      const inputs = [image, scale, offset, graph.ref(mean), graph.ref(variance)];
      const normal = graph.op('BatchNormalization', inputs, { epsilon: { float: epsilon } });
      return toChannelsLast(graph, normal, call.shape);
    }
    const deviation = graph.op('Sqrt', [graph.op('Add', [graph.ref(variance), graph.float(epsilon)])]);
    const factor = graph.op('Div', [scale ?? graph.float(1), deviation]);
    const normal = graph.op('Mul', [graph.op('Sub', [graph.ref(x), graph.ref(mean)]), factor]);
    return offset === undefined ? normal : graph.op('Add', [normal, offset]);
  },
);

/** For each channel the sum over itself and `radius` neighbours on both sides, as a product with a band matrix. */
function sumOfNeighbours(graph: GraphBuilder, x: Ref, channels: number, radius: number): Ref {
  const band = Array.from({ length: channels ** 2 }, (_, place) => {
    const [row, column] = [Math.floor(place / channels), place % channels];
    return Number(Math.abs(row - column) <= radius);
  });
  return graph.op('MatMul', [x, graph.floats(band, [channels, channels])]);
}

/** bias + alpha * (sum of the squares of the neighbouring channels) */
function localNorm(graph: GraphBuilder, x: Ref, { shape, attributes }: LoweredCall): Ref {
  const squares = graph.op('Mul', [x, x]);
  const sum = sumOfNeighbours(graph, squares, shape[3] ?? 1, numberOf(attributes, 'depthRadius'));
  const scaled = graph.op('Mul', [sum, graph.float(numberOf(attributes, 'alpha'))]);
  return graph.op('Add', [scaled, graph.float(numberOf(attributes, 'bias'))]);
}

const toThePowerOfMinusBeta = (graph: GraphBuilder, norm: Ref, { attributes }: LoweredCall) =>
  graph.op('Pow', [norm, graph.float(-numberOf(attributes, 'beta'))]);

const lrn = defineKernel<'x', LRNAttrs>(
  'LRN',
  ({ x }, { depthRadius, bias, alpha, beta }) => ({
    inputs: [x],
    shape: x.shape,
    dtype: x.dtype,
    attributes: { depthRadius, bias, alpha, beta },
  }),
  (graph, call) => {
    const x = graph.ref(inputOf(call, 0));
    return graph.op('Mul', [x, toThePowerOfMinusBeta(graph, localNorm(graph, x, call), call)]);
  },
);

/** dx = dy norm^-beta - 2 alpha beta x sum(dy y / norm), where the sum is over the neighbours again. */
const lrnGrad = defineKernel<'x' | 'y' | 'dy', LRNGradAttrs>(
  'LRNGrad',
  ({ x, y, dy }, { depthRadius, bias, alpha, beta }) => ({
    inputs: [x, y, dy],
    shape: dy.shape,
    dtype: x.dtype,
    attributes: { depthRadius, bias, alpha, beta },
  }),
  (graph, call) => {
    const [x, y, dy] = [0, 1, 2].map((place) => graph.ref(inputOf(call, place))) as [Ref, Ref, Ref];
    const norm = localNorm(graph, x, call);
    const [alpha, beta] = [numberOf(call.attributes, 'alpha'), numberOf(call.attributes, 'beta')];
    const weighted = graph.op('Div', [graph.op('Mul', [dy, y]), norm]);
    const radius = numberOf(call.attributes, 'depthRadius');
    const through = graph.op('Mul', [x, sumOfNeighbours(graph, weighted, call.shape[3] ?? 1, radius)]);
    const direct = graph.op('Mul', [dy, toThePowerOfMinusBeta(graph, norm, call)]);
    return graph.op('Sub', [direct, graph.op('Mul', [through, graph.float(2 * alpha * beta)])]);
  },
);

export const normalizations: readonly Kernel[] = [softmax, fusedBatchNorm, lrn, lrnGrad];
