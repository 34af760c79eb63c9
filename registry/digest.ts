import { createHash } from 'node:crypto';
import { z } from 'zod';

/** SHA-256 of some content, as 64 lower-case hexadecimal digits. */
export const digestSchema = z
  .string()
  .regex(/^[0-9a-f]{64}$/, 'a SHA-256 digest is 64 hexadecimal digits')
  .brand<'Digest'>();
export type Digest = z.infer<typeof digestSchema>;

export function digestOf(content: Uint8Array | string): Digest {
  return createHash('sha256').update(content).digest('hex') as Digest;
}
