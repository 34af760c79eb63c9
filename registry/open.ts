import { UserError } from '../cli/errors.ts';
import { Registry } from './registry.ts';
import { DirectoryStore } from './store/directory.ts';

const defaultFolder = '.slipway';

/** The registry at `url`, else at `SLIPWAY_REGISTRY`, else in `.slipway`. Nothing is made before the first write. */
export function openRegistry(url?: string): Registry {
  const place = url || process.env.SLIPWAY_REGISTRY || defaultFolder;
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(place))
    throw new UserError(
      `The registry can't be ${place}: only a folder is supported so far. ` +
        'Name one with --registry or SLIPWAY_REGISTRY.',
    );
  return new Registry(new DirectoryStore(place));
}
