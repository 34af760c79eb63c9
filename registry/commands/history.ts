import { UserError } from '../../cli/errors.ts';
import type { HistoryEntry } from '../history.ts';
import { openRegistry } from '../open.ts';
import { table } from '../table.ts';
import { unknownModel } from '../unknown.ts';
import { print, printJson, registryCommand } from './command.ts';
import { time } from './format.ts';

export const historyCommand = registryCommand('history', 'who published and moved what, when and why')
  .argument('<model>')
  .action(async (model, { registry: url, json }) => {
    const registry = openRegistry(url);
    const entries = await registry.history(model);
    if (entries.length === 0)
      throw new UserError(unknownModel(model, await registry.models(), registry.store.url));
    if (json) return printJson(entries);
    const rows = entries.map((entry) => [time(entry.at), ...described(entry), entry.by]);
    print(table(['TIME (UTC)', 'WHAT', 'VERSION', 'DETAILS', 'BY'], rows));
  });

function described(entry: HistoryEntry): [what: string, version: string, details: string] {
  const version = String(entry.version);
  switch (entry.event) {
    case 'publish':
      return ['published', version, ''];
    case 'decision':
      return ['gate', version, decided(entry)];
    case 'move':
      return [entry.kind, version, moved(entry)];
  }
}

function decided({ alias, decision, forced }: Extract<HistoryEntry, { event: 'decision' }>): string {
  if (decision.passed) return `passed for ${alias}`;
  const failed = decision.rules.filter(({ passed }) => !passed).map(({ rule }) => rule);
  return `refused for ${alias}: ${failed.join(', ')}${forced ? ' (overruled)' : ''}`;
}

function moved({
  alias,
  previous,
  version,
  forced,
  reason,
}: Extract<HistoryEntry, { event: 'move' }>): string {
  return `${alias}: ${previous ?? 'none'} -> ${version}${forced ? ', FORCED' : ''}: ${reason}`;
}
