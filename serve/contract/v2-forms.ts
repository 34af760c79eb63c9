import { z } from 'zod';
import type { Answers, Contract } from '../../registry/contract.ts';
import type { Client, Request } from './client.ts';
import { type Form, rowsOf, WrongAnswer } from './forms.ts';

const tensorSchema = z.object({
  name: z.string(),
  datatype: z.string(),
  shape: z.array(z.int()),
});

const metadataSchema = z.object({
  name: z.string(),
  versions: z.array(z.string()).optional(),
  inputs: z.tuple([tensorSchema]),
  outputs: z.array(tensorSchema).min(1),
});

const answerSchema = z.object({
  model_name: z.string(),
  outputs: z.array(tensorSchema.extend({ data: z.array(z.unknown()) })),
});

const errorSchema = z.object({ error: z.string().min(1) });

interface Endpoint {
  readonly model: z.infer<typeof metadataSchema>;
  readonly path: string;
  /** The output that the contract's targets are named after, else the first. */
  readonly output: string;
}

/**
 * The forms that a model's own metadata call for.
 * @throws WrongAnswer when the server does not describe the model as the protocol says.
 */
export async function v2Forms(client: Client, contract: Contract, name: string): Promise<Form[]> {
  const path = `/v2/models/${encodeURIComponent(name)}`;
  const model = await describeModel(client, path);
  const named = model.outputs.find((each) => each.name === contract.targets[0]?.name);
  const output = (named ?? model.outputs[0])?.name ?? '';
  const forms = [form('flat', { model, path, output }), form('nested', { model, path, output })];
  const version = model.versions?.at(-1);
  if (version === undefined) return forms;
  return [...forms, form('flat', { model, path: `${path}/versions/${version}`, output })];
}

async function describeModel(client: Client, path: string): Promise<Endpoint['model']> {
  const { status, text } = await client.get(path);
  if (status !== 200) throw new WrongAnswer(`GET ${path} answered ${status}`);
  try {
    return metadataSchema.parse(JSON.parse(text));
  } catch {
    throw new WrongAnswer(`GET ${path} did not answer with the metadata of a model of one input`);
  }
}

/** `layout` is how the data are written: both are legal. */
function form(layout: 'flat' | 'nested', { model, path, output }: Endpoint): Form {
  const [input] = model.inputs;
  return {
    protocol: 'v2',
    name: `POST ${path}/infer, ${layout}`,
    request: (rows): Request => {
      const data = layout === 'flat' ? rows.flat() : rows;
      const [first] = rows;
      const shape = [rows.length, ...tail(input.shape, Array.isArray(first) ? first.length : 0)];
      return {
        path: `${path}/infer`,
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ inputs: [{ name: input.name, datatype: input.datatype, shape, data }] }),
      };
    },
    read: (json) => read(json, model.name, output),
    checkError: (json) =>
      errorSchema.safeParse(json).success ? undefined : 'the error is not {"error":"text"}',
  };
}

/** Dimensions after the batch: the model's own where a whole row fills them, else what is sent. */
function tail(shape: readonly number[], columns: number): readonly number[] {
  const rest = shape.slice(1);
  const fits = rest.reduce((product, dimension) => product * dimension, 1) === columns;
  return fits ? rest : [columns];
}

function read(json: unknown, model: string, output: string): Answers {
  const parsed = answerSchema.safeParse(json);
  if (!parsed.success)
    throw new WrongAnswer(
      `not a v2 answer: ${z.prettifyError(parsed.error).replaceAll('\n', ' ').slice(0, 200)}`,
    );
  if (parsed.data.model_name !== model)
    throw new WrongAnswer(`asked for the model "${model}", answered as "${parsed.data.model_name}"`);
  const found = parsed.data.outputs.find((each) => each.name === output);
  if (!found) throw new WrongAnswer(`no output "${output}" in the answer`);
  return { rows: rowsOf(found.shape, found.data.flat(found.shape.length)) };
}
