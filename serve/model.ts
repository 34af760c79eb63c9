import { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node';
import { UserError } from '../cli/errors.ts';
import { type Contract, featureNames, parseContract, targetNames } from '../registry/contract.ts';
import { files, type Manifest } from '../registry/manifest.ts';
import type { TensorSpec } from '../registry/signature.ts';
import { RequestError } from './errors.ts';
import { allocate, rowWidth, show, sizeOf, type Tensor } from './tensor.ts';

/** Where a version's files come from; every byte is checked against its digest by whoever reads it. */
export interface ModelSource {
  readonly manifest: Manifest;
  readFile(path: string): Promise<Uint8Array>;
}

export type Tensors = Readonly<Record<string, Tensor>>;

/** A version, checked against its signature and warmed up. It knows of the model only what its manifest says. */
export interface LoadedModel {
  readonly manifest: Manifest;
  readonly contract: Contract;
  /** The bytes of contract.json, as they were published. */
  readonly contractFile: Uint8Array;
  /**
   * All outputs for tensors that fit the signature. The one place where the model runs: rows that wait could be
   * put together here.
   * @throws RequestError 400 when the inputs disagree on the number of rows.
   */
  predict(inputs: Tensors): Promise<Tensors>;
  release(): Promise<void>;
}

/** Batches run before the first request: the first runs of each size allocate memory and are slow. */
const warmUpBatches = [1, 1, 1, 1, 1, 8, 32, 1];

/** @throws UserError when the files don't fit the manifest or the model can't run. */
export async function loadModel(source: ModelSource): Promise<LoadedModel> {
  const { manifest } = source;
  const name = `${manifest.model} version ${manifest.version}`;
  const contractFile = await source.readFile(files.contract);
  const contract = parseContract(new TextDecoder().decode(contractFile), `contract.json of ${name}`);
  const session = await open(await source.readFile(files.model), name);
  try {
    checkSession(session, manifest, name);
    checkContract(contract, manifest, name);
    const predict = predictor(session, manifest);
    await warmUp(predict, manifest, name);
    return { manifest, contract, contractFile, predict, release: () => session.release() };
  } catch (error) {
    await session.release();
    throw error;
  }
}

async function open(model: Uint8Array, name: string): Promise<InferenceSession> {
  try {
    return await InferenceSession.create(model, {
      graphOptimizationLevel: 'all',
      // Requests come side by side: a thread each serves more of them than all threads for one.
      intraOpNumThreads: 1,
      interOpNumThreads: 1,
      logSeverityLevel: 3,
    });
  } catch (error) {
    throw new UserError(`model.onnx of ${name} can't be opened: ${messageOf(error)}`);
  }
}

function predictor(session: InferenceSession, { signature }: Manifest): LoadedModel['predict'] {
  return async (inputs) => {
    const rows = new Set(Object.values(inputs).map((tensor) => tensor.shape[0]));
    if (rows.size > 1)
      throw new RequestError(400, `the inputs have different numbers of rows: ${[...rows].join(' and ')}`);
    const answers = await session.run(
      Object.fromEntries(
        Object.entries(inputs).map(([name, { dtype, data, shape }]) => [
          name,
          new OrtTensor(dtype, data, shape),
        ]),
      ),
    );
    return Object.fromEntries(
      signature.outputs.map((spec) => [spec.name, readOutput(spec, answers[spec.name])]),
    );
  };
}

function readOutput(spec: TensorSpec, value: InferenceSession.OnnxValueMapType[string] | undefined): Tensor {
  if (!(value instanceof OrtTensor) || value.type !== spec.dtype)
    throw new Error(`the output "${spec.name}" is not the ${spec.dtype} tensor that the signature promises`);
  return { dtype: spec.dtype, shape: value.dims, data: value.data as Tensor['data'] };
}

async function warmUp(predict: LoadedModel['predict'], { signature }: Manifest, name: string) {
  try {
    for (const rows of warmUpBatches) {
      const outputs = await predict(
        Object.fromEntries(signature.inputs.map((spec) => [spec.name, zeros(spec, rows)])),
      );
      for (const spec of signature.outputs) checkOutputShape(spec, outputs[spec.name]?.shape ?? []);
    }
  } catch (error) {
    throw new UserError(`${name} does not run as its signature says: ${messageOf(error)}`);
  }
}

function zeros(spec: TensorSpec, rows: number): Tensor {
  const shape = spec.shape.map((dimension, i) => (dimension === -1 ? (i === 0 ? rows : 1) : dimension));
  return { dtype: spec.dtype, shape, data: allocate(spec.dtype, sizeOf(shape)) };
}

function checkOutputShape(spec: TensorSpec, shape: readonly number[]) {
  if (!sameDimensions(spec.shape, shape))
    throw new Error(`the output "${spec.name}" has shape ${show(shape)}, expected ${show(spec.shape)}`);
}

/** The file's own inputs and outputs against the manifest's: names, types, shapes. */
function checkSession(session: InferenceSession, { signature }: Manifest, name: string) {
  compare('input', signature.inputs, session.inputMetadata, name);
  compare('output', signature.outputs, session.outputMetadata, name);
}

function compare(
  kind: 'input' | 'output',
  promised: readonly TensorSpec[],
  found: readonly InferenceSession.ValueMetadata[],
  name: string,
) {
  const promisedNames = promised.map((spec) => spec.name).sort();
  const foundNames = found.map((value) => value.name).sort();
  if (promisedNames.join('\n') !== foundNames.join('\n'))
    throw new UserError(
      `${name}: model.onnx has the ${kind}s ${foundNames.join(', ')}; its signature says ${promisedNames.join(', ')}.`,
    );
  for (const spec of promised) {
    const value = found.find((each) => each.name === spec.name);
    if (!value?.isTensor || value.type !== spec.dtype)
      throw new UserError(
        `${name}: the ${kind} "${spec.name}" is ${value?.isTensor ? value.type : 'no tensor'} in model.onnx, ${spec.dtype} in its signature.`,
      );
    // An ONNX file may leave a shape out; the warm-up then shows what it is.
    const dimensions = value.shape.map((dimension) => (typeof dimension === 'number' ? dimension : -1));
    if (dimensions.length > 0 && !sameDimensions(dimensions, spec.shape))
      throw new UserError(
        `${name}: the ${kind} "${spec.name}" has shape ${show(dimensions)} in model.onnx, ${show(spec.shape)} in its signature.`,
      );
  }
}

/** Equal dimension by dimension, where -1 on either side fits anything. */
function sameDimensions(a: readonly number[], b: readonly number[]): boolean {
  return (
    a.length === b.length && a.every((dimension, i) => dimension === -1 || b[i] === -1 || dimension === b[i])
  );
}

/** With one tensor on a side, the contract's columns are the values of its rows. */
function checkContract(contract: Contract, { signature }: Manifest, name: string) {
  const sides = [
    ['features', featureNames(contract), signature.inputs],
    ['targets', targetNames(contract), signature.outputs],
  ] as const;
  for (const [side, names, specs] of sides) {
    const [spec] = specs;
    const width = specs.length === 1 && spec ? rowWidth(spec) : undefined;
    if (width !== undefined && width !== names.length)
      throw new UserError(
        `${name}: contract.json has ${names.length} ${side}, but its signature has ${width} values a row.`,
      );
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
