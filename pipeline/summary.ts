import { relative, resolve } from 'node:path';
import type { GateDecision } from '../registry/gate.ts';
import { gateTable } from '../registry/gate-table.ts';
import type { Manifest } from '../registry/manifest.ts';

interface Summary {
  readonly manifest: Manifest;
  readonly alias: string;
  readonly decision: GateDecision;
  /** Where the report is. */
  readonly report: string;
  readonly registry: string;
}

/** What a run that went through tells a person at the end. */
export function summaryOf({ manifest, alias, decision, report, registry }: Summary): string {
  const { model, version, dataset, metrics } = manifest;
  const registryFlag = resolve(registry) === resolve('.slipway') ? '' : ` --registry ${shellWord(registry)}`;
  const warning = dataset.synthetic
    ? [`  It was trained on ${dataset.name}: generated digits, NOT real data.`]
    : [];
  return [
    '',
    `${model} version ${version} is ${model}@${alias}: accuracy ${(metrics.accuracy * 100).toFixed(2)} % on ${dataset.name}`,
    ...warning,
    '',
    gateTable(decision),
    '',
    `report   ${relative('', report)}`,
    `next     npm run serve -- --model ${model}@${alias}${registryFlag}`,
    '',
  ].join('\n');
}

/** As it can be pasted into a shell. */
function shellWord(text: string): string {
  return /^[\w./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
