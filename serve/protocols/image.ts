import Router from '@koa/router';
import { datasetLabel } from '../../registry/manifest.ts';
import type { TensorSpec } from '../../registry/signature.ts';
import type { AppDeps } from '../app.ts';
import { parseMultipart, readBody } from '../body.ts';
import { plainError, RequestError, reportErrors } from '../errors.ts';
import { decodeImage, isImage } from '../image/decode.ts';
import { centreInk } from '../image/ink.ts';
import type { LoadedModel } from '../model.ts';
import type { RequestState } from '../state.ts';
import { show, type Tensor, toFlat } from '../tensor.ts';

/** Images for people: a PNG or JPEG of any size in, a label and the probabilities out. */
export function imageRoutes({ serving, log, limits }: AppDeps): Router<RequestState> {
  const router = new Router<RequestState>();
  router.use(reportErrors(plainError, log));

  router.post('/classify', async (ctx) => {
    ctx.state.protocol = 'image';
    const model = serving.loaded;
    const { input, side, range } = imageInput(model);
    const body = await readBody(ctx.req, limits.bodyBytes);
    const file = await imageOf(body, ctx.get('content-type'));
    const ink = await centreInk(await decodeImage(file), side);
    const [low, high] = range;
    const data = ink.map((value) => low + value * (high - low));
    const shape = input.shape.map((dimension) => (dimension === -1 ? 1 : dimension));
    const answers = await model.predict({ [input.name]: { dtype: 'float32', shape, data } });
    ctx.body = answer(model, answers[scores(model).name]);
    ctx.state.rows = 1;
  });
  return router;
}

/** Smaller squares are tables that happen to have 4 or 9 columns. */
const smallestSide = 8;

interface ImageInput {
  readonly input: TensorSpec;
  /** Pixels in a row and in a column. */
  readonly side: number;
  /** The values of background and ink. */
  readonly range: readonly [number, number];
}

/**
 * A model takes images when its one input is rows of a square number of floats, [-1, N*N] or [-1, N, N, 1], that
 * its contract bounds on both sides.
 */
function imageInput({ manifest, contract }: LoadedModel): ImageInput {
  const { inputs } = manifest.signature;
  const [input] = inputs;
  const side = input && sideOf(input);
  const [low, high] = contract.features[0]?.range ?? [];
  const alone = inputs.length === 1 && contract.features.length === 1;
  if (input && side !== undefined && alone && typeof low === 'number' && typeof high === 'number')
    return { input, side, range: [low, high] };
  const taken = inputs.map((spec) => `${spec.name} ${spec.dtype} ${show(spec.shape)}`);
  throw new RequestError(404, `this model does not take images; its input is ${taken.join(', ')}`);
}

function sideOf({ dtype, shape: [, ...row] }: TensorSpec): number | undefined {
  const [height = 0, width, channels] = row;
  const side = row.length === 1 ? Math.sqrt(height) : height;
  const square = row.length === 1 || (row.length === 3 && width === height && channels === 1);
  return dtype === 'float32' && square && Number.isInteger(side) && side >= smallestSide ? side : undefined;
}

/** The file of a multipart form, or the whole body. */
async function imageOf(body: Buffer, type: string): Promise<Buffer> {
  const file = type.includes('multipart/form-data')
    ? (await parseMultipart(body, type)).find((part) => part.isFile)?.content
    : body;
  if (!file || file.length === 0)
    throw new RequestError(400, 'no image: send it as the body, or as a file in a multipart form');
  if (!isImage(file)) throw new RequestError(415, 'expected a PNG or JPEG image, got something else');
  return file;
}

/** The first output of floats, one value a class. */
function scores({ manifest }: LoadedModel): TensorSpec {
  const spec = manifest.signature.outputs.find(
    ({ dtype, shape }) => dtype === 'float32' && shape.length === 2,
  );
  if (spec) return spec;
  throw new RequestError(404, 'this model gives no probabilities by class');
}

function answer({ manifest }: LoadedModel, output: Tensor | undefined) {
  if (!output) throw new Error('the model gave no probabilities');
  const probabilities = toFlat(output).map(Number);
  return {
    model: manifest.model,
    version: manifest.version,
    label: probabilities.indexOf(Math.max(...probabilities)),
    probabilities,
    dataset: datasetLabel(manifest.dataset),
  };
}
