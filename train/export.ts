import { InferenceSession, Tensor as OnnxTensor } from 'onnxruntime-node';
import { type Contract, checkAnswers, generateRows, targetNames } from '../registry/contract.ts';
import type { ContractCheck, Parity } from '../registry/manifest.ts';
import type { Signature } from '../registry/signature.ts';
import { exportOnnx } from './backend/export.ts';
import { useOnnxRuntime } from './backend/register.ts';
import { answerOf } from './model/answer.ts';
import { type LayersFile, loadModel } from './model/file.ts';
import { ROW_SIZE } from './model/presets.ts';
import { answersOf, inputRows } from './predict.ts';

const INPUT = 'x';
const OUTPUT = 'class';
const BATCH = 500;
const CONTRACT_ROWS = 200;
const CONTRACT_SEED = 1;

export function signatureOf(classes: number): Signature {
  return {
    inputs: [{ name: INPUT, dtype: 'float32', shape: [-1, ROW_SIZE] }],
    outputs: [{ name: OUTPUT, dtype: 'float32', shape: [-1, classes] }],
  };
}

/** What clients may send and will get, in Seldon's format. */
export function contractOf(classes: number): Contract {
  return {
    features: [{ name: INPUT, dtype: 'FLOAT', ftype: 'continuous', range: [0, 1], repeat: ROW_SIZE }],
    targets: [
      {
        name: OUTPUT,
        dtype: 'FLOAT',
        ftype: 'continuous',
        range: [0, 1],
        repeat: classes,
        probabilities: true,
      },
    ],
  };
}

/** The model as one ONNX graph from rows of grey values in [0,1] to probabilities, for any batch size. */
export async function toOnnx(file: LayersFile): Promise<Uint8Array> {
  const backend = await useOnnxRuntime({ threads: 1 });
  const model = await loadModel(file);
  return exportOnnx(backend, (rows) => answerOf(model, rows, { training: false }), {
    input: { name: INPUT, shape: [ROW_SIZE] },
    output: { name: OUTPUT },
    weights: new Map(model.weights.map((weight) => [weight.originalName, weight.read()])),
  });
}

/** An exported model, answering through plain ONNX Runtime as a server will. */
export class ExportedModel {
  readonly #session: InferenceSession;

  private constructor(session: InferenceSession) {
    this.#session = session;
  }

  static async open(onnx: Uint8Array): Promise<ExportedModel> {
    return new ExportedModel(
      await InferenceSession.create(onnx, { graphOptimizationLevel: 'all', logSeverityLevel: 3 }),
    );
  }

  /** Rows [count, 784] to probabilities [count, classes]. */
  async answer(rows: Float32Array): Promise<Float32Array> {
    const count = rows.length / ROW_SIZE;
    const { [OUTPUT]: output } = await this.#session.run({
      [INPUT]: new OnnxTensor('float32', rows, [count, ROW_SIZE]),
    });
    if (!(output?.data instanceof Float32Array))
      throw new Error(`the exported model gives no float32 output "${OUTPUT}"`);
    return output.data;
  }

  close(): Promise<void> {
    return this.#session.release();
  }
}

/** Compares the exported model's answers on `images` with the trained model's `probabilities` [count, classes]. */
export async function parityOf(
  exported: ExportedModel,
  images: Uint8Array,
  probabilities: Float32Array,
  classes: number,
): Promise<Parity> {
  const count = images.length / ROW_SIZE;
  let largestDifference = 0;
  let differentAnswers = 0;
  for (let start = 0; start < count; start += BATCH) {
    const places = Uint32Array.from({ length: Math.min(BATCH, count - start) }, (_, i) => start + i);
    const actual = await exported.answer(inputRows(images, places));
    const expected = probabilities.subarray(start * classes, (start + places.length) * classes);
    actual.forEach((value, i) => {
      const difference = Math.abs(value - (expected[i] ?? Number.NaN));
      largestDifference = Math.max(
        largestDifference,
        Number.isNaN(difference) ? Number.MAX_VALUE : difference,
      );
    });
    const [answers, wanted] = [answersOf(actual, classes), answersOf(expected, classes)];
    differentAnswers += answers.reduce((sum, answer, i) => sum + Number(answer !== wanted[i]), 0);
  }
  return { images: count, largestDifference, differentAnswers };
}

/** Answers rows made from the contract and checks them against its targets. */
export async function contractCheckOf(exported: ExportedModel, contract: Contract): Promise<ContractCheck> {
  const rows = generateRows(contract, CONTRACT_ROWS, CONTRACT_SEED);
  const flat = await exported.answer(Float32Array.from(rows.flat()));
  const names = targetNames(contract);
  const answers = rows.map((_, row) =>
    Array.from(flat.subarray(row * names.length, (row + 1) * names.length)),
  );
  return { rows: rows.length, failures: checkAnswers(contract, { names, rows: answers }, rows.length) };
}
