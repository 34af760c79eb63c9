import type { GateDecision } from '../../registry/gate.ts';
import { count, counted } from './format.ts';
import { type Html, html } from './html.ts';
import type { ReportData } from './report-data.ts';
import { definitions, scrolling, section } from './section.ts';

export function gateSection({ gate, parity, contract, alias }: ReportData): Html {
  return section(
    'gate',
    'Gate',
    gate === null ? 'The gate was not evaluated in this run.' : summary(gate, alias),
    html`${gate === null ? null : ruleTable(gate)}
<h3>Proof of the export</h3>
${definitions([
  ['Images compared', count(parity.images)],
  ['Different answers', count(parity.differentAnswers)],
  ['Largest difference of a probability', parity.largestDifference.toExponential(1)],
  ['Rows made from the contract', count(contract.rows)],
  ['Rows that failed it', count(contract.failures.length)],
])}
${
  contract.failures.length === 0
    ? null
    : html`<h3>Failures of the contract</h3><ul>${contract.failures.map((failure) => html`<li>${failure}</li>\n`)}</ul>`
}`,
  );
}

function summary({ rules, champion, candidate }: GateDecision, alias: string): string {
  const failed = rules.filter(({ passed }) => !passed).length;
  const against = champion === null ? `${alias} had no version yet` : `compared with v${champion}`;
  return failed === 0
    ? `v${candidate} keeps all ${counted(rules.length, 'rule')}; ${against}.`
    : `v${candidate} breaks ${count(failed)} of ${counted(rules.length, 'rule')}; ${against}.`;
}

function ruleTable({ rules }: GateDecision): Html {
  return scrolling(
    'Rules of the gate',
    html`<table class="gate"><thead><tr><th scope="col">Rule</th><th scope="col">Measured</th>
<th scope="col">Required</th><th scope="col">Result</th></tr></thead><tbody>
${rules.map(
  ({ rule, measured, required, passed }) => html`<tr><th scope="row">${rule}</th><td>${measured}</td>
<td>${required}</td><td><span class="outcome ${passed ? 'good' : 'bad'}">${passed ? 'pass' : 'fail'}</span></td></tr>\n`,
)}</tbody></table>`,
  );
}
