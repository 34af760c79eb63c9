/** Holds a scratch folder until it is killed: `scratch-holder.ts ROOT STAGE FINGERPRINT`. Prints where it is. */
import { setTimeout } from 'node:timers/promises';
import type { Fingerprint } from '../fingerprint.ts';
import { Scratch } from '../scratch.ts';

const [root = '', stage = '', fingerprint = ''] = process.argv.slice(2);
const scratch = await Scratch.open({ root, stage, fingerprint: fingerprint as Fingerprint });
process.stdout.write(`${scratch.folder}\n`);
await setTimeout(60_000);
