import type { SplitFigures, Validation } from '../../train/data/validate.ts';
import type { Evaluation } from '../../train/records.ts';
import { bar } from './bar.ts';
import { count, counted } from './format.ts';
import { type Html, html } from './html.ts';
import type { ReportDataset } from './report-data.ts';
import { definitions, scrolling, section } from './section.ts';

export function datasetSection(dataset: ReportDataset, { classes }: Evaluation): Html {
  const { figures, title, name, train, validation, test } = dataset;
  const names = classes.map((result) => result.name);
  return section(
    'data',
    'Data validation',
    html`${title} (<code>${name}</code>): trained on ${counted(train, 'image')}, validated on ${count(validation)} that
were set aside from the training files, tested on ${count(test)}.`,
    html`${problems(figures.problems)}<div class="pair"><div>${figureTable(figures)}
${definitions([
  ['Training digest', html`<code>${dataset.trainDigest}</code>`],
  ['Test digest', html`<code>${dataset.testDigest}</code>`],
])}</div>${balance(figures, names)}</div>`,
  );
}

function problems(found: readonly string[]): Html | null {
  if (found.length === 0) return null;
  return html`<div class="banner" role="note"><ul>${found.map((problem) => html`<li>${problem}</li>\n`)}</ul></div>`;
}

function figureTable({ train, test, duplicatesAcross }: Validation): Html {
  const rows: readonly (readonly [string, (split: SplitFigures) => string])[] = [
    ['Images', (split) => count(split.count)],
    ['Grey values', ({ pixels }) => `${pixels.min} to ${pixels.max}`],
    ['Mean grey value', ({ pixels }) => pixels.mean.toFixed(1)],
    ['Standard deviation', ({ pixels }) => pixels.std.toFixed(1)],
    ['Largest class by smallest', ({ imbalance }) => imbalance.toFixed(2)],
    ['Blank images', ({ blank }) => count(blank)],
    ['Repeated images', ({ duplicates }) => count(duplicates)],
  ];
  return scrolling(
    'Figures of the data check',
    html`<table><caption>What the files hold; 255 is ink</caption>
<thead><tr><th scope="col">Figure</th><th scope="col" class="n">Training</th><th scope="col" class="n">Test</th></tr></thead>
<tbody>${rows.map(
      ([name, show]) => html`<tr><th scope="row">${name}</th><td class="n">${show(train)}</td>
<td class="n">${show(test)}</td></tr>\n`,
    )}<tr><th scope="row">Images in both sets</th><td class="n" colspan="2">${count(duplicatesAcross)}</td></tr></tbody></table>`,
  );
}

function balance({ train, test }: Validation, names: readonly string[]): Html {
  const most = Math.max(1, ...train.perClass);
  return scrolling(
    'Images of each class',
    html`<table><caption>Images of each class</caption>
<thead><tr><th scope="col">Class</th><th scope="col" class="n">Test</th><th scope="col" class="n">Training</th>
<td></td></tr></thead><tbody>
${train.perClass.map(
  (
    images,
    i,
  ) => html`<tr><th scope="row">${names[i] ?? i}</th><td class="n">${count(test.perClass[i] ?? 0)}</td>
<td class="n">${count(images)}</td><td class="bars">${bar(images / most, 'quiet')}</td></tr>\n`,
)}</tbody></table>`,
  );
}
