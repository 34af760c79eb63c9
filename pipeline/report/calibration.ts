import type { CalibrationBin, Evaluation } from '../../train/records.ts';
import { bar } from './bar.ts';
import { linearScale, niceAxis, px } from './chart.ts';
import { count, percent, points } from './format.ts';
import { type Html, html } from './html.ts';
import { section } from './section.ts';
import { wilsonInterval } from './wilson.ts';

export function calibrationSection({ calibration, ece }: Evaluation): Html {
  return section(
    'calibration',
    'Calibration',
    html`How far the model's confidence can be taken at its word: of the answers given with a confidence of
80&nbsp;%, as many should be right. Over all answers, confidence and accuracy lie ${points(ece)} apart (expected
calibration error).`,
    html`<div class="pair"><figure>${diagram(calibration)}<figcaption class="note">Each dot is a bin of answers, larger where there
are more of them; its line is the 95&nbsp;% interval. On the dashed diagonal, confidence and accuracy agree.</figcaption></figure>${binTable(calibration)}</div>`,
  );
}

const width = 440;
const height = 350;
const plot = { left: 56, right: width - 16, top: 34, bottom: height - 44 };
const x = linearScale([0, 1], [plot.left, plot.right]);
const y = linearScale([0, 1], [plot.bottom, plot.top]);

function diagram(bins: readonly CalibrationBin[]): Html {
  const most = Math.max(1, ...bins.map(({ images }) => images));
  const { ticks } = niceAxis(0, 1, 5);
  return html`<svg class="chart" viewBox="0 0 ${width} ${height}" role="img">
<title>Reliability diagram: accuracy against confidence in ${bins.length} bins</title>
${ticks.map(
  (
    tick,
  ) => html`<line class="grid" x1="${plot.left}" x2="${plot.right}" y1="${px(y(tick))}" y2="${px(y(tick))}"/>
<text x="${plot.left - 8}" y="${px(y(tick) + 4.5)}" text-anchor="end">${percent(tick, 0)}</text>
<text x="${px(x(tick))}" y="${plot.bottom + 18}" text-anchor="middle">${percent(tick, 0)}</text>`,
)}
<text x="${px(x(0.5))}" y="${height - 6}" text-anchor="middle">confidence</text>
<text x="2" y="14">accuracy</text>
<line class="diagonal" x1="${px(x(0))}" y1="${px(y(0))}" x2="${px(x(1))}" y2="${px(y(1))}"/>
${bins.map((bin) => dot(bin, most))}</svg>`;
}

function dot({ confidence, accuracy, images }: CalibrationBin, most: number): Html {
  const [low, high] = wilsonInterval(accuracy, images);
  const at = px(x(confidence));
  const radius = 3 + 5 * Math.sqrt(images / most);
  return html`<g class="bin"><line x1="${at}" x2="${at}" y1="${px(y(low))}" y2="${px(y(high))}"/>
<circle cx="${at}" cy="${px(y(accuracy))}" r="${px(radius)}"><title>${count(images)} answers: confidence
${percent(confidence, 1)}, accuracy ${percent(accuracy, 1)}</title></circle></g>`;
}

function binTable(bins: readonly CalibrationBin[]): Html {
  const most = Math.max(1, ...bins.map(({ images }) => images));
  return html`<div><table><caption>Bins by confidence; the bars' scale is a square root</caption>
<thead><tr><th scope="col">Confidence</th><th scope="col" class="n">Accuracy</th>
<th scope="col" class="n">Answers</th><td></td></tr></thead><tbody>
${bins.map(
  ({ confidence, accuracy, images }) => html`<tr><th scope="row">${percent(confidence, 1)}</th>
<td class="n">${percent(accuracy, 1)}</td><td class="n">${count(images)}</td>
<td class="bars">${bar(Math.sqrt(images / most))}</td></tr>\n`,
)}</tbody></table></div>`;
}
