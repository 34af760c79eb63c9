import { UsageError } from '../cli/errors.ts';
import type { AliasName, ModelName, Version } from './names.ts';
import { aliasNameSchema, modelNameSchema, versionSchema } from './names.ts';

/** The alias that a bare model name means, and that `promote` moves unless told otherwise. */
export const liveAlias = 'live';

export type Reference =
  | { readonly model: ModelName; readonly version: Version }
  | { readonly model: ModelName; readonly alias: AliasName };

/** Reads `mnist` (its alias `live`), `mnist@7` (a version) or `mnist@canary` (an alias). */
export function parseReference(text: string): Reference {
  const at = text.indexOf('@');
  const model = modelNameSchema.safeParse(at < 0 ? text : text.slice(0, at));
  const target = at < 0 ? liveAlias : text.slice(at + 1);
  if (model.success) {
    const version = versionSchema.safeParse(/^[1-9][0-9]*$/.test(target) ? Number(target) : undefined);
    if (version.success) return { model: model.data, version: version.data };
    const alias = aliasNameSchema.safeParse(target);
    if (alias.success) return { model: model.data, alias: alias.data };
  }
  throw new UsageError(
    `${JSON.stringify(text.slice(0, 200))} names no version: expected MODEL, MODEL@VERSION or MODEL@ALIAS, ` +
      'as in mnist, mnist@7 or mnist@live.',
  );
}
