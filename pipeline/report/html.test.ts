import fc from 'fast-check';
import { expect, test } from 'vitest';
import { html, trusted } from './html.ts';

const decode = (text: string) =>
  text
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&amp;', '&');

test('text put into a template never holds a character that could end the text or an attribute', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const inside = html`${text}`.markup;
      expect(inside).not.toMatch(/[<>"']/);
      expect(decode(inside)).toBe(text);
    }),
  );
});

test('markup made by the template is kept, text in it is escaped once', () => {
  const item = html`<li>${'<&>'}</li>`;
  expect(html`<ul>${item}</ul>`.markup).toBe('<ul><li>&lt;&amp;&gt;</li></ul>');
});

test('arrays are joined, null leaves nothing and zero is shown', () => {
  expect(html`<p>${['a', html`<b>b</b>`, null, 0, ['<']]}${null}</p>`.markup).toBe('<p>a<b>b</b>0&lt;</p>');
});

test('an object that only looks like markup is not taken for it', () => {
  const forged: unknown = JSON.parse('{"markup":"<script>"}');
  expect(() => html`${forged as string}`.markup).toThrow();
});

test('trusted text is not escaped', () => {
  expect(html`<style>${trusted('a > b {}')}</style>`.markup).toBe('<style>a > b {}</style>');
});
