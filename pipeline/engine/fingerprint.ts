import { type Digest, digestOf } from '../../registry/digest.ts';
import { canonicalJson } from './canonical-json.ts';
import type { StageOutput } from './stage.ts';

/** Identifies what a stage makes by what it is made from. A digest of content is not one. */
export type Fingerprint = Digest & { readonly __fingerprint: true };

/**
 * Everything that can change a stage's outcome. The machine is not part of it, so that an outcome can be made
 * on one machine and used on another; a stage for which it matters (a device, say) has it in its parameters.
 */
export interface StageIdentity {
  readonly stage: string;
  /** Of the stage's own code and the versions of the packages it imports. */
  readonly code: Digest;
  readonly parameters: unknown;
  /** The needed stages' outputs, by the names the stage reads them under. */
  readonly inputs: Readonly<Record<string, Digest>>;
}

export function fingerprintOf({ stage, code, parameters, inputs }: StageIdentity): Fingerprint {
  // Raise `format` when the engine itself changes what an outcome is: no older entry is used then.
  return digestOf(canonicalJson({ format: 1, stage, code, parameters, inputs })) as Fingerprint;
}

/** Independent of who made the output and when: a stage that makes the same again leaves the next ones cached. */
export function outputDigest({ values, files }: Pick<StageOutput, 'values' | 'files'>): Digest {
  const contents = Object.fromEntries(Object.entries(files).map(([name, file]) => [name, file.digest]));
  return digestOf(canonicalJson({ values, files: contents }));
}
