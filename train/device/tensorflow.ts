import { createRequire } from 'node:module';
import util from 'node:util';
import { setBackend } from '@tensorflow/tfjs-core';
import { UserError } from '../../cli/errors.ts';

/** TensorFlow's own packages, the better one first. Both are the user's to install. */
export const tensorflowPackages = ['@tensorflow/tfjs-node-gpu', '@tensorflow/tfjs-node'] as const;

/** The first of the packages that loads is what computes; returns its name. */
export async function useTensorFlow(): Promise<string> {
  putBackWhatNodeRemoved();
  const broken: string[] = [];
  for (const name of tensorflowPackages.filter(isInstalled)) {
    try {
      await import(name);
      await setBackend('tensorflow');
      return name;
    } catch (error) {
      const [said = ''] = String(error instanceof Error ? error.message : error).split('\n');
      broken.push(
        `${name} is installed but does not load: ${said.trim()}\n` +
          `Let it fetch its library: npm rebuild ${name} --ignore-scripts=false`,
      );
    }
  }
  if (broken.length === 0)
    broken.push(
      `The device tensorflow needs ${tensorflowPackages.join(' or ')}, and neither is installed.\n` +
        `Install one: ${installTensorFlow}`,
    );
  throw new UserError(`${broken.join('\n')}\nOr take the device auto, which needs no more than is here.`);
}

/**
 * Packages run no code here when they are installed, unless told to; these fetch a native library that way.
 * npm installs an optional peer, which is what they are, only where it is asked for as something else.
 */
export const installTensorFlow = `npm install --no-save --save-dev --ignore-scripts=false ${tensorflowPackages[0]}@4.22.0`;

export function isInstalled(name: string): boolean {
  try {
    createRequire(import.meta.url).resolve(`${name}/package.json`);
    return true;
  } catch {
    return false;
  }
}

/** tfjs-node 4.22 calls `util.isNullOrUndefined`, which Node 23 removed, and `util.isArray`, which is deprecated. */
function putBackWhatNodeRemoved(): void {
  const removed = {
    isNullOrUndefined: (value: unknown) => value === null || value === undefined,
    isArray: Array.isArray,
  };
  for (const [name, replacement] of Object.entries(removed))
    if (!(name in util)) Object.assign(util, { [name]: replacement });
}
