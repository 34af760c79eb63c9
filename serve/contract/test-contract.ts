import { UserError } from '../../cli/errors.ts';
import { type Contract, featureNames, generateRows, parseContract } from '../../registry/contract.ts';
import { type Check, checkForm, checkRefusals, failed, type Row, skipped } from './checks.ts';
import { Client, NoAnswer, type Reply } from './client.ts';
import { type Form, type Protocol, WrongAnswer } from './forms.ts';
import { printable } from './printable.ts';
import { seldonForms } from './seldon-forms.ts';
import { v2Forms } from './v2-forms.ts';

export interface ContractTestOptions {
  readonly url: string;
  /** Asked from the server, GET /contract.json, when it is not given. */
  readonly contract?: Contract | undefined;
  readonly requests?: number;
  /** Rows of a request. */
  readonly batch?: number;
  readonly seed?: number;
  readonly protocol?: Protocol | 'all';
  /** The model's name in v2 paths; asked from the server when it is not given. */
  readonly model?: string | undefined;
  /** For each request. */
  readonly timeoutMs?: number;
}

export interface ContractReport {
  readonly url: string;
  readonly passed: boolean;
  readonly checks: readonly Check[];
}

export const contractTestDefaults = {
  requests: 2,
  batch: 8,
  seed: 1,
  protocol: 'all',
  timeoutMs: 10_000,
} as const;

/**
 * Sends rows that the contract allows in every form that the protocols know, and some that it does not allow, and
 * checks each answer.
 * @throws UserError when the server can't be reached, or no contract can be had.
 */
export async function testContract(options: ContractTestOptions): Promise<ContractReport> {
  const { requests, batch, seed, protocol, timeoutMs, ...rest } = { ...contractTestDefaults, ...options };
  const client = new Client(rest.url, timeoutMs);
  await reach(client, '/health/ping');
  const contract = rest.contract ?? (await fetchContract(client));
  const rows = generateRows(contract, requests * batch, seed);
  const batches = Array.from({ length: requests }, (_, i) => rows.slice(i * batch, (i + 1) * batch));

  const checks: Check[] = [];
  if (protocol !== 'v2')
    checks.push(...(await testForms(client, contract, seldonForms(featureNames(contract)), batches)));
  if (protocol !== 'seldon')
    checks.push(...(await testV2(client, contract, batches, rest.model, protocol === 'all')));
  const outcomes = checks.map((check) => check.outcome);
  return { url: client.url, checks, passed: outcomes.includes('passed') && !outcomes.includes('failed') };
}

async function testV2(
  client: Client,
  contract: Contract,
  batches: readonly Row[][],
  model: string | undefined,
  optional: boolean,
): Promise<Check[]> {
  try {
    const { status } = await client.get('/v2');
    if (status === 404 && optional)
      return [skipped('v2', 'the protocol', 'GET /v2 answered 404: not offered')];
    if (status !== 200) return [failed('v2', 'GET /v2', `answered ${status}, expected 200`)];
    const forms = await v2Forms(client, contract, model ?? (await modelName(client)));
    return await testForms(client, contract, forms, batches);
  } catch (error) {
    if (error instanceof WrongAnswer || error instanceof NoAnswer)
      return [failed('v2', 'the model and its metadata', error.message)];
    throw error;
  }
}

/** The first form's answers to single rows are what all other answers are compared with. */
async function testForms(
  client: Client,
  contract: Contract,
  forms: readonly Form[],
  batches: readonly Row[][],
): Promise<Check[]> {
  const [plainest] = forms;
  if (!plainest) return [];
  const singles = batches.flat().map((row) => [row]);
  const reference = await checkForm(client, contract, plainest, singles);
  const checks = [reference.check];
  for (const form of forms) {
    const sent = form.oneRowOnly ? singles.slice(0, batches.length) : batches;
    checks.push((await checkForm(client, contract, form, sent, reference.answers)).check);
  }
  return [...checks, ...(await checkRefusals(client, plainest, singles[0]?.[0] ?? []))];
}

async function fetchContract(client: Client): Promise<Contract> {
  const where = `${client.url}/contract.json`;
  const { status, text } = await reach(client, '/contract.json');
  if (status !== 200)
    throw new UserError(`${where} answered ${status}; give the contract's file as the second argument.`);
  try {
    return parseContract(text, where);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    throw new UserError(error.message.split('\n').map(printable).join('\n')); // it quotes the server's names
  }
}

/** For what no check can do without. */
async function reach(client: Client, path: string): Promise<Reply> {
  try {
    return await client.get(path);
  } catch (error) {
    if (error instanceof NoAnswer)
      throw new UserError(
        `${client.url}${path} can't be reached: ${error.message}. Is the server running? npm run serve starts one.`,
      );
    throw error;
  }
}

/** Seldon's metadata name the model; the v2 protocol has no call that lists models. */
async function modelName(client: Client): Promise<string> {
  const { text } = await client.get('/metadata');
  try {
    const { name } = JSON.parse(text);
    if (typeof name === 'string') return name;
  } catch {
    // told below
  }
  throw new WrongAnswer("GET /metadata doesn't tell the model's name; give it with --model");
}
