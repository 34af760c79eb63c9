import type { GateDecision } from './gate.ts';
import { table } from './table.ts';

/** The gate's decision as plain text: one line a rule, and what it comes to. */
export function gateTable(decision: GateDecision): string {
  const rows = decision.rules.map(({ rule, passed, measured, required }) => [
    rule,
    passed ? 'pass' : 'FAIL',
    measured,
    required,
  ]);
  const against = decision.champion === null ? 'no champion' : `champion ${decision.champion}`;
  const failed = decision.rules.filter(({ passed }) => !passed).map(({ rule }) => rule);
  const verdict = decision.passed ? 'passed' : `refused: ${failed.join(', ')}`;
  return `${table(['RULE', 'RESULT', 'MEASURED', 'REQUIRED'], rows)}\nversion ${decision.candidate} against ${against}: ${verdict}`;
}
