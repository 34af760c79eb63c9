import { UserError } from '../../cli/errors.ts';
import { datasetLabel } from '../manifest.ts';
import { openRegistry } from '../open.ts';
import type { Registry } from '../registry.ts';
import { table } from '../table.ts';
import { unknownModel } from '../unknown.ts';
import { print, printJson, registryCommand } from './command.ts';
import { accuracy, bytesOf, commit, size, time } from './format.ts';

export const listCommand = registryCommand('list', 'the versions of a model, or of all')
  .argument('[model]')
  .action(async (model, { registry: url, json }) => {
    const registry = openRegistry(url);
    const versions = await versionsOf(registry, model);
    if (json) return printJson(versions);
    if (versions.length === 0) return print(empty(registry));
    const rows = versions.map((each) => [
      each.model,
      String(each.version),
      time(each.created),
      accuracy(each.metrics.accuracy),
      datasetLabel(each.dataset),
      commit(each.code),
      size(bytesOf(each)),
      each.aliases.join(', '),
    ]);
    print(
      table(['MODEL', 'VERSION', 'CREATED (UTC)', 'ACCURACY', 'DATA', 'COMMIT', 'SIZE', 'ALIASES'], rows),
    );
  });

export const modelsCommand = registryCommand('models', 'the models, with their aliases').action(
  async ({ registry: url, json }) => {
    const registry = openRegistry(url);
    const models = await Promise.all(
      (await registry.models()).map(async (model) => {
        const versions = await registry.versions(model);
        const aliases = await registry.aliases(model);
        return {
          model,
          versions: versions.length,
          newest: versions.at(-1) ?? 0,
          aliases: Object.fromEntries(aliases.map(({ alias, version }) => [alias, version])),
        };
      }),
    );
    if (json) return printJson(models);
    if (models.length === 0) return print(empty(registry));
    const rows = models.map((each) => [
      each.model,
      String(each.versions),
      String(each.newest),
      Object.entries(each.aliases)
        .map(([alias, version]) => `${alias} = ${version}`)
        .join(', '),
    ]);
    print(table(['MODEL', 'VERSIONS', 'NEWEST', 'ALIASES'], rows));
  },
);

/** Each manifest, with the aliases that point at it now. */
async function versionsOf(registry: Registry, only: string | undefined) {
  const models = await registry.models();
  if (only !== undefined && (await registry.versions(only)).length === 0)
    throw new UserError(unknownModel(only, models, registry.store.url));
  const found = [];
  for (const model of only === undefined ? models : [only]) {
    const aliases = await registry.aliases(model);
    for (const version of await registry.versions(model)) {
      const names = aliases.filter((each) => each.version === version).map(({ alias }) => alias);
      found.push({ ...(await registry.manifest(model, version)), aliases: names });
    }
  }
  return found;
}

function empty(registry: Registry): string {
  return `The registry ${registry.store.url} is empty: npm run pipeline publishes a first version.`;
}
