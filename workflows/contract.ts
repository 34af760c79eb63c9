#!/usr/bin/env -S npx tsx
/** Check a running server against its data contract: npm run contract -- http://127.0.0.1:8080 */
import { readFile } from 'node:fs/promises';
import { Command, Option } from '@commander-js/extra-typings';
import { UserError } from '../cli/errors.ts';
import { wholeNumber } from '../cli/flags.ts';
import { runCommand } from '../cli/run.ts';
import { parseContract } from '../registry/contract.ts';
import { renderReport } from '../serve/contract/report.ts';
import { contractTestDefaults, testContract } from '../serve/contract/test-contract.ts';

const { requests, batch, seed, timeoutMs } = contractTestDefaults;

await runCommand(
  new Command('npm run contract --')
    .description(
      'Send rows that a contract allows in every form, and check each answer. Exits 1 on any failure.',
    )
    .argument('<url>', 'where the server is, as http://127.0.0.1:8080')
    .argument('[contract.json]', "the contract's file; asked from the server when left out")
    .option('--requests <n>', 'requests in each form', wholeNumber(1, 1000), requests)
    .option('--batch <n>', 'rows in each request', wholeNumber(1, 1000), batch)
    .option('--seed <n>', 'of the random rows', wholeNumber(0, 2 ** 31 - 1), seed)
    .option('--timeout <seconds>', 'for each request', wholeNumber(1, 600), timeoutMs / 1000)
    .option('--model <name>', "the model's name in v2 paths; asked from the server when left out")
    .addOption(
      new Option('--protocol <protocol>', 'what to speak')
        .choices(['seldon', 'v2', 'all'])
        .default('all' as const),
    )
    .option('--json', 'print the report as JSON')
    .action(async (url, file, { json, timeout, ...options }) => {
      const contract = file === undefined ? undefined : parseContract(await read(file), file);
      const report = await testContract({ ...options, url, contract, timeoutMs: timeout * 1000 });
      process.stdout.write(json ? `${JSON.stringify(report)}\n` : renderReport(report));
      if (!report.passed) process.exitCode = 1;
    }),
);

async function read(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new UserError(
      `The contract ${file} can't be read: ${error instanceof Error ? error.message : error}`,
    );
  }
}
