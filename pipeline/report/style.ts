import { dark, light, type Theme } from './theme.ts';

const variables = (theme: Theme) =>
  Object.entries(theme)
    .map(([name, colour]) => `--${name}: ${colour};`)
    .join(' ');

/** The whole style sheet. On paper the light theme holds, whatever the screen shows. */
export const style = `
:root { color-scheme: light dark; ${variables(light)} }
@media screen and (prefers-color-scheme: dark) { :root { ${variables(dark)} } }

* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; text-size-adjust: 100%; }
body {
  margin: 0; background: var(--page); color: var(--ink); overflow-wrap: break-word;
  font: 1rem/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif;
  font-variant-numeric: tabular-nums lining-nums;
}
main { max-width: 68rem; margin: 0 auto; padding: 3.5rem 1.5rem 5rem; }
p, figure, dl, dd, ol, ul, h1, h2, h3 { margin: 0; padding: 0; }
ol, ul { list-style: none; }
b, strong { font-weight: 640; }
code { font: 0.8125rem/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }
.note, .eyebrow, .lead { color: var(--muted); }
.note { font-size: 0.8125rem; line-height: 1.4; }

h1 { font-size: clamp(1.75rem, 1.1rem + 2.6vw, 2.75rem); line-height: 1.15; font-weight: 680; letter-spacing: -0.022em; margin: 0.5rem 0 1rem; text-wrap: balance; }
h1 .answer { white-space: nowrap; }
h1 .dash { color: var(--muted); font-weight: 300; }
h1 .outcome { display: block; }
h1 .good { color: var(--accent); }
h1 .bad { color: var(--bad); }
.eyebrow { font-size: 0.875rem; }
.why { max-width: 46rem; font-size: 1.125rem; }
.banner { margin-top: 1.75rem; padding: 1.1rem 1.4rem; background: var(--warning); color: var(--warningInk); border: 1px solid var(--warningLine); border-left-width: 0.5rem; border-radius: 0.5rem; }
.banner strong { font-size: 1.25rem; }

section { margin-top: 3.5rem; padding-top: 2rem; border-top: 1px solid var(--line); }
h2 { font-size: 1.375rem; line-height: 1.25; font-weight: 660; letter-spacing: -0.012em; }
h3 { font-size: 1rem; font-weight: 640; margin: 2rem 0 0.5rem; }
.lead { max-width: 46rem; margin: 0.35rem 0 1.5rem; }
.pair { display: grid; grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 2rem 3rem; align-items: start; }
.wide-narrow { display: grid; grid-template-columns: minmax(0, 7fr) minmax(0, 4fr); gap: 2rem 3rem; align-items: start; }
.wide-narrow h3 { margin-top: 0; }

.tiles { display: grid; grid-template-columns: repeat(4, minmax(0, 1fr)); gap: 1px; margin-top: 2rem; background: var(--line); border: 1px solid var(--line); border-radius: 0.75rem; overflow: hidden; }
.tiles > div { background: var(--surface); padding: 1.1rem 1.25rem 1.2rem; }
.tiles dt { color: var(--muted); font-size: 0.875rem; }
.tiles .value { font-size: 1.75rem; line-height: 1.3; font-weight: 600; letter-spacing: -0.02em; }

.facts { font-size: 0.9375rem; }
.facts > div { display: flex; flex-wrap: wrap; justify-content: space-between; gap: 0 1.5rem; padding: 0.4rem 0; border-bottom: 1px solid var(--line); }
.facts dt { color: var(--muted); }
.facts dd { text-align: right; margin-left: auto; }
.facts code { display: inline-block; max-width: 32ch; overflow-wrap: anywhere; }
td code, .chain code { overflow-wrap: anywhere; }
section > .facts { columns: 2 22rem; column-gap: 3rem; }
section > .facts > div { break-inside: avoid; }

.scroll { overflow-x: auto; }
.scroll:focus-visible, summary:focus-visible { outline: 2px solid var(--accent); outline-offset: 3px; border-radius: 0.25rem; }
table { border-collapse: collapse; width: 100%; font-size: 0.9375rem; }
caption { text-align: left; color: var(--muted); font-size: 0.8125rem; padding-bottom: 0.5rem; }
th, td { text-align: left; font-weight: 400; padding: 0.4rem 0.75rem 0.4rem 0; border-bottom: 1px solid var(--line); vertical-align: baseline; }
thead th { color: var(--muted); font-size: 0.8125rem; vertical-align: bottom; }
th.n, td.n { text-align: right; white-space: nowrap; }
tr > :last-child { padding-right: 0; }
.n + th:not(.n), .n + td:not(.n) { padding-left: 0.5rem; }
.bars { width: 26%; }
.classes .bars { width: 22%; }
.bar { display: block; min-width: 2rem; }
.bar > span { display: block; height: 0.5rem; border-radius: 0.125rem; min-width: 1px; background: var(--accent); }
.bar > .heat { background: var(--heat); }
.bar > .quiet { background: var(--line); }
section .banner { margin: 0 0 1.5rem; }
.cached { color: var(--muted); }
.gate td, .gate th { padding-block: 0.6rem; }
td .outcome { display: inline-block; padding: 0.05rem 0.6rem; border-radius: 1rem; font-weight: 600; font-size: 0.875rem; white-space: nowrap; }
td .good { color: var(--accent); background: var(--accentSoft); }
td .good::before { content: "✓ " / ""; }
td .bad { color: var(--bad); background: var(--badSoft); }
td .bad::before { content: "✗ " / ""; }

.chart { display: block; width: 100%; height: auto; overflow: visible; }
.chart text { fill: var(--muted); font-size: 13px; }
.chart .grid { stroke: var(--line); }
.series path { fill: none; stroke-width: 2.25; stroke-linejoin: round; stroke-linecap: round; }
.series.main path { stroke: var(--accent); }
.series.main circle { fill: var(--accent); }
.series.other path { stroke: var(--muted); stroke-width: 1.75; stroke-dasharray: 5 5; }
.series.other circle { fill: var(--page); stroke: var(--muted); stroke-width: 1.75; }
figcaption strong { display: block; }
.legend { display: flex; flex-wrap: wrap; gap: 0 1.25rem; color: var(--muted); font-size: 0.875rem; margin-bottom: 0.75rem; }
.legend b { color: var(--ink); }
.sample { width: 1.75rem; height: 0.625rem; }
figcaption.note { margin-top: 0.5rem; }
.diagonal { stroke: var(--muted); stroke-dasharray: 4 5; }
.bin line { stroke: var(--accent); stroke-width: 1.5; stroke-opacity: 0.5; }
.bin circle { fill: var(--accent); }
summary { margin-top: 1.5rem; cursor: pointer; color: var(--accent); width: fit-content; }
details > .scroll { margin-top: 0.75rem; }

.confusion { table-layout: fixed; }
.confusion th, .confusion td { padding: 0; height: 2.6rem; text-align: center; vertical-align: middle; border: 2px solid var(--page); font-size: 0.875rem; overflow-wrap: normal; }
.confusion thead th { height: 1.75rem; }
.confusion th { font-weight: 640; color: var(--ink); }
.confusion .right { background: var(--accentSoft); }
.confusion .none { color: var(--muted); background: var(--surface); }
.confusion .wrong { background: color-mix(in srgb, var(--heat) var(--heat-share), var(--surface)); font-weight: 640; }
.confusion.upright { min-width: 30rem; }
.confusion.upright thead td { width: 17%; }
.confusion.upright thead span { writing-mode: vertical-rl; transform: rotate(180deg); white-space: nowrap; }
.confusion.upright tbody th { text-align: right; padding-right: 0.5rem; }

.mistakes { display: grid; grid-template-columns: repeat(auto-fill, minmax(7rem, 1fr)); gap: 1.5rem 1.25rem; }
.mistakes li { display: flex; flex-direction: column; font-size: 0.875rem; line-height: 1.35; }
.mistakes img { width: 100%; height: auto; image-rendering: pixelated; border: 1px solid var(--line); border-radius: 0.375rem; margin-bottom: 0.5rem; background: #fff; }
@media screen and (prefers-color-scheme: dark) { .mistakes img { filter: invert(0.91); border-color: transparent; } }

.chain { display: grid; grid-template-columns: repeat(6, minmax(0, 1fr)); gap: 1.75rem; }
.chain li { position: relative; display: flex; flex-direction: column; padding: 0.8rem 0.9rem; background: var(--surface); border: 1px solid var(--line); border-radius: 0.5rem; font-size: 0.9375rem; }
.chain code { font-size: 0.75rem; color: var(--muted); }
.chain li:not(:last-child)::after { content: "→" / ""; position: absolute; left: 100%; top: 50%; width: 1.75rem; text-align: center; transform: translateY(-50%); color: var(--muted); }
.chain li:last-child { border-color: var(--accent); }

@media screen and (max-width: 56rem) {
  .pair, .wide-narrow { grid-template-columns: minmax(0, 1fr); }
  .tiles { grid-template-columns: repeat(2, minmax(0, 1fr)); }
  .chain { grid-template-columns: minmax(0, 1fr); }
  .chain li:not(:last-child)::after { content: "↓" / ""; left: 1rem; top: 100%; width: auto; height: 1.75rem; line-height: 1.75rem; transform: none; }
}
@media screen and (max-width: 34rem) {
  main { padding: 2rem 1rem 3rem; }
  section { margin-top: 2.5rem; padding-top: 1.5rem; }
  table { font-size: 0.875rem; }
  .chart text { font-size: 14px; }
  .tiles > div { padding: 0.9rem 1rem; }
  .tiles .value { font-size: 1.375rem; }
  .confusion th, .confusion td { font-size: 0.6875rem; height: 1.9rem; border-width: 1px; }
  .mistakes { grid-template-columns: repeat(3, minmax(0, 1fr)); gap: 1.25rem 0.9rem; }
  .mistakes li { font-size: 0.8125rem; }
}
@media print {
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  :root { --page: #fff; font-size: 70%; }
  main { max-width: none; padding: 0; }
  section { margin-top: 1.5rem; padding-top: 1rem; }
  h2, h3, .lead { break-after: avoid; break-inside: avoid; }
  figure, tr, .tiles, .chain, .mistakes li, .confusion { break-inside: avoid; }
  .mistakes { grid-template-columns: repeat(8, minmax(0, 1fr)); gap: 0.75rem; }
  .scroll { overflow: visible; }
  details:not([open]) { display: none; }
}
`;
