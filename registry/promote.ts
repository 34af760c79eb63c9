import { setTimeout } from 'node:timers/promises';
import { UserError } from '../cli/errors.ts';
import { type AliasDocument, AliasMoved, checkReason } from './alias.ts';
import { evaluateGate, type GateDecision, type GatePolicy } from './gate.ts';
import { gateTable } from './gate-table.ts';
import { decisionId } from './history.ts';
import { aliasName } from './paths.ts';
import type { Registry } from './registry.ts';
import { trailOf } from './rollback.ts';

export interface PromoteOptions {
  readonly model: string;
  readonly version: number;
  readonly alias: string;
  readonly policy: GatePolicy;
  readonly by: string;
  readonly reason: string;
  /** Moves the alias although the gate refuses; the reason is recorded with the move. */
  readonly force?: { readonly reason: string } | undefined;
}

export interface Promotion {
  readonly model: string;
  readonly alias: string;
  readonly decision: GateDecision;
  /** The version that the alias pointed at before; null if there was none. */
  readonly previous: number | null;
  /** False if the gate refused, or the alias was there already. */
  readonly moved: boolean;
  /** The gate refused, and was overruled. */
  readonly forced: boolean;
}

/** Each attempt that fails is another's move that succeeded, so this many others would have to be at it. */
const attempts = 100;

/**
 * Asks the gate whether a version may replace the one its alias points at, records the answer, and moves the alias
 * if it passed. When the alias is moved meanwhile, the gate is asked again, about the new champion.
 */
export async function promote(registry: Registry, options: PromoteOptions): Promise<Promotion> {
  if (options.force && options.force.reason.trim() === '')
    throw new UserError('To overrule the gate, say why: --force --reason "..." (it goes into the history).');
  checkReason(options.reason);
  checkReason(options.force?.reason ?? '');
  for (let attempt = 1; ; attempt++) {
    try {
      return await promoteOnce(registry, options);
    } catch (error) {
      if (!(error instanceof AliasMoved) || attempt === attempts) throw error;
      await setTimeout(Math.random() * 20); // so that many at once don't go on in step
    }
  }
}

async function promoteOnce(registry: Registry, options: PromoteOptions): Promise<Promotion> {
  const { model, version, by } = options;
  const alias = aliasName(options.alias);
  const candidate = await registry.manifest(model, version);
  const seen = await registry.alias(model, alias);
  const championVersion = await championOf(registry, seen, version);
  const champion = championVersion === null ? null : await registry.manifest(model, championVersion);

  const decision = await evaluateGate(registry, options.policy, candidate, champion);
  const forced = !decision.passed && options.force !== undefined;
  const reason = (forced && options.force?.reason) || options.reason;
  await registry.record({
    format: 1,
    id: decisionId(),
    event: 'decision',
    model: candidate.model,
    version: candidate.version,
    alias,
    at: new Date().toISOString(),
    by,
    decision,
    forced,
    reason,
  });

  const moves = (decision.passed || forced) && seen?.version !== version;
  if (moves)
    await registry.moveAlias({
      model,
      alias,
      version,
      kind: 'promotion',
      by,
      reason,
      forced,
      gate: decision,
      seen,
    });
  return { model, alias, decision, previous: seen?.version ?? null, moved: moves, forced };
}

/** What the candidate has to be as good as: the present version, or if that is the candidate, the one before it. */
async function championOf(
  registry: Registry,
  seen: AliasDocument | undefined,
  candidate: number,
): Promise<number | null> {
  if (seen === undefined) return null;
  if (seen.version !== candidate) return seen.version;
  return trailOf(await registry.moves(seen.model, seen.alias)).at(-2) ?? null;
}

export class GateRefused extends UserError {
  override readonly name = 'GateRefused';
  constructor(readonly promotion: Promotion) {
    const { decision, previous } = promotion;
    const [said, next] = previous === decision.candidate ? alreadyThere(promotion) : notMoved(promotion);
    super(`${said}\n\n${gateTable(decision)}\n\n${next}`);
  }
}

function notMoved({ model, alias, decision }: Promotion): [said: string, next: string] {
  const reference = `${model}@${decision.candidate}`;
  return [
    `${reference} does not become ${model}@${alias}: the gate refused it.`,
    `To overrule the gate: npm run registry -- promote ${reference} ${alias} --force --reason "..."`,
  ];
}

/** Put there by force, or by a gate that asked for less. */
function alreadyThere({ model, alias, decision }: Promotion): [said: string, next: string] {
  return [
    `${model}@${alias} is version ${decision.candidate} already and stays so, but the gate would refuse it.`,
    `To go back: npm run registry -- rollback ${model} ${alias}`,
  ];
}

/** @throws GateRefused when the gate refused and was not overruled. */
export function assertPromoted(promotion: Promotion): void {
  if (!promotion.decision.passed && !promotion.forced) throw new GateRefused(promotion);
}
