/** Saves checkpoints until it is killed: `saver.ts FOLDER FIRST_EPOCH ELEMENTS`. Prints each epoch that is saved. */
import { readyToGo } from '../../../registry/testing/processes.ts';
import { Checkpoints } from '../../checkpoint.ts';
import { sampleCheckpoint } from './sample.ts';

const [folder = '', first = '', elements = ''] = process.argv.slice(2);
const checkpoints = new Checkpoints(folder, { keep: 2 });

await readyToGo();
for (let epoch = Number(first); ; epoch++) {
  await checkpoints.save(sampleCheckpoint(epoch, Number(elements)));
  process.stdout.write(`saved ${epoch}\n`);
}
