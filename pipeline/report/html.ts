/** Markup that is safe to put into a page: only `html` and `trusted` make it. */
export class Html {
  constructor(readonly markup: string) {}
}

type Part = Html | string | number | null | readonly Part[];

/**
 * A template that escapes whatever is put into it, unless that is `Html` itself; arrays are joined and `null`
 * leaves nothing. Safe in text and in double-quoted attributes; never put a value anywhere else.
 */
export function html(strings: TemplateStringsArray, ...parts: readonly Part[]): Html {
  return new Html(strings.reduce((markup, literal, i) => markup + render(parts[i - 1] ?? null) + literal));
}

/** Text of our own, such as a style sheet, that must not be escaped. Never for anything that was read. */
export function trusted(markup: string): Html {
  return new Html(markup);
}

function render(part: Part): string {
  if (part === null) return '';
  if (part instanceof Html) return part.markup;
  if (typeof part === 'object') return part.map(render).join('');
  return String(part).replace(/[&<>"']/g, (character) => entities[character] ?? character);
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};
