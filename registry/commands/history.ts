import { UserError } from '../../cli/errors.ts';
import type { DecisionEntry, HistoryEntry, MoveEntry } from '../history.ts';
import { openRegistry } from '../open.ts';
import { table } from '../table.ts';
import { unknownModel } from '../unknown.ts';
import { print, printJson, registryCommand } from './command.ts';
import { time } from './format.ts';

export const historyCommand = registryCommand('history', 'who published and moved what, when and why')
  .argument('<model>')
  .action(async (model, { registry: url, json }) => {
    const registry = openRegistry(url);
    const { entries, damaged } = await registry.history(model);
    if (entries.length + damaged.length === 0)
      throw new UserError(unknownModel(model, await registry.models(), registry.store.url));
    const rows = entries.map((entry) => [time(entry.at), ...described(entry), entry.by]);
    if (json) printJson(entries);
    else print(table(['TIME (UTC)', 'WHAT', 'VERSION', 'DETAILS', 'BY'], rows));
    if (damaged.length > 0) throw new UserError(damaged.map(({ message }) => message).join('\n\n'));
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

function decided({ alias, decision, forced }: DecisionEntry): string {
  if (decision.passed) return `passed for ${alias}`;
  const failed = decision.rules.filter(({ passed }) => !passed).map(({ rule }) => rule);
  return `refused for ${alias}: ${failed.join(', ')}${forced ? ' (overruled)' : ''}`;
}

function moved({ alias, previous, version, forced, reason }: MoveEntry): string {
  return `${alias}: ${previous ?? 'none'} -> ${version}${forced ? ', FORCED' : ''}: ${reason}`;
}
