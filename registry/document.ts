import { z } from 'zod';
import { UserError } from '../cli/errors.ts';
import type { Store } from './store/store.ts';

/** The bytes of a document, readable by people too. */
export function encodeDocument(document: object): Uint8Array {
  return Buffer.from(`${JSON.stringify(document, null, 2)}\n`);
}

/** Checks what a store holds under `key` against what this release of slipway knows. */
export function decodeDocument<T>(schema: z.ZodType<T>, body: Uint8Array, key: string, store: Store): T {
  const result = schema.safeParse(parsed(body));
  if (result.success) return result.data;
  throw new UserError(
    `${key} in ${store.url} is damaged, or was written by a newer slipway:\n${z.prettifyError(result.error)}\n` +
      'Restore it from a copy, or use the release that wrote it.',
  );
}

function parsed(body: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
  } catch {
    return undefined;
  }
}
