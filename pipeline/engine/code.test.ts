import { expect, test } from 'vitest';
import { SourceCode } from './code.ts';
import { Lab } from './testing/lab.ts';

async function labWith(modules: Record<string, string>): Promise<Lab> {
  const lab = await Lab.open();
  for (const [path, text] of Object.entries(modules)) await lab.write(path, text);
  return lab;
}

const entry = [
  "import { a } from './a.ts';",
  "export * from './b.ts';",
  "import './c.ts';",
  "const d = await import('./d.ts');",
  "new Worker(new URL('./e.ts', import.meta.url));",
  'import {',
  "  f, // it's a comment with a quote",
  "} from './f.ts';",
  "import type { G } from './g.ts';",
  "export type * from './h.ts';",
  "import { type I } from './i.ts';",
  "import '../entry.test.ts';",
  "import { z } from 'made-up/deep';",
  "import 'node:fs';",
].join('\n');
const parts = Object.fromEntries([...'abcdefghi'].map((name) => [`code/${name}.ts`, `// ${name}`]));

async function changesWith(path: string): Promise<boolean> {
  await using lab = await labWith({ 'code/entry.ts': entry, ...parts, 'entry.test.ts': '' });
  const before = new SourceCode().digest(lab.code('entry'));
  await lab.write(path, '{"version":"2.0.0"}');
  return new SourceCode().digest(lab.code('entry')) !== before;
}

test.each([...'abcdefi'])('an imported module is code: %s', async (name) => {
  expect(await changesWith(`code/${name}.ts`)).toBe(true);
});

test.each(['code/g.ts', 'code/h.ts', 'entry.test.ts', 'code/unrelated.ts'])(
  'types, tests and what is not imported are not code: %s',
  async (path) => {
    expect(await changesWith(path)).toBe(false);
  },
);

test("an imported package's version is code, also of one that is not installed yet", async () => {
  expect(await changesWith('node_modules/made-up/package.json')).toBe(true);
});

test('what imported modules import is code, and a circle of imports ends', async () => {
  await using lab = await labWith({
    'code/entry.ts': "import './a.ts'",
    'code/a.ts': "import '../deep/b.ts'",
    'deep/b.ts': "import '../code/entry.ts'",
  });
  const before = new SourceCode().digest(lab.code('entry'));
  await lab.write('deep/b.ts', "import '../code/entry.ts'; // changed");
  expect(new SourceCode().digest(lab.code('entry'))).not.toBe(before);
});

test('a module that is left out takes with it only what nothing else imports', async () => {
  await using lab = await labWith({
    'code/entry.ts': "import './needed.ts'; import './shared.ts';",
    'code/needed.ts': "import './own.ts'; import './shared.ts';",
    'code/own.ts': '',
    'code/shared.ts': '',
  });
  const digest = () => new SourceCode().digest(lab.code('entry'), [lab.code('needed')]);
  const before = digest();
  await lab.write('code/needed.ts', "import './own.ts'; // changed");
  await lab.write('code/own.ts', '// changed');
  expect(digest()).toBe(before);
  await lab.write('code/shared.ts', '// changed');
  expect(digest()).not.toBe(before);
});

test('another checkout of the same code has the same digest', async () => {
  await using one = await labWith({ 'code/entry.ts': "import './a.ts'", 'code/a.ts': '' });
  await using two = await labWith({ 'code/entry.ts': "import './a.ts'", 'code/a.ts': '' });
  expect(new SourceCode().digest(one.code('entry'))).toBe(new SourceCode().digest(two.code('entry')));
});

test('a stage whose own module is gone is a mistake', async () => {
  await using lab = await Lab.open();
  expect(() => new SourceCode().digest(lab.code('gone'))).toThrow(/code of a stage is not there/);
});
