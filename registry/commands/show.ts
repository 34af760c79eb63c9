import { UserError } from '../../cli/errors.ts';
import { datasetLabel } from '../manifest.ts';
import { openRegistry } from '../open.ts';
import { table } from '../table.ts';
import { print, printJson, registryCommand } from './command.ts';
import { accuracy, commit, size, time } from './format.ts';

const reference = 'MODEL (its alias live), MODEL@VERSION or MODEL@ALIAS';

export const showCommand = registryCommand('show', 'one version: what it is and what it was made from')
  .argument('<reference>', reference)
  .action(async (name, { registry: url, json }) => {
    const registry = openRegistry(url);
    const manifest = await registry.resolve(name);
    const aliases = (await registry.aliases(manifest.model))
      .filter(({ version }) => version === manifest.version)
      .map(({ alias }) => alias);
    if (json) return printJson({ ...manifest, aliases });

    const { metrics, dataset, parity, contract } = manifest;
    print(`${manifest.model}@${manifest.version}\n`);
    print(
      table(
        ['WHAT', 'VALUE'],
        [
          ['aliases', aliases.join(', ') || '-'],
          ['created (UTC)', time(manifest.created)],
          ['run', manifest.run],
          ['fingerprint', manifest.fingerprint],
          ['commit', commit(manifest.code)],
          ['data', datasetLabel(dataset)],
          ['training data', dataset.trainDigest],
          ['test data', dataset.testDigest],
          ['accuracy', accuracy(metrics.accuracy)],
          ['loss', String(metrics.loss)],
          ['calibration (ECE)', String(metrics.ece)],
          [
            'export',
            `difference ${parity.largestDifference}, ${parity.differentAnswers} other answers on ${parity.images} images`,
          ],
          ['contract', `${contract.failures.length} failures in ${contract.rows} rows`],
          ...Object.entries(manifest.parameters).map(([key, value]) => [`parameter ${key}`, String(value)]),
          ...Object.entries(manifest.environment).map(([key, value]) => [`environment ${key}`, value]),
        ],
      ),
    );
    const files = Object.entries(manifest.files).map(([path, { digest, bytes }]) => [
      path,
      size(bytes),
      digest,
    ]);
    print(`\n${table(['FILE', 'SIZE', 'SHA-256'], files)}`);
  });

export const verifyCommand = registryCommand('verify', 'reads every byte of a version and checks it')
  .argument('<reference>', reference)
  .action(async (name, { registry: url, json }) => {
    const registry = openRegistry(url);
    const { model, version } = await registry.resolve(name);
    const files = await registry.verify(model, version);
    const damaged = files.filter(({ state }) => state !== 'ok');
    if (json) printJson({ model, version, ok: damaged.length === 0, files });
    else
      print(
        table(
          ['FILE', 'STATE', 'SHA-256'],
          files.map(({ path, state, digest }) => [path, state, digest]),
        ),
      );
    if (damaged.length > 0)
      throw new UserError(
        `${model}@${version} is damaged: ${damaged.map(({ path, state }) => `${path} is ${state}`).join('; ')}. ` +
          `Restore ${registry.store.url} from a copy, or promote another version.`,
      );
    if (!json) print(`${model}@${version} is whole.`);
  });
