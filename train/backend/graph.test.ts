import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { OnnxRuntimeBackend } from './backend.ts';
import { GraphBuilder, type Ref, UnsupportedKernel } from './graph.ts';
import { defineKernel } from './kernel.ts';
import { lowerings } from './kernels/all.ts';
import { createSession } from './native.ts';
import { planOf } from './plan.ts';
import { useOnnxRuntime } from './register.ts';
import { dataValue, Value } from './value.ts';

let backend: OnnxRuntimeBackend;
beforeAll(async () => {
  backend = await useOnnxRuntime({ threads: 1 });
});
afterAll(() => tf.removeBackend('onnxruntime'));

function graphOf(tensor: tf.Tensor) {
  const value = backend.valueBehind(tensor);
  const plan = planOf([value]);
  const graph = new GraphBuilder(lowerings, plan);
  plan.feeds.forEach((feed, i) => {
    graph.input(feed, `in${i}`);
  });
  const output = { name: 'out', type: value.dtype, shape: value.shape };
  return { graph, model: graph.build([output], [graph.ref(value)]) };
}

const kernelsIn = (graph: GraphBuilder) => [...graph.origins.keys()].map((name) => name.split('/')[0]);

test('equal expressions are one node', () => {
  const x = tf.tensor([1, 2]);
  const { graph } = graphOf(tf.add(tf.exp(x), tf.mul(tf.exp(x), tf.exp(x))));
  expect(kernelsIn(graph)).toEqual(['Exp', 'Multiply', 'Add']);
});

test('nodes that differ only in an attribute that is NaN or infinite are two', () => {
  const graph = new GraphBuilder(lowerings, { uses: new Map(), order: [], training: false });
  const x = graph.float(1);
  const elu = (alpha: number) => graph.op('Elu', [x], { alpha: { float: alpha } });
  expect(new Set([Number.NaN, Number.POSITIVE_INFINITY, 0, -0].map(elu)).size).toBe(4);
});

test('what depends on nothing that is fed is folded by ONNX Runtime', async () => {
  const x = tf.tensor([1, 2, 3, 4]);
  const constant = tf.add(tf.fill([3, 4], 2), tf.range(0, 4));
  const { model } = graphOf(tf.mul(x, tf.mul(constant, tf.zerosLike(constant))));
  const folder = await mkdtemp(join(tmpdir(), 'slipway-'));
  const optimizedModelFilePath = join(folder, 'optimized.onnx');
  const settings = { graphOptimizationLevel: 'all', logSeverityLevel: 4, optimizedModelFilePath } as const;
  createSession(model, settings).dispose();
  const left = (await readFile(optimizedModelFilePath, 'latin1')).match(/\w+\/t\d+/g) ?? [];
  expect(left.map((name) => name.split('/')[0])).toEqual(['Multiply']);
  await rm(folder, { recursive: true });
});

test('a kernel with several outputs is called once, and only for the outputs that are used', () => {
  const asked: number[] = [];
  const halves = defineKernel<'x'>(
    'Halves',
    () => {
      throw new Error('not recorded here');
    },
    (graph, call) => {
      asked.push(call.output);
      const x = graph.ref(call.inputs[0] as Value);
      return graph.outputs('Split', [x], 2, { axis: 0, num_outputs: 2 })[call.output] as Ref;
    },
  );
  const x = dataValue([4], 'float32', Float32Array.of(1, 2, 3, 4));
  const call = { kernel: 'Halves', inputs: [x], attributes: {}, depth: 1 };
  const half = (output: number) => new Value([2], 'float32', { kind: 'call', call, output });
  const [first, second] = [half(0), half(1)];

  const build = (outputs: readonly Value[]) => {
    const plan = planOf(outputs);
    const graph = new GraphBuilder(new Map([['Halves', halves.lower]]), plan);
    graph.input(x, 'x');
    const model = graph.build(
      outputs.map(({ dtype, shape }, i) => ({ name: `out${i}`, type: dtype, shape })),
      outputs.map((value) => graph.ref(value)),
    );
    return { plan, graph, session: createSession(model, { logSeverityLevel: 4 }) };
  };

  const both = build([second, first]);
  expect({ calls: both.plan.calls, nodes: both.graph.origins.size, uses: both.plan.uses.get(x) }).toEqual({
    calls: 1,
    nodes: 1,
    uses: 1,
  });
  if (x.source.kind !== 'data') throw new Error('x has data');
  const results = both.session.run({ x: x.source.tensor }, { out0: null, out1: null }, {});
  expect([results.out0?.data, results.out1?.data]).toEqual([Float32Array.of(3, 4), Float32Array.of(1, 2)]);
  asked.length = 0;
  build([second]);
  expect(asked).toEqual([1]);
});

test('a kernel that has no ONNX form is named', () => {
  const call = { kernel: 'Nothing', inputs: [], attributes: {}, depth: 1 };
  const value = new Value([], 'float32', { kind: 'call', call, output: 0 });
  expect(() => new GraphBuilder(new Map(), planOf([value])).ref(value)).toThrow(UnsupportedKernel);
  expect(() => new GraphBuilder(new Map(), planOf([value])).ref(value)).toThrow(/kernel Nothing/);
});
