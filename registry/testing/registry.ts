import { Registry } from '../registry.ts';
import { DirectoryStore } from '../store/directory.ts';
import { temporaryFolder } from './folder.ts';

/** An empty registry in a folder of its own. */
export async function temporaryRegistry() {
  const folder = await temporaryFolder();
  return {
    registry: new Registry(new DirectoryStore(folder.path)),
    path: folder.path,
    [Symbol.asyncDispose]: async () => folder[Symbol.asyncDispose](),
  };
}
