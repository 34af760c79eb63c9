import { z } from 'zod';
import { UserError } from '../../cli/errors.ts';
import { defaultPolicy, gateDecisionSchema } from '../../registry/gate.ts';
import { identity } from '../../registry/identity.ts';
import { assertPromoted, promote } from '../../registry/promote.ts';
import type { Registry } from '../../registry/registry.ts';
import { defineStage } from '../engine/stage.ts';
import type { DataStage } from './data.ts';
import type { RegisterStage } from './register.ts';

const outputSchema = z.strictObject({
  model: z.string(),
  version: z.int(),
  alias: z.string(),
  decision: gateDecisionSchema,
});

/** Asks the gate whether the version may go live, and moves the alias. A refusal ends the run. */
export function promoteStage(
  needs: { data: DataStage; register: RegisterStage },
  registry: Registry,
  alias: string,
) {
  return defineStage({
    name: 'promote',
    code: import.meta.url,
    needs,
    parameters: { alias, policy: defaultPolicy },
    output: outputSchema,
    stillHolds: async ({ values: { model, version } }) =>
      (await registry.alias(model, alias))?.version === version,
    async run({ inputs: { data, register }, runId }) {
      const { model, version } = register.values;
      await refuseIfRolledBack(registry, model, version, alias);
      const live = await registry.alias(model, alias);
      if (live?.version === version && live.forced && live.gate) {
        const summary = `${model}@${alias} is version ${version} by force, by ${live.by}: ${live.reason}`;
        return { values: { model, version, alias, decision: live.gate }, summary };
      }
      const promotion = await promote(registry, {
        model,
        version,
        alias,
        policy: { ...defaultPolicy, accuracyFloor: data.values.accuracyFloor },
        by: await identity(),
        reason: `pipeline run ${runId}`,
      });
      assertPromoted(promotion);
      const { decision } = promotion;
      const over =
        decision.champion === null ? 'there was none before' : `in place of version ${decision.champion}`;
      return {
        values: { model, version, alias, decision },
        summary: `${model}@${alias} is version ${version}, ${over}`,
      };
    },
  });
}

/** Somebody took this very version back: a pipeline that runs again, perhaps by itself, must not undo that. */
async function refuseIfRolledBack(
  registry: Registry,
  model: string,
  version: number,
  alias: string,
): Promise<void> {
  const last = (await registry.moves(model, alias)).at(-1);
  if (last?.kind !== 'rollback' || last.previous !== version) return;
  throw new UserError(
    `${model}@${version} does not become ${model}@${alias} again: ${last.by} rolled it back to version ${last.version} ` +
      `on ${last.at.slice(0, 10)} (${last.reason}). If it is to go live all the same: ` +
      `npm run registry -- promote ${model}@${version} ${alias}`,
  );
}

export type PromoteStage = ReturnType<typeof promoteStage>;
