import type { Check } from './checks.ts';
import { printable } from './printable.ts';
import type { ContractReport } from './test-contract.ts';

const marks: Record<Check['outcome'], string> = { passed: 'pass', failed: 'FAIL', skipped: 'skip' };

/** A line a check, failures under it, and the count. */
export function renderReport({ url, checks, passed }: ContractReport): string {
  const width = Math.max(...checks.map((check) => check.name.length));
  const lines = checks.flatMap(({ outcome, protocol, name, rows, notes }) => [
    `${marks[outcome]}  ${protocol.padEnd(6)}  ${name.padEnd(width)}  ${String(rows).padStart(5)} rows`,
    ...notes.map((note) => `        ${note}`),
  ]);
  const failures = checks.filter((check) => check.outcome === 'failed').length;
  const sum = passed
    ? `${url} keeps the contract: ${checks.length} checks passed.`
    : `${url} does not keep the contract: ${failures} of ${checks.length} checks failed.`;
  return `${[...lines, '', sum].map(printable).join('\n')}\n`;
}
