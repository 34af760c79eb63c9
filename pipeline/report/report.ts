import { calibrationSection } from './calibration.ts';
import { classesSection } from './classes.ts';
import { confusionSection } from './confusion.ts';
import { curvesSection } from './curves.ts';
import { datasetSection } from './dataset.ts';
import { gateSection } from './gate.ts';
import { headline } from './headline.ts';
import { html, trusted } from './html.ts';
import { lineageSection } from './lineage.ts';
import { mistakesSection } from './mistakes.ts';
import { recordSections } from './record.ts';
import type { ReportData } from './report-data.ts';
import { style } from './style.ts';
import { pageTitle } from './verdict.ts';

/** Even if some text slipped through as markup, the page could neither run a script nor reach another host. */
const policy =
  "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'";

/** The report of one run as one HTML page that needs nothing beside it: no file, no host, no script. */
export function renderReport(data: ReportData): string {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${trusted(policy)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${pageTitle(data)}</title>
<style>${trusted(style)}</style>
</head>
<body>
<main>
${headline(data)}
${curvesSection(data.epochs)}
${confusionSection(data.evaluation)}
${classesSection(data.evaluation.classes)}
${calibrationSection(data.evaluation)}
${mistakesSection(data.evaluation)}
${gateSection(data)}
${datasetSection(data.dataset, data.evaluation)}
${lineageSection(data)}
${recordSections(data)}
</main>
</body>
</html>
`.markup;
}
