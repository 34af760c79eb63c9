import { z } from 'zod';
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

export type PromoteStage = ReturnType<typeof promoteStage>;
