import { bar } from './bar.ts';
import { bytes, duration, moment } from './format.ts';
import { type Html, html } from './html.ts';
import type { ReportData, ReportFile, ReportStage } from './report-data.ts';
import { definitions, scrolling, section } from './section.ts';

/** How the run went, on what, and what it left: for whoever wants to repeat or to audit it. */
export function recordSections({
  run,
  started,
  seconds,
  backend,
  stages,
  environment,
  files,
}: ReportData): Html {
  const cached = stages.filter(({ outcome }) => outcome === 'cached').length;
  return html`${section(
    'stages',
    'Stages',
    `Run ${run} started on ${moment(started)} and took ${duration(seconds)}; ${stages.length - cached} of its ${stages.length} stages ran, ${cached} came from the cache.`,
    stageTable(stages),
  )}${section(
    'environment',
    'Environment',
    `Trained on ${backend}.`,
    definitions(Object.entries(environment)),
  )}${section(
    'files',
    'Files',
    files.length === 0 ? 'No file was published.' : 'What the version holds, with the SHA-256 of each file.',
    files.length === 0 ? html`` : fileTable(files),
  )}`;
}

function stageTable(stages: readonly ReportStage[]): Html {
  const longest = Math.max(...stages.map(({ seconds }) => seconds));
  return scrolling(
    'Stages of the run',
    html`<table><thead><tr><th scope="col">Stage</th><th scope="col">Outcome</th><th scope="col" class="n">Time</th>
<td></td></tr></thead><tbody>
${stages.map(
  ({ name, outcome, seconds }) => html`<tr><th scope="row">${name}</th><td class="${outcome}">${outcome}</td>
<td class="n">${duration(seconds)}</td><td class="bars">${bar(seconds / (longest || 1))}</td></tr>\n`,
)}</tbody></table>`,
  );
}

function fileTable(files: readonly ReportFile[]): Html {
  return scrolling(
    'Files of the version',
    html`<table><thead><tr><th scope="col">File</th><th scope="col" class="n">Size</th><th scope="col">SHA-256</th></tr></thead>
<tbody>${files.map(
      ({
        path,
        bytes: size,
        digest,
      }) => html`<tr><th scope="row">${path}</th><td class="n">${bytes(size)}</td>
<td><code>${digest}</code></td></tr>\n`,
    )}</tbody></table>`,
  );
}
