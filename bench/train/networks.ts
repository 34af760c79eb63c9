import type { Preset } from '../../train/options.ts';

/** The networks that `peer.py` has as well. */
export const networks = ['default', 'seed', 'mnist-node'] as const satisfies readonly Preset[];
export type Network = (typeof networks)[number];
