import type { IncomingMessage } from 'node:http';
import { z } from 'zod';
import { type Part, parseJson, parseMultipart, readBody, validate } from '../body.ts';
import { RequestError } from '../errors.ts';
import type { Limits } from '../state.ts';

/** What this server reads of a SeldonMessage (proto/prediction.proto); other keys are let through unread. */
const messageSchema = z.object({
  meta: z
    .object({ puid: z.string().max(1000).optional(), tags: z.record(z.string(), z.unknown()).optional() })
    .optional(),
  data: z
    .object({
      names: z.array(z.string()).optional(),
      ndarray: z.unknown().optional(),
      tensor: z.object({ shape: z.array(z.int().min(0)).max(9), values: z.array(z.unknown()) }).optional(),
    })
    .refine(
      (data) => (data.ndarray === undefined) !== (data.tensor === undefined),
      'expected one of "ndarray" and "tensor"',
    ),
});

const feedbackSchema = z.object({ reward: z.number().optional() });

export type SeldonMessage = z.infer<typeof messageSchema>;

export function parseMessage(json: unknown): SeldonMessage {
  const other = ['binData', 'strData', 'jsonData'].find((key) => isRecord(json) && key in json);
  if (other && isRecord(json) && json.data === undefined)
    throw new RequestError(
      400,
      `this model takes numbers: expected "data" with "ndarray" or "tensor", got "${other}"`,
    );
  return validate(messageSchema, json, 'a SeldonMessage, {"data":{"ndarray":[[...]]}}');
}

export function parseFeedback(json: unknown): z.infer<typeof feedbackSchema> {
  return validate(feedbackSchema, json, 'feedback, {"request":..,"response":..,"reward":1}');
}

/**
 * The message in a request, looked for where Seldon's wrapper looks, in its order (flask_utils.get_request): the
 * parts of a multipart form; the form or query field `json`; the body as JSON.
 */
export async function readMessage(
  request: IncomingMessage,
  query: string | string[] | undefined,
  { bodyBytes }: Limits,
): Promise<unknown> {
  const type = request.headers['content-type'] ?? '';
  const body = await readBody(request, bodyBytes);
  if (type.includes('multipart/form-data')) return fromParts(body, type);
  const field = type.includes('x-www-form-urlencoded')
    ? new URLSearchParams(body.toString()).get('json')
    : undefined;
  const text = field || (Array.isArray(query) ? query[0] : query);
  if (text) return parseJson(Buffer.from(text));
  if (body.length === 0)
    throw new RequestError(400, 'no message: expected JSON in the body, or in a form or query field "json"');
  return parseJson(body); // also JSON that curl -d labels as a form
}

async function fromParts(body: Buffer, type: string): Promise<unknown> {
  const parts = await parseMultipart(body, type);
  const whole = parts.find(({ name }) => name === 'json');
  if (whole) return parseJson(whole.content);
  return Object.fromEntries(parts.map((part) => [part.name, readPart(part)]));
}

function readPart({ name, isFile, content }: Part): unknown {
  if (name === 'strData') return content.toString();
  if (name === 'binData' && isFile) return content.toString('base64');
  return parseJson(content);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
