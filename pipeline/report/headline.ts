import { files } from '../../registry/manifest.ts';
import { bytes, count, counted, decimal, duration, moment, percent, points } from './format.ts';
import { type Html, html } from './html.ts';
import type { ReportData } from './report-data.ts';
import { modelTitle, verdictOf } from './verdict.ts';
import { wilsonInterval } from './wilson.ts';

/** The answer first: which version, how good, promoted or not and why; then the figures behind it. */
export function headline(data: ReportData): Html {
  const { outcome, good, why } = verdictOf(data);
  return html`<header>
<p class="eyebrow">${data.dataset.title} · preset ${data.preset} ·
<time datetime="${data.started}">${moment(data.started)}</time></p>
<h1>${modelTitle(data)} <span class="dash">—</span> <span class="answer">accuracy ${percent(data.evaluation.accuracy)}</span>
<span class="outcome ${good ? 'good' : 'bad'}">${outcome}</span></h1>
<p class="why">${why} ${comparison(data)}</p>
${data.dataset.synthetic ? syntheticBanner() : null}
${tiles(data)}
</header>
`;
}

function comparison({ championAccuracy, evaluation, gate, alias }: ReportData): string {
  if (gate === null) return '';
  if (gate.champion === null) return `No version was ${alias} before.`;
  const champion = `v${gate.champion} that was ${alias} before`;
  if (championAccuracy === null) return `It was tested on other data than ${champion}.`;
  const difference = evaluation.accuracy - championAccuracy;
  const than = `${champion} (${percent(championAccuracy)})`;
  if (difference === 0) return `It is as accurate as ${than}.`;
  return `It is ${points(difference)} ${difference > 0 ? 'better' : 'worse'} than ${than}.`;
}

function syntheticBanner(): Html {
  return html`<div class="banner" role="note"><p><strong>Trained on generated digits, not on real data.</strong></p>
<p>The training and the test images were made by a program. The figures on this page show that the line works; they
say nothing about real handwriting, and the gate never lets this version replace one trained on real data.</p></div>`;
}

function tiles({ evaluation, epochs, parameterCount, backend, files: shipped, dataset }: ReportData): Html {
  const { accuracy, images, loss, ece, confusion } = evaluation;
  const errors = images - confusion.reduce((right, row, i) => right + (row[i] ?? 0), 0);
  const [low, high] = wilsonInterval(accuracy, images);
  const model = shipped.find(({ path }) => path === files.model);
  const seconds = epochs.reduce((sum, epoch) => sum + epoch.seconds, 0);
  const trained = epochs.reduce((sum, epoch) => sum + epoch.imagesPerSecond * epoch.seconds, 0);

  return html`<dl class="tiles">
${tile('Accuracy', percent(accuracy), `95\u00a0% interval ${decimal(low * 100, 2)}–${percent(high)}`)}
${tile('Errors', count(errors), `of ${counted(images, dataset.synthetic ? 'generated test image' : 'test image')}`)}
${tile('Loss', decimal(loss), 'mean cross-entropy, nats')}
${tile('Calibration error', percent(ece), 'expected (ECE)')}
${tile('Parameters', count(parameterCount), 'trainable')}
${tile('Model size', model === undefined ? '–' : bytes(model.bytes), files.model)}
${tile('Training time', duration(seconds), counted(epochs.length, 'epoch'))}
${tile('Images per second', seconds > 0 ? count(trained / seconds) : '–', backend)}
</dl>`;
}

function tile(name: string, value: string, note: string): Html {
  return html`<div><dt>${name}</dt><dd class="value">${value}</dd><dd class="note">${note}</dd></div>`;
}
