import type { Evaluation } from '../../train/records.ts';
import { count, counted } from './format.ts';
import { type Html, html } from './html.ts';
import { scrolling, section } from './section.ts';

interface Confusion {
  readonly actual: string;
  readonly predicted: string;
  readonly times: number;
}

const longestShortName = 3; // longer class names stand upright above their column
const mostListed = 6;

export function confusionSection(evaluation: Evaluation): Html {
  const names = evaluation.classes.map(({ name }) => name);
  const confusions = confusionsOf(evaluation.confusion, names);
  const errors = confusions.reduce((sum, { times }) => sum + times, 0);
  return section(
    'confusion',
    'Confusion matrix',
    errors === 0
      ? `All ${counted(evaluation.images, 'test image')} were answered correctly.`
      : html`Which class was taken for which, in ${counted(errors, 'error')}. Colour grows with the square root of the
count, so that rare errors show too; right answers stay quiet.`,
    html`<div class="wide-narrow">${scrolling('Confusion matrix', matrix(evaluation.confusion, names))}${
      errors === 0 ? null : mostFrequent(confusions)
    }</div>`,
  );
}

/** Every pair of classes that was confused, the most frequent first. */
function confusionsOf(matrix: Evaluation['confusion'], names: readonly string[]): readonly Confusion[] {
  return matrix
    .flatMap((row, actual) =>
      row.map((times, predicted) => ({
        actual: names[actual] ?? String(actual),
        predicted: names[predicted] ?? String(predicted),
        times: actual === predicted ? 0 : times,
      })),
    )
    .filter(({ times }) => times > 0)
    .sort((a, b) => b.times - a.times);
}

function matrix(confusion: Evaluation['confusion'], names: readonly string[]): Html {
  const most = Math.max(
    1,
    ...confusion.flatMap((row, actual) => row.filter((_, predicted) => predicted !== actual)),
  );
  const upright = names.some((name) => name.length > longestShortName) ? 'upright' : '';
  return html`<table class="confusion ${upright}"><caption>Rows: what it is. Columns: what the model said.</caption>
<thead><tr><td></td>${names.map((name) => html`<th scope="col"><span>${name}</span></th>`)}</tr></thead>
<tbody>${confusion.map(
    (row, actual) => html`<tr><th scope="row">${names[actual] ?? actual}</th>${row.map((times, predicted) =>
      actual === predicted
        ? html`<td class="right">${count(times)}</td>`
        : times === 0
          ? html`<td class="none">0</td>`
          : html`<td class="wrong" style="--heat-share:${(100 * Math.sqrt(times / most)).toFixed(0)}%">${count(times)}</td>`,
    )}</tr>
`,
  )}</tbody></table>`;
}

function mostFrequent(confusions: readonly Confusion[]): Html {
  const listed = confusions.slice(0, mostListed);
  return html`<div><h3>Most frequent confusions</h3><table>
<thead><tr><th scope="col">Confusion</th><th scope="col" class="n">Times</th></tr></thead><tbody>
${listed.map(
  ({ actual, predicted, times }) =>
    html`<tr><th scope="row"><b>${actual}</b> taken for <b>${predicted}</b></th><td class="n">${count(times)}</td></tr>\n`,
)}</tbody></table></div>`;
}
