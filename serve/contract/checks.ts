import { type Contract, checkAnswers } from '../../registry/contract.ts';
import { type Client, NoAnswer, type Reply } from './client.ts';
import { type Form, type Protocol, WrongAnswer } from './forms.ts';

export type Row = readonly number[];

export interface Check {
  readonly protocol: Protocol;
  readonly name: string;
  /** Rows that were sent. */
  readonly rows: number;
  readonly outcome: 'passed' | 'failed' | 'skipped';
  /** What was wrong, or why the check was skipped. */
  readonly notes: readonly string[];
}

/** How far apart the answers to one row may be, alone and among others: sums are added up in another order. */
const sameAnswer = 1e-4;

export function failed(protocol: Protocol, name: string, note: string): Check {
  return { protocol, name, rows: 0, outcome: 'failed', notes: [note] };
}

export function skipped(protocol: Protocol, name: string, note: string): Check {
  return { protocol, name, rows: 0, outcome: 'skipped', notes: [note] };
}

/**
 * Sends each batch in this form and checks the answers against the contract, and against `reference`: the answers
 * to the same rows one by one, in the same order.
 */
export async function checkForm(
  client: Client,
  contract: Contract,
  form: Form,
  batches: readonly (readonly Row[])[],
  reference?: readonly unknown[],
): Promise<{ check: Check; answers: unknown[] }> {
  const failures = new Set<string>(); // the same failure in each batch is told once
  const answers: unknown[] = [];
  let rows = 0;
  for (const batch of batches) {
    const answer = await ask(client, contract, form, batch);
    for (const failure of answer.failures) failures.add(failure);
    for (const [i, row] of answer.rows.entries()) {
      const alone = reference?.[rows + i];
      if (alone !== undefined && !same(alone, row))
        failures.add(`row ${i} of a batch of ${batch.length} has another answer than alone`);
    }
    answers.push(...batch.map((_, i) => answer.rows[i])); // in step with the rows sent, whatever came back
    rows += batch.length;
    if (answer.gone) break; // the next requests would only wait as long
  }
  const size = reference ? `${batches[0]?.length ?? 0} rows a request` : 'single rows';
  return { check: verdict(form, `${form.name}, ${size}`, rows, [...failures]), answers };
}

function verdict(form: Form, name: string, rows: number, failures: readonly string[]): Check {
  const outcome = failures.length === 0 ? 'passed' : 'failed';
  return { protocol: form.protocol, name, rows, outcome, notes: failures };
}

async function ask(
  client: Client,
  contract: Contract,
  form: Form,
  batch: readonly Row[],
): Promise<{ failures: string[]; rows: readonly unknown[]; gone?: boolean }> {
  try {
    const reply = await client.send(form.request(batch));
    if (reply.status !== 200)
      return { failures: [`status ${reply.status}, expected 200: ${excerpt(reply)}`], rows: [] };
    const answers = form.read(jsonOf(reply));
    const failures = checkAnswers(contract, answers, batch.length);
    return { failures, rows: Array.isArray(answers.rows) ? answers.rows : [] };
  } catch (error) {
    return { failures: [expectedFailure(error)], rows: [], gone: error instanceof NoAnswer };
  }
}

/** Rows that break the contract, made from one that keeps it. */
const brokenRows: Record<string, (row: Row) => unknown[]> = {
  'a row that is a value short': (row) => [row.slice(1)],
  'a text for a number': (row) => [['seven', ...row.slice(1)]],
  'null for a number': (row) => [[null, ...row.slice(1)]],
  'rows of different lengths': (row) => [row, row.slice(1)],
};

/** A row that breaks the contract must be refused, with a 4xx and in the protocol's own shape. */
export async function checkRefusals(client: Client, form: Form, row: Row): Promise<Check[]> {
  const checks: Check[] = [];
  for (const [name, breakRow] of Object.entries(brokenRows)) {
    const rows = breakRow(row);
    const failures = await askRefusal(client, form, rows);
    checks.push(verdict(form, `refuses ${name}`, rows.length, failures));
  }
  return checks;
}

async function askRefusal(client: Client, form: Form, rows: readonly unknown[]): Promise<string[]> {
  try {
    const reply = await client.send(form.request(rows));
    if (reply.status < 400 || reply.status > 499)
      return [`status ${reply.status}, expected 4xx: ${excerpt(reply)}`];
    const failure = form.checkError(jsonOf(reply));
    return failure ? [failure] : [];
  } catch (error) {
    return [expectedFailure(error)];
  }
}

function jsonOf(reply: Reply): unknown {
  if (!/^application\/json\b/i.test(reply.contentType))
    throw new WrongAnswer(`content type "${reply.contentType}", expected application/json`);
  try {
    return JSON.parse(reply.text);
  } catch {
    throw new WrongAnswer(`the answer is not JSON: ${excerpt(reply)}`);
  }
}

function expectedFailure(error: unknown): string {
  if (error instanceof WrongAnswer || error instanceof NoAnswer) return error.message;
  throw error;
}

function same(a: unknown, b: unknown): boolean {
  if (Array.isArray(a) && Array.isArray(b))
    return a.length === b.length && a.every((each, i) => same(each, b[i]));
  if (typeof a === 'number' && typeof b === 'number')
    return Math.abs(a - b) <= sameAnswer * Math.max(1, Math.abs(a));
  return a === b;
}

function excerpt({ text }: Reply): string {
  return text.replace(/\s+/g, ' ').slice(0, 160);
}
