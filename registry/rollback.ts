import { UserError } from '../cli/errors.ts';
import { type AliasDocument, AliasMoved } from './alias.ts';
import type { MoveEntry } from './history.ts';
import type { Registry } from './registry.ts';

export interface Rollback {
  /** A version that was live before; without it, the one before the present one. */
  readonly to?: number | undefined;
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

/** Moves an alias back without asking the gate: whatever it goes to has been live there before. */
export async function rollback(
  registry: Registry,
  model: string,
  alias: string,
  { to, reason, by }: Rollback,
): Promise<AliasDocument> {
  const seen = await registry.alias(model, alias);
  if (seen === undefined) throw new UserError(await registry.unknownAlias(model, alias));
  const moves = await registry.moves(model, alias);
  if (moves.at(-1)?.id !== seen.id) throw new AliasMoved(model, alias);

  const version = to ?? trailOf(moves).at(-2);
  const name = `${model}@${alias}`;
  if (version === undefined)
    throw new UserError(`${name} can't be rolled back: there is no version before ${seen.version}.`);
  if (version === seen.version)
    throw new UserError(`${name} is version ${version} already; name another one with --to.`);
  if (!moves.some((move) => move.version === version))
    throw new UserError(
      `${name} was never version ${version}, so it can't be rolled back to it; it was ${wereLive(moves)}. ` +
        `To put it there for the first time: npm run registry -- promote ${model}@${version} ${alias}`,
    );
  return await registry.moveAlias({
    model,
    alias,
    version,
    kind: 'rollback',
    by,
    reason,
    forced: false,
    gate: null,
    seen,
  });
}

function wereLive(moves: readonly MoveEntry[]): string {
  return [...new Set(moves.map(({ version }) => version))].join(', ');
}
