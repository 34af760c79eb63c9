import { type Contract, featureNames } from '../registry/contract.ts';
import { datasetLabel, type Manifest } from '../registry/manifest.ts';

interface Served extends Pick<Manifest, 'model' | 'version' | 'dataset'> {
  readonly url: string;
  readonly contract: Contract;
}

/** What a person on a terminal sees once the server is ready. */
export function banner({ url, model, version, dataset, contract }: Served): string {
  const columns = featureNames(contract).length;
  const synthetic = dataset.synthetic ? ' (generated data, not the real set)' : '';
  return [
    '',
    `  ${model} version ${version}, trained on ${datasetLabel(dataset)}${synthetic}`,
    `  ${url}`,
    '',
    `  A row of ${columns} zeros, in the Seldon protocol:`,
    `  curl ${url}/predict -H 'Content-Type: application/json' \\`,
    `    -d '{"data":{"ndarray":[['$(seq -s, ${columns} | sed 's/[0-9]*/0/g')']]}}'`,
    '',
    `  Check it: npm run contract -- ${url}      Stop: Ctrl-C`,
    '',
    '',
  ].join('\n');
}
