import { table } from '../../registry/table.ts';
import { rounded, type Spread, spreadText } from '../statistics.ts';
import type { Network } from './networks.ts';
import { type Way, wayText } from './peer.ts';

/** Images per second unless said otherwise. */
export interface Result {
  readonly preset: Network;
  readonly batch: number;
  readonly ours: Spread;
  /** The best of PyTorch's ways, by median. */
  readonly peer: { readonly way: Way; readonly rate: Spread } | undefined;
  /** GFLOP/s of matrix products alone. */
  readonly limit: Spread;
  /** Of the limit, the share that the training's products are. */
  readonly share: number;
  /** Load of the machine before and after. */
  readonly load: readonly [number, number];
}

/** What is kept of a result. */
export function record({ preset, batch, ours, peer, share, load }: Result, rounds: number, version = '') {
  return {
    bench: 'train',
    preset,
    batch,
    ratio: peer === undefined ? null : rounded(ours.median / peer.rate.median),
    imagesPerSecond: rounded(ours.median),
    peerImagesPerSecond: peer === undefined ? null : rounded(peer.rate.median),
    peer: peer === undefined ? null : `torch ${version}, ${wayText(peer.way)}`,
    share: rounded(share),
    rounds,
    load,
  };
}

const headings = [
  'PRESET',
  'BATCH',
  'OURS',
  'PYTORCH',
  'ITS BEST WAY',
  'RATIO',
  'LIMIT, GFLOP/S',
  'SHARE',
  'LOAD',
];

export function resultTable(results: readonly Result[]): string {
  return table(
    headings,
    results.map(({ preset, batch, ours, peer, limit, share, load }) => [
      preset,
      String(batch),
      spreadText(ours),
      peer === undefined ? '-' : spreadText(peer.rate),
      peer === undefined ? '-' : wayText(peer.way),
      peer === undefined ? '-' : (ours.median / peer.rate.median).toFixed(2),
      spreadText(limit),
      `${(share * 100).toFixed(0)} %`,
      load.map((each) => each.toFixed(2)).join(' to '),
    ]),
  );
}
