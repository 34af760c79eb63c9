import { UserError } from '../cli/errors.ts';
import type { AliasDocument } from './alias.ts';
import type { MoveEntry } from './history.ts';
import type { Registry } from './registry.ts';

export interface Rollback {
  /** A version that was live before; without it, the one before the present one. */
  readonly to?: number | undefined;
  /** Also to a version on synthetic data in place of one on real data. */
  readonly force?: boolean | undefined;
  readonly reason: string;
  readonly by: string;
}

/**
 * The versions that an alias would go back through, the present one last: a promotion adds its version, a rollback
 * takes away what it left. So a second rollback goes one step further back, never forward to what the first left;
 * and after 1, 2, 3, back to 2, then 4, a rollback leads to 2: 3 was found bad.
 */
export function trailOf(moves: readonly { kind: MoveEntry['kind']; version: number }[]): number[] {
  const trail: number[] = [];
  for (const { kind, version } of moves) {
    if (kind === 'rollback') {
      trail.pop();
      const target = trail.lastIndexOf(version);
      if (target >= 0) trail.length = target; // with all that came after it
    }
    if (trail.at(-1) !== version) trail.push(version);
  }
  return trail;
}

/**
 * Moves an alias back without asking the gate: whatever it goes to has been live there before. But as at the gate,
 * synthetic data never replaces real data, unless by force.
 */
export async function rollback(
  registry: Registry,
  model: string,
  alias: string,
  { to, force = false, reason, by }: Rollback,
): Promise<AliasDocument> {
  const seen = await registry.alias(model, alias);
  if (seen === undefined) throw new UserError(await registry.unknownAlias(model, alias));
  const moves = upTo(seen, await registry.moves(model, alias));
  if (to !== undefined) checkTarget(seen, moves, to);

  const earlier = to === undefined ? trailOf(moves).slice(0, -1).reverse() : [to];
  const refused = await syntheticOverReal(registry, seen, earlier);
  const version = earlier.find((each) => force || !refused.includes(each));
  if (version === undefined) throw new UserError(nowhereToGo(seen, refused));
  return await registry.moveAlias({
    model,
    alias,
    version,
    kind: 'rollback',
    by,
    reason,
    forced: refused.includes(version),
    gate: null,
    seen,
  });
}

/** What came after the alias as it was seen is another's move, which makes this one fail, or undone by a restored copy. */
function upTo(seen: AliasDocument, moves: readonly MoveEntry[]): readonly MoveEntry[] {
  return moves.slice(0, moves.findIndex(({ id }) => id === seen.id) + 1);
}

function checkTarget(
  { model, alias, version }: AliasDocument,
  moves: readonly MoveEntry[],
  to: number,
): void {
  const name = `${model}@${alias}`;
  if (to === version) throw new UserError(`${name} is version ${to} already; name another one with --to.`);
  if (!moves.some((move) => move.version === to))
    throw new UserError(
      `${name} was never version ${to}, so it can't be rolled back to it; it was ${wereLive(moves)}. ` +
        `To put it there for the first time: npm run registry -- promote ${model}@${to} ${alias}`,
    );
}

/** Those of the versions, from the first on until one may replace the present one, that may not. */
async function syntheticOverReal(
  registry: Registry,
  { model, version: present }: AliasDocument,
  versions: readonly number[],
): Promise<number[]> {
  const refused: number[] = [];
  for (const version of versions) {
    if (!(await registry.manifest(model, version)).dataset.synthetic) break;
    if ((await registry.manifest(model, present)).dataset.synthetic) break;
    refused.push(version);
  }
  return refused;
}

function nowhereToGo({ model, alias, version }: AliasDocument, refused: readonly number[]): string {
  const name = `${model}@${alias}`;
  const [last] = refused;
  if (last === undefined) return `${name} can't be rolled back: there is no version before ${version}.`;
  return (
    `${name} can't be rolled back: version ${version} was trained on real data, and before it there were only ` +
    `versions on synthetic data: ${[...new Set(refused)].join(', ')}. To go back to one of them all the same: ` +
    `npm run registry -- rollback ${model} ${alias} --to ${last} --force --reason "..."`
  );
}

function wereLive(moves: readonly MoveEntry[]): string {
  return [...new Set(moves.map(({ version }) => version))].join(', ');
}
