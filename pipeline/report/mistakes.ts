import type { Evaluation, Mistake } from '../../train/records.ts';
import { confidence, count } from './format.ts';
import { type Html, html } from './html.ts';
import { greyPng } from './png.ts';
import { section } from './section.ts';

const side = 28;
const mostShown = 24;

export function mistakesSection({ mistakes, classes }: Evaluation): Html {
  if (mistakes.length === 0)
    return section('mistakes', 'Worst mistakes', 'There is none on the test set.', html``);
  const shown = mistakes.slice(0, mostShown);
  const name = (index: number) => classes[index]?.name ?? String(index);
  return section(
    'mistakes',
    'Worst mistakes',
    'The wrong answers that the model was surest of, with the probability it gave them and their place in the test set.',
    html`<ul class="mistakes">${shown.map((mistake) => card(mistake, name))}</ul>`,
  );
}

function card(
  { index, actual, predicted, probability, pixels }: Mistake,
  name: (index: number) => string,
): Html {
  return html`<li><img src="${digitImage(pixels)}" width="${side}" height="${side}" alt="Test image ${index}">
<span><b>${name(actual)}</b> taken for <b>${name(predicted)}</b> (${confidence(probability)})</span>
<span class="note">no. ${count(index)}</span></li>
`;
}

/** The picture as dark ink on white, in a data URI. The dark theme inverts it. */
function digitImage(pixels: string): string {
  const ink = Buffer.from(pixels, 'base64');
  if (ink.length !== side * side) {
    throw new RangeError(`Expected ${side * side} pixels of a mistake, got ${ink.length}`);
  }
  return `data:image/png;base64,${greyPng(
    ink.map((value) => 255 - value),
    side,
  ).toString('base64')}`;
}
