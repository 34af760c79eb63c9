import type { ClassResult } from '../../train/records.ts';
import { bar } from './bar.ts';
import { count, percent } from './format.ts';
import { type Html, html } from './html.ts';
import { scrolling, section } from './section.ts';

export function classesSection(classes: readonly ClassResult[]): Html {
  const largest = Math.max(
    0,
    ...classes.flatMap(({ precision, recall }) => [shortfall(precision), shortfall(recall)]),
  );
  const cell = (share: number) =>
    html`<td class="n">${percent(share)}</td><td class="bars">${bar(shortfall(share) / (largest || 1), 'heat')}</td>`;
  return section(
    'classes',
    'Each class',
    html`Recall: how many of a class were found. Precision: how many answers of that class were right. A bar is what is
missing to 100&nbsp;%; the longest is ${percent(largest)}.`,
    scrolling(
      'Precision and recall of each class',
      html`<table class="classes"><thead><tr><th scope="col">Class</th><th scope="col" class="n">Images</th>
<th scope="col" class="n">Recall</th><td></td><th scope="col" class="n">Precision</th><td></td></tr></thead><tbody>
${classes.map(
  ({ name, images, recall, precision }) =>
    html`<tr><th scope="row">${name}</th><td class="n">${count(images)}</td>${cell(recall)}${cell(precision)}</tr>\n`,
)}</tbody></table>`,
    ),
  );
}

/** What a share lacks to 1; a class that was never predicted has no precision, so none can be missing. */
function shortfall(share: number): number {
  return Number.isFinite(share) ? 1 - share : 0;
}
