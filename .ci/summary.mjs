// Adds up vitest's JSON reports into the one line that closes a CI run.
import { readFileSync } from 'node:fs';

const reports = process.argv.slice(2).map((file) => JSON.parse(readFileSync(file, 'utf8')));
const sum = (key) => reports.reduce((total, report) => total + report[key], 0);
const [passed, failed, skipped] = ['numPassedTests', 'numFailedTests', 'numPendingTests'].map(sum);
// A file that fails to load has no failed test in it.
const broken = reports.filter(({ success, numFailedTests }) => !success && numFailedTests === 0).length;
console.log(`${passed} passed, ${failed + broken} failed, ${skipped} skipped`);
if (passed === 0 || failed + broken > 0) process.exitCode = 1;
