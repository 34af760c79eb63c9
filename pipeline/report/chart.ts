import { type Html, html } from './html.ts';

export interface Axis {
  /** Evenly spaced; the first and the last one are the axis' ends. */
  readonly ticks: readonly number[];
  /** Decimals that tell two neighbouring ticks apart. */
  readonly decimals: number;
}

/**
 * An axis over [low, high] whose ticks are 1, 2 or 5 times a power of ten apart (P. Heckbert, "Nice numbers for
 * graph labels", Graphics Gems, 1990), about as many as asked for, and never nearer than `smallestStep`.
 */
export function niceAxis(low: number, high: number, about: number, smallestStep = 0): Axis {
  const wanted = Math.max((high - low || Math.abs(high) || 1) / about, smallestStep);
  const power = 10 ** Math.floor(Math.log10(wanted));
  const step = ([1, 2, 5].find((factor) => factor * power >= wanted * 0.999) ?? 10) * power;
  const slack = 1e-9; // division noise must not add a tick
  const first = Math.floor(low / step + slack);
  const last = Math.max(first + 1, Math.ceil(high / step - slack));
  const decimals = Math.max(0, -Math.floor(Math.log10(step) + slack));
  const ticks = Array.from({ length: last - first + 1 }, (_, i) =>
    Number(((first + i) * step).toFixed(decimals)),
  );
  return { ticks, decimals };
}

export function linearScale(domain: readonly [number, number], range: readonly [number, number]) {
  const [from, to] = domain;
  return (value: number) => range[0] + ((value - from) / (to - from || 1)) * (range[1] - range[0]);
}

export interface Series {
  readonly name: string;
  /** How it is drawn: told apart by colour and by dash. */
  readonly look: 'main' | 'other';
  /** One value for each of the chart's `xs`; those that are not finite are left out. */
  readonly values: readonly number[];
}

export interface LineChart {
  /** What a screen reader says for the picture. */
  readonly title: string;
  readonly xName: string;
  readonly xs: readonly number[];
  readonly y: Axis;
  readonly series: readonly Series[];
  readonly formatTick: (value: number) => string;
  readonly formatValue: (value: number) => string;
}

const width = 440;
const height = 250;
const glyph = 8; // a digit's width at the chart's letter size
const mostDots = 30;

export function lineChart(chart: LineChart): Html {
  const labels = chart.y.ticks.map(chart.formatTick);
  const plot = {
    left: 4 + glyph * Math.max(...labels.map((label) => label.length)),
    right: width - 14,
    top: 10,
    bottom: height - 40,
  };
  const y = linearScale([chart.y.ticks[0] ?? 0, chart.y.ticks.at(-1) ?? 1], [plot.bottom, plot.top]);
  const [first = 0, last = first] = [chart.xs[0], chart.xs.at(-1)];
  // A single epoch stands in the middle, not on the axis.
  const x = linearScale(first === last ? [first - 1, first + 1] : [first, last], [plot.left + 8, plot.right]);
  const xTicks = niceAxis(first, last, 8, 1).ticks.filter((tick) => tick >= first && tick <= last);

  return html`<svg class="chart" viewBox="0 0 ${width} ${height}" role="img"><title>${chart.title}</title>
${chart.y.ticks.map(
  (
    tick,
    i,
  ) => html`<line class="grid" x1="${px(plot.left)}" x2="${plot.right}" y1="${px(y(tick))}" y2="${px(y(tick))}"/>
<text x="${px(plot.left - 6)}" y="${px(y(tick) + 4)}" text-anchor="end">${labels[i] ?? ''}</text>`,
)}
${xTicks.map((tick) => html`<text x="${px(x(tick))}" y="${plot.bottom + 18}" text-anchor="middle">${tick}</text>`)}
<text x="${px((plot.left + 8 + plot.right) / 2)}" y="${height - 4}" text-anchor="middle">${chart.xName}</text>
${chart.series.map((series) => drawSeries(series, chart, x, y))}</svg>`;
}

function drawSeries(
  series: Series,
  chart: LineChart,
  x: (value: number) => number,
  y: (value: number) => number,
): Html {
  const points = chart.xs.flatMap((at, i) => {
    const value = series.values[i] ?? Number.NaN;
    return Number.isFinite(value) ? [{ at, value }] : [];
  });
  const path = points
    .map(({ at, value }, i) => `${i === 0 ? 'M' : 'L'}${px(x(at))} ${px(y(value))}`)
    .join('');
  const dots = points.length <= mostDots ? points : points.slice(-1);
  return html`<g class="series ${series.look}"><path d="${path}"/>
${dots.map(
  ({ at, value }) => html`<circle cx="${px(x(at))}" cy="${px(y(value))}" r="3.5">
<title>${series.name}, ${chart.xName} ${at}: ${chart.formatValue(value)}</title></circle>`,
)}</g>`;
}

/** A short sample of a series' line, for the legend. */
export function lineSample(look: Series['look']): Html {
  return html`<svg class="sample" viewBox="0 0 28 10" aria-hidden="true"><g class="series ${look}">
<path d="M1 5H27"/><circle cx="14" cy="5" r="3.5"/></g></svg>`;
}

/** A coordinate with as many decimals as can be seen. */
export function px(value: number): string {
  return String(Math.round(value * 10) / 10);
}
