import { type Html, html } from './html.ts';

/** A bar of `share` (0 to 1) of its column's width; what it means is said in the cell beside it. */
export function bar(share: number, look: 'accent' | 'heat' | 'quiet' = 'accent'): Html {
  const bounded = Number.isFinite(share) ? Math.min(1, Math.max(0, share)) : 0;
  return html`<span class="bar" aria-hidden="true"><span class="${look}" style="width:${(bounded * 100).toFixed(1)}%"></span></span>`;
}
