import { InvalidArgumentError } from '@commander-js/extra-typings';
import { UsageError } from '../../cli/errors.ts';
import { defaultPolicy } from '../gate.ts';
import { gateTable } from '../gate-table.ts';
import { identity } from '../identity.ts';
import { datasetLabel } from '../manifest.ts';
import { openRegistry } from '../open.ts';
import { assertPromoted, type Promotion, promote } from '../promote.ts';
import { liveAlias } from '../reference.ts';
import { print, printJson, registryCommand } from './command.ts';

export const promoteCommand = registryCommand('promote', 'moves an alias to a version, if the gate lets it')
  .argument('<reference>', 'the candidate: MODEL@VERSION or MODEL@ALIAS')
  .argument('[alias]', 'the alias to move', liveAlias)
  .option('--force', 'overrule the gate; needs --reason')
  .option('--reason <text>', 'why; kept in the history')
  .action(async (name, alias, { registry: url, json, force, reason }) => {
    if (force && !reason?.trim())
      throw new UsageError('--force overrules the gate and needs --reason "..." (it goes into the history).');
    const registry = openRegistry(url);
    const { model, version } = await registry.resolve(name);
    const promotion = await promote(registry, {
      model,
      version,
      alias,
      policy: defaultPolicy,
      by: await identity(),
      reason: reason ?? 'promoted by hand',
      force: force && reason ? { reason } : undefined,
    });
    if (json) printJson(promotion);
    assertPromoted(promotion);
    if (!json) print(`${gateTable(promotion.decision)}\n\n${outcome(promotion)}`);
  });

export const rollbackCommand = registryCommand('rollback', 'moves an alias back to the version before')
  .argument('<model>')
  .argument('[alias]', 'the alias to move', liveAlias)
  .option('--to <version>', 'a version that was live before', positive)
  .option('--force', 'also to a version on synthetic data in place of one on real data; needs --reason')
  .option('--reason <text>', 'why; kept in the history')
  .addHelpText(
    'after',
    '\nA second rollback goes one step further back, never forward to what the first one left.',
  )
  .action(async (model, alias, { registry: url, json, to, force, reason }) => {
    if (force && !reason?.trim())
      throw new UsageError('--force needs --reason "..." (it goes into the history).');
    const registry = openRegistry(url);
    const by = await identity();
    const why = reason ?? 'rolled back by hand';
    const moved = await registry.rollback(model, alias, { to, force, reason: why, by });
    if (json) return printJson(moved);
    const { dataset } = await registry.manifest(model, moved.version);
    const data = dataset.synthetic ? ` (${datasetLabel(dataset)})` : '';
    print(`${model}@${alias} is version ${moved.version}${data} again; it was ${moved.previous}.`);
  });

function outcome({ model, alias, decision, moved, forced }: Promotion): string {
  const name = `${model}@${alias}`;
  if (!moved) return `${name} is version ${decision.candidate} already.`;
  return `${name} is now version ${decision.candidate}${forced ? ', by force: the gate refused it' : ''}.`;
}

function positive(text: string): number {
  if (!/^[1-9][0-9]{0,5}$/.test(text)) throw new InvalidArgumentError('a version is a number from 1 on');
  return Number(text);
}
