import { z } from 'zod';
import type { Answers } from '../../registry/contract.ts';
import type { Request } from './client.ts';
import { type Form, rowsOf, WrongAnswer } from './forms.ts';

type Kind = 'ndarray' | 'tensor';

/**
 * What Seldon's own clients parse, strictly as they do: an unknown key at the top, in `data` or in `meta` makes an
 * answer useless to them (proto/prediction.proto).
 */
const answerSchema = z.strictObject({
  status: z.unknown().optional(),
  meta: z.strictObject({
    puid: z.string().optional(),
    tags: z.record(z.string(), z.unknown()).optional(),
    routing: z.record(z.string(), z.number()).optional(),
    requestPath: z.record(z.string(), z.string()).optional(),
    metrics: z.array(z.unknown()).optional(),
  }),
  data: z.strictObject({
    names: z.array(z.string()),
    ndarray: z.array(z.unknown()).optional(),
    tensor: z.strictObject({ shape: z.array(z.int().min(0)), values: z.array(z.unknown()) }).optional(),
  }),
});

const errorSchema = z.object({
  status: z.object({ code: z.int(), info: z.string(), reason: z.string(), status: z.unknown() }),
});

const byQuery = 'GET /predict?json=';

const json = { 'content-type': 'application/json' };

/** Where in a request the message lies: what Seldon's testers, old and new, and its documents use. */
const carriers: Record<string, (data: object) => Request> = {
  'POST /predict, form field json': (data) => ({
    path: '/predict',
    method: 'POST',
    body: new URLSearchParams({ json: JSON.stringify({ data }) }),
  }),
  'POST /predict, form field json and isDefault': (data) => ({
    path: '/predict',
    method: 'POST',
    body: new URLSearchParams({ json: JSON.stringify({ data }), isDefault: 'True' }),
  }),
  'POST /predict, JSON body': (data) => ({
    path: '/predict',
    method: 'POST',
    headers: json,
    body: JSON.stringify({ data }),
  }),
  'POST /predict, multipart field data': (data) => ({
    path: '/predict',
    method: 'POST',
    body: multipart(data),
  }),
  'POST /api/v1.0/predictions, JSON body': (data) => ({
    path: '/api/v1.0/predictions',
    method: 'POST',
    headers: json,
    body: JSON.stringify({ data }),
  }),
  [byQuery]: (data) => ({
    path: `/predict?json=${encodeURIComponent(JSON.stringify({ data }))}`,
    method: 'GET',
  }),
};

function multipart(data: object): FormData {
  const form = new FormData();
  form.append('data', JSON.stringify(data));
  return form;
}

/** Every carrier with both payload kinds; the first is the plainest. */
export function seldonForms(names: readonly string[]): Form[] {
  return (['ndarray', 'tensor'] as const).flatMap((kind) =>
    Object.entries(carriers).map(([carrier, request]) => ({
      protocol: 'seldon' as const,
      name: `${carrier}, ${kind}`,
      oneRowOnly: carrier === byQuery,
      // Servers bound the length of an address: without names, which are optional, a wide row still fits.
      request: (rows) =>
        request(carrier === byQuery ? payload(kind, rows) : { names, ...payload(kind, rows) }),
      read: (answer) => read(kind, answer),
      checkError,
    })),
  );
}

function payload(kind: Kind, rows: readonly unknown[]) {
  if (kind === 'ndarray') return { ndarray: rows };
  const [first] = rows;
  return { tensor: { shape: [rows.length, Array.isArray(first) ? first.length : 0], values: rows.flat() } };
}

function read(kind: Kind, json: unknown): Answers {
  const parsed = answerSchema.safeParse(json);
  if (!parsed.success) throw new WrongAnswer(`not a Seldon answer: ${explain(parsed.error)}`);
  const { names, ndarray, tensor } = parsed.data.data;
  const found = ndarray ? 'ndarray' : tensor ? 'tensor' : 'neither';
  if (found !== kind || (ndarray && tensor))
    throw new WrongAnswer(`asked with ${kind}, answered with ${found}`);
  return { names, rows: tensor ? rowsOf(tensor.shape, tensor.values) : ndarray };
}

function checkError(json: unknown): string | undefined {
  const parsed = errorSchema.safeParse(json);
  return parsed.success
    ? undefined
    : `the error is not {"status":{"code","info","reason","status"}}: ${explain(parsed.error)}`;
}

function explain(error: z.ZodError): string {
  return z.prettifyError(error).replaceAll('\n', ' ').slice(0, 200);
}
