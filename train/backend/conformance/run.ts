import { parseArgs } from 'node:util';
import { excludes, exclusions } from './exclusions.ts';
import { runSuite, type TestResult } from './suite.ts';

const { values, positionals } = parseArgs({ options: { json: { type: 'boolean' } }, allowPositionals: true });
const [filter = ''] = positionals;

const results = await runSuite(filter);
const summary = summaryOf(results);
if (values.json) console.log(JSON.stringify(summary, undefined, 2));
else print(summary);
const faults = summary.failing.length + summary.staleExclusions.length;
process.exitCode = faults === 0 && summary.total.passed > 0 ? 0 : 1;

interface Counts {
  passed: number;
  failed: number;
  inapplicable: number;
}

interface Summary {
  readonly total: Counts;
  readonly files: Readonly<Record<string, Counts>>;
  /** Tests that should pass and do not. */
  readonly failing: readonly TestResult[];
  /** Exclusions that match no test, or one that passes: each a line of text. */
  readonly staleExclusions: readonly string[];
}

function summaryOf(results: readonly TestResult[]): Summary {
  const total = { passed: 0, failed: 0, inapplicable: 0 };
  const files: Record<string, Counts> = {};
  const failing: TestResult[] = [];
  for (const result of results) {
    const excluded = exclusions.some((exclusion) => excludes(exclusion, result));
    const outcome = excluded || result.status === 'skipped' ? 'inapplicable' : result.status;
    files[result.file] ??= { passed: 0, failed: 0, inapplicable: 0 };
    (files[result.file] as Counts)[outcome] += 1;
    total[outcome] += 1;
    if (outcome === 'failed') failing.push(result);
  }
  return { total, files, failing, staleExclusions: staleExclusions(results) };
}

function staleExclusions(results: readonly TestResult[]): string[] {
  return exclusions.flatMap((exclusion) => {
    const matched = results.filter((result) => excludes(exclusion, result));
    const { file, test, failure, reason } = exclusion;
    const described = `${[file, test, failure].filter(Boolean).join(' ')} (${reason})`;
    if (matched.length === 0) return filter === '' ? [`${described} matches no test`] : [];
    return matched
      .filter(({ status }) => status === 'passed')
      .map(({ file, name }) => `${described} matches a test that passes: ${file}: ${name}`);
  });
}

function print({ total, files, failing, staleExclusions }: Summary): void {
  const line = (name: string, { passed, failed, inapplicable }: Counts) =>
    console.log(
      `${name.padEnd(52)}${[passed, failed, inapplicable].map((count) => String(count).padStart(8)).join('')}`,
    );
  console.log(`${''.padEnd(52)}  passed  failed   n/a`);
  for (const [name, counts] of Object.entries(files)) line(name, counts);
  for (const { file, name, failures } of failing)
    console.log(`\nFAILED ${file}: ${name}\n  ${failures.map((text) => text.split('\n')[0]).join('\n  ')}`);
  for (const stale of staleExclusions) console.log(`\nSTALE EXCLUSION ${stale}`);
  console.log(`\n${total.passed} passed, ${total.failed} failed, ${total.inapplicable} inapplicable`);
}
