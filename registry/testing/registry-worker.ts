/**
 * `registry-worker.ts FOLDER publish NAME [TIMES]` or `registry-worker.ts FOLDER promote VERSION [TIMES]`. Prints a line for
 * each time.
 */
import { defaultPolicy } from '../gate.ts';
import { promote } from '../promote.ts';
import { Registry } from '../registry.ts';
import { DirectoryStore } from '../store/directory.ts';
import { readyToGo } from './processes.ts';
import { publishSample } from './sample.ts';

const [folder = '', action, what = '', times = '1'] = process.argv.slice(2);
const registry = new Registry(new DirectoryStore(folder));

await readyToGo();
for (let time = 0; time < Number(times); time++) {
  if (action === 'publish') {
    const { version } = await publishSample(registry, `${what}/${time}`);
    process.stdout.write(`published ${version}\n`);
  } else {
    const options = {
      model: 'mnist',
      version: Number(what),
      alias: 'live',
      policy: defaultPolicy,
      by: `promoter of ${what}`,
      reason: `time ${time}`,
    };
    const { moved } = await promote(registry, options);
    process.stdout.write(`moved ${moved}\n`);
  }
}
