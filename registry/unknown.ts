import type { AliasDocument } from './alias.ts';

/** What to tell somebody who asked for what isn't there: what is, and what to do. */

export function unknownModel(model: string, models: readonly string[], url: string): string {
  if (models.length === 0)
    return `There is no model ${model} in the registry ${url}: it is empty. npm run pipeline publishes a first version.`;
  return `There is no model ${model} in the registry ${url}; it has: ${models.join(', ')}.`;
}

export function unknownVersion(model: string, version: number, versions: readonly number[]): string {
  return `Model ${model} has no version ${version}; it has: ${shortened(versions)}.`;
}

export function unknownAlias(
  model: string,
  alias: string,
  aliases: readonly AliasDocument[],
  versions: readonly number[],
): string {
  const known = aliases.map((each) => each.alias).join(', ') || 'none';
  return (
    `Model ${model} has no alias ${alias}; it has: ${known} (versions: ${shortened(versions)}). ` +
    `To make it: npm run registry -- promote ${model}@${versions.at(-1)} ${alias}`
  );
}

function shortened(versions: readonly number[]): string {
  if (versions.length <= 8) return versions.join(', ');
  return `${versions.slice(0, 3).join(', ')} ... ${versions.slice(-3).join(', ')}`;
}
