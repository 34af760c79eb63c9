import { files } from '../../registry/manifest.ts';
import { counted, short } from './format.ts';
import { type Html, html } from './html.ts';
import type { ReportData } from './report-data.ts';
import { definitions, section } from './section.ts';

export function lineageSection(data: ReportData): Html {
  const { dataset, preset, parameters, model, version, alias, promoted } = data;
  const exported = data.files.find(({ path }) => path === files.model);
  return section(
    'lineage',
    'Lineage',
    'What this version was made from, link by link.',
    html`<ol class="chain">
${link('Data', dataset.name, [`train ${short(dataset.trainDigest)}`, `test ${short(dataset.testDigest)}`])}
${link('Code', ...commitOf(data.code))}
${link('Parameters', preset, [`preset with ${counted(Object.keys(parameters).length, 'value')}`])}
${link('Model', files.model, [exported === undefined ? 'not exported' : short(exported.digest)])}
${link('Version', version === null ? 'none' : `${model} v${version}`, [`run ${data.run}`])}
${link('Alias', alias, [promoted ? 'points at this version' : 'not moved'])}
</ol>
<h3>Parameters</h3>
${definitions(Object.entries(parameters).map(([name, value]) => [name, String(value)]))}`,
  );
}

function link(kind: string, name: string, details: readonly string[]): Html {
  return html`<li><span class="note">${kind}</span><b>${name}</b>${details.map((detail) => html`<code>${detail}</code>`)}</li>`;
}

function commitOf({ commit, clean }: ReportData['code']): [string, string[]] {
  if (commit === null) return ['no git commit', ['not in a git checkout']];
  return [short(commit), [clean === null ? 'state unknown' : clean ? 'clean' : 'with uncommitted changes']];
}
