import type { Epoch } from '../../train/records.ts';
import { type LineChart, lineChart, lineSample, niceAxis, type Series } from './chart.ts';
import { count, counted, decimal, duration, percent } from './format.ts';
import { type Html, html } from './html.ts';
import { scrolling, section } from './section.ts';

export function curvesSection(epochs: readonly Epoch[]): Html {
  const last = epochs.at(-1);
  if (last === undefined) return section('curves', 'Learning curves', 'No epoch was recorded.', html``);
  return section(
    'curves',
    'Learning curves',
    html`After ${counted(epochs.length, 'epoch')} the validation accuracy is ${percent(last.validationAccuracy)}. Training
figures are means over an epoch in which the model still changes; validation is measured at its end, so it can be the
better of the two.`,
    html`<div class="pair">${lossFigure(epochs)}${accuracyFigure(epochs)}</div>${epochTable(epochs)}`,
  );
}

function lossFigure(epochs: readonly Epoch[]): Html {
  const series = pair(
    epochs.map((epoch) => epoch.validationLoss),
    epochs.map((epoch) => epoch.loss),
  );
  const [, high] = extent(series);
  const y = niceAxis(0, high, 5);
  return figure('Loss', series, {
    title: 'Loss per epoch: validation and training',
    xName: 'epoch',
    xs: epochs.map(({ epoch }) => epoch),
    y,
    series,
    formatTick: (value) => value.toFixed(y.decimals),
    formatValue: (value) => decimal(value),
  });
}

function accuracyFigure(epochs: readonly Epoch[]): Html {
  const series = pair(
    epochs.map((epoch) => epoch.validationAccuracy),
    epochs.map((epoch) => epoch.accuracy),
  );
  const [low, high] = extent(series);
  const y = niceAxis(low * 100, high * 100, 5, 0.1);
  return figure('Accuracy', series, {
    title: 'Accuracy per epoch: validation and training',
    xName: 'epoch',
    xs: epochs.map(({ epoch }) => epoch),
    y: { ...y, ticks: y.ticks.map((tick) => tick / 100) },
    series,
    formatTick: (value) => percent(value, y.decimals),
    formatValue: (value) => percent(value),
  });
}

function pair(validation: readonly number[], train: readonly number[]): readonly Series[] {
  return [
    { name: 'training', look: 'other', values: train },
    { name: 'validation', look: 'main', values: validation },
  ];
}

/** The smallest and the largest finite value; a diverged run has others. */
function extent(series: readonly Series[]): readonly [number, number] {
  const values = series.flatMap(({ values }) => values).filter(Number.isFinite);
  return values.length === 0 ? [0, 1] : [Math.min(...values), Math.max(...values)];
}

function figure(heading: string, series: readonly Series[], chart: LineChart): Html {
  return html`<figure><figcaption><strong>${heading}</strong>
<span class="legend">${series.map(
    ({ name, look, values }) =>
      html`<span>${lineSample(look)} ${name} <b>${chart.formatValue(values.at(-1) ?? Number.NaN)}</b></span>\n`,
  )}</span></figcaption>${lineChart(chart)}</figure>`;
}

function epochTable(epochs: readonly Epoch[]): Html {
  return html`<details><summary>Figures of each epoch</summary>${scrolling(
    'Figures of each epoch',
    html`<table><thead><tr><th scope="col">Epoch</th><th scope="col" class="n">Loss</th>
<th scope="col" class="n">Accuracy</th><th scope="col" class="n">Validation loss</th>
<th scope="col" class="n">Validation accuracy</th><th scope="col" class="n">Learning rate</th>
<th scope="col" class="n">Time</th><th scope="col" class="n">Images/s</th></tr></thead><tbody>
${epochs.map(
  (epoch) => html`<tr><th scope="row">${epoch.epoch}</th><td class="n">${decimal(epoch.loss)}</td>
<td class="n">${percent(epoch.accuracy)}</td><td class="n">${decimal(epoch.validationLoss)}</td>
<td class="n">${percent(epoch.validationAccuracy)}</td><td class="n">${Number(epoch.learningRate.toPrecision(3))}</td>
<td class="n">${duration(epoch.seconds)}</td><td class="n">${count(epoch.imagesPerSecond)}</td></tr>
`,
)}</tbody></table>`,
  )}</details>`;
}
