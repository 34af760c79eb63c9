import type { Manifest } from '../manifest.ts';

/** In UTC, so that two people see the same. */
export function time(iso: string): string {
  return `${iso.slice(0, 10)} ${iso.slice(11, 19)}`;
}

export function accuracy(share: number): string {
  return `${Number((share * 100).toPrecision(6))} %`;
}

/** The commit that a version was made from; `+` when the code had changes that were not committed. */
export function commit({ commit, clean }: Manifest['code']): string {
  return commit === null ? '-' : `${commit.slice(0, 8)}${clean === false ? '+' : ''}`;
}

export function bytesOf({ files }: Manifest): number {
  return Object.values(files).reduce((sum, { bytes }) => sum + bytes, 0);
}

export function size(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  return bytes < 1_000_000 ? `${(bytes / 1000).toFixed(1)} kB` : `${(bytes / 1_000_000).toFixed(1)} MB`;
}
