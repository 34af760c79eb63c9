/** Adds to one counter by compare-and-swap and creates blobs: `store-worker.ts FOLDER TIMES BLOB_BYTES`. Prints what is done. */
import { randomBytes } from 'node:crypto';
import { digestOf } from '../digest.ts';
import { DirectoryStore } from '../store/directory.ts';
import { PreconditionFailed } from '../store/store.ts';
import { readyToGo } from './processes.ts';

const [folder = '', times = '', blobBytes = ''] = process.argv.slice(2);
const store = new DirectoryStore(folder);

await readyToGo();
for (let done = 0; done < Number(times); ) {
  const counter = await store.get('counter');
  if (counter === undefined) throw new Error('no counter');
  const next = JSON.stringify({ count: JSON.parse(Buffer.from(counter.body).toString()).count + 1 });
  try {
    await store.put('counter', Buffer.from(next), { ifMatch: counter.etag });
  } catch (error) {
    if (error instanceof PreconditionFailed) continue;
    throw error;
  }
  process.stdout.write('added\n');
  done++;
  const blob = randomBytes(Number(blobBytes));
  await store.put(`blobs/${digestOf(blob)}`, blob, { ifAbsent: true });
}
