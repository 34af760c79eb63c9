import fc from 'fast-check';
import sharp from 'sharp';
import { describe, expect, test } from 'vitest';
import type { GateDecision } from '../../registry/gate.ts';
import { sampleEvaluation, sampleMistakes, sampleReport } from './report.fixture.ts';
import { renderReport } from './report.ts';
import type { ReportData } from './report-data.ts';

const banner = 'Trained on generated digits, not on real data';

/** What a reader sees: no tags, no style sheet, spaces alike. */
function textOf(page: string): string {
  return page
    .replace(/<style>.*?<\/style>/s, '')
    .replace(/<[^>]*>/g, ' ')
    .replace(/\s+/g, ' ')
    .replaceAll('&#39;', "'");
}

function render(changes: Partial<ReportData> = {}): string {
  return textOf(renderReport({ ...sampleReport(), ...changes }));
}

const refused: GateDecision = {
  passed: false,
  candidate: 4,
  champion: 3,
  rules: [
    { rule: 'accuracy', passed: false, measured: '97.31 %', required: 'at least 98.50 %' },
    { rule: 'parity', passed: true, measured: '3.6e-7', required: 'at most 1e-4' },
  ],
};

describe('the headline', () => {
  test('gives model, version, accuracy and outcome first', () => {
    expect(render()).toContain('mnist v4 — accuracy 99.12 % promoted to live');
    expect(render()).toContain('It is 0.18 points better than v3 that was live before (98.94 %).');
    expect(renderReport(sampleReport())).toContain(
      '<title>mnist v4 · 99.12\u00a0% · promoted to live</title>',
    );
  });

  test('says why the gate refused', () => {
    const text = render({ promoted: false, gate: refused });
    expect(text).toContain('accuracy 99.12 % not promoted');
    expect(text).toContain('The gate refused it on accuracy: 97.31 % (required: at least 98.50 %).');
    expect(text).toContain('v4 breaks 1 of 2 rules');
  });

  test('says that a refused version was promoted all the same', () => {
    expect(render({ gate: refused })).toContain('promoted to live by force The gate refused it');
  });

  test('says when the gate passed and the alias was not moved', () => {
    expect(render({ promoted: false })).toContain('The gate passed, but live was not moved.');
  });

  test('says when nothing was published', () => {
    const text = render({ version: null, promoted: false, gate: null, championAccuracy: null });
    expect(text).toContain('mnist — accuracy 99.12 % not registered');
    expect(text).toContain('The gate was not evaluated in this run.');
  });

  test('says that there was no champion', () => {
    const gate = { ...refused, champion: null };
    expect(render({ championAccuracy: null, gate })).toContain('No version was live before.');
  });

  test('does not compare with a champion that was tested otherwise', () => {
    expect(render({ championAccuracy: null })).toContain(
      'It was tested on other data than v3 that was live before.',
    );
  });
});

describe('synthetic data', () => {
  test('is announced by a banner and in the title', () => {
    const { dataset } = sampleReport();
    const page = renderReport({ ...sampleReport(), dataset: { ...dataset, synthetic: true } });
    expect(page).toContain(banner);
    expect(page).toMatch(/<title>[^<]*generated digits/);
  });

  test('is not mentioned where the data is real', () => {
    expect(render()).not.toMatch(/generated/i);
  });
});

test('the figures shown are those given', () => {
  const text = render();
  for (const figure of [
    'Errors 88 of 10,000 test images',
    'Loss 0.0271',
    'Calibration error 0.23 %',
    'Parameters 225,034',
    'Model size 902 kB',
    'Training time 1 min 12 s 5 epochs',
    'onnxruntime 1.30 cpu, 2 threads',
    'validation 0.0331',
    'validation 99.07 %',
    '4 taken for 9 11',
    '99.6 % 99.9 % 9,695',
    'accuracy 99.12 % at least 98.50 % pass',
    'Largest difference of a probability 3.6e-7',
    'trained on 54,000 images, validated on 6,000',
    'learning-rate 0.002',
    'train ran 1 min 13 s',
    'data cached 0.02 s',
    'onnxruntime-node 1.30.0',
    `model.onnx 902 kB ${'c'.repeat(64)}`,
  ]) {
    expect(text).toContain(figure);
  }
});

test('the confusion matrix shows every count in its place', () => {
  const { confusion } = sampleEvaluation();
  const page = renderReport(sampleReport());
  const [table = ''] = page.match(/<table class="confusion.*?<\/table>/s) ?? [];
  const rows = [...table.matchAll(/<tr><th scope="row">.*?<\/tr>/gs)].map(([row]) =>
    [...row.matchAll(/<td[^>]*>([\d,]+)<\/td>/g)].map((cell) => Number(cell[1]?.replace(',', ''))),
  );
  expect(rows).toEqual(confusion);
});

test('each mistake is a picture of its own, at most 24 of them', () => {
  const evaluation = { ...sampleEvaluation(), mistakes: sampleMistakes(30) };
  const page = renderReport({ ...sampleReport(), evaluation });
  const pictures = [...page.matchAll(/<img src="(data:image\/png;base64,[A-Za-z0-9+/=]+)"/g)].map(
    (match) => match[1],
  );
  expect(pictures).toHaveLength(24);
  expect(new Set(pictures).size).toBe(24);
  expect(Buffer.byteLength(page)).toBeLessThan(300_000);
});

test('a mistake is drawn as dark ink on white', async () => {
  const ink = Buffer.alloc(784).fill(255, 0, 28);
  const mistakes = sampleMistakes(1).map((mistake) => ({ ...mistake, pixels: ink.toString('base64') }));
  const page = renderReport({ ...sampleReport(), evaluation: { ...sampleEvaluation(), mistakes } });
  const [, base64 = ''] = page.match(/<img src="data:image\/png;base64,([^"]*)"/) ?? [];
  const pixels = await sharp(Buffer.from(base64, 'base64')).toColourspace('b-w').raw().toBuffer();
  expect([pixels.length, pixels[0], pixels[27], pixels[28]]).toEqual([784, 0, 0, 255]);
});

test('a mistake whose picture has the wrong size is refused', () => {
  const mistakes = sampleMistakes(1).map((mistake) => ({ ...mistake, pixels: 'AAAA' }));
  const evaluation = { ...sampleEvaluation(), mistakes };
  expect(() => renderReport({ ...sampleReport(), evaluation })).toThrow(
    'Expected 784 pixels of a mistake, got 3',
  );
});

test('what the data check and the contract found is listed', () => {
  const { dataset } = sampleReport();
  const figures = { ...dataset.figures, problems: ['12 test images are blank'] };
  const contract = { rows: 100, failures: ['row 3: expected 10 numbers, got 9'] };
  const text = render({ contract, dataset: { ...dataset, figures } });
  expect(text).toContain('12 test images are blank');
  expect(text).toContain('row 3: expected 10 numbers, got 9');
});

describe('a page stays whole', () => {
  const report = sampleReport();
  const perfect = {
    ...report.evaluation,
    accuracy: 1,
    mistakes: [],
    confusion: report.evaluation.confusion.map((row, i) => row.map((_, j) => (i === j ? 1000 : 0))),
  };
  const neverPredicted = report.evaluation.classes.map((result) => ({
    ...result,
    precision: Number.NaN,
    recall: 0,
  }));
  const diverged = report.epochs.map((epoch) => ({
    ...epoch,
    loss: Number.NaN,
    validationLoss: Number.POSITIVE_INFINITY,
  }));
  const cases: Readonly<Record<string, ReportData>> = {
    'with one epoch': { ...report, epochs: report.epochs.slice(0, 1) },
    'with no epoch': { ...report, epochs: [] },
    'with a diverged training': { ...report, epochs: diverged },
    'without a mistake': { ...report, evaluation: perfect },
    'with classes never predicted': {
      ...report,
      evaluation: { ...report.evaluation, classes: neverPredicted },
    },
    'without a gate': { ...report, gate: null },
    'without a commit': { ...report, code: { commit: null, clean: null } },
    'without files or stages': { ...report, files: [], stages: [] },
  };
  test.each(Object.entries(cases))('%s', (_, data) => {
    const page = renderReport(data);
    expect(page.match(/<h2/g)).toHaveLength(11);
    expect(page).not.toMatch(/NaN|Infinity|undefined|\[object/);
  });
});

test('the page refers to nothing outside itself and runs no script', () => {
  const page = renderReport(sampleReport());
  expect(page).toContain("content=\"default-src 'none'; style-src 'unsafe-inline'; img-src data:;");
  expect(page).not.toMatch(/<(?:script|link|iframe|object|embed|base|form|a)\b/i);
  expect(page).not.toMatch(/\b(?:href|xlink:href|srcset|action|on\w+)=/i);
  expect(page).not.toMatch(/url\(|@import|https?:/i);
  const sources = [...page.matchAll(/\bsrc="([^"]*)"/g)].map((match) => match[1] ?? '');
  expect(sources.every((source) => source.startsWith('data:image/png;base64,'))).toBe(true);
});

test('every picture drawn has a title and every table its headers', () => {
  const page = renderReport(sampleReport());
  const charts = page.match(/<svg class="chart"[^>]*>/g) ?? [];
  expect(charts).toHaveLength(3);
  expect(page.match(/<svg class="chart"[^>]*role="img"><?\s*\n?<title>/g)).toHaveLength(3);
  expect(page).not.toMatch(/<th(?! scope=)[ >]/);
});

const hostile = fc
  .array(
    fc.oneof(
      fc.string(),
      fc.constantFrom(
        '<script>alert(1)</script>',
        '"><img src=x onerror=alert(1)>',
        "' onload='x",
        '</title>',
        '</style>',
      ),
      fc.constantFrom('<!--', ']]>', '&lt;b&gt;', '</svg>', '\0', '\u202e'),
    ),
    { maxLength: 4 },
  )
  .map((parts) => parts.join(''));

const kept = new Set(['outcome', 'pixels']); // not free text

/** The same data with every free text, and every name in a record of texts, replaced. */
function withText<T>(value: T, text: string, key = ''): T {
  if (typeof value === 'string') return (kept.has(key) ? value : text) as T;
  if (Array.isArray(value)) return value.map((item) => withText(item, text)) as T;
  if (typeof value !== 'object' || value === null) return value;
  const free = key === 'parameters' || key === 'environment';
  return Object.fromEntries(
    Object.entries(value).map(([name, item], i) => [free ? `${i}${text}` : name, withText(item, text, name)]),
  ) as T;
}

test('no text, whatever it is, changes the markup of the page', () => {
  const structure = (page: string) =>
    page
      .replace(/<style>.*?<\/style>/s, '<style>')
      .match(/<[^>]*>/g)
      ?.map((tag) => tag.replace(/="[^"]*"/g, ''));
  const data = {
    ...sampleReport(),
    promoted: false,
    gate: refused,
    contract: { rows: 3, failures: ['a', 'b'] },
    evaluation: { ...sampleEvaluation(), mistakes: sampleMistakes(2) },
  };
  const expected = structure(renderReport(withText(data, 'plain')));
  fc.assert(
    fc.property(hostile, (text) => {
      expect(structure(renderReport(withText(data, text)))).toEqual(expected);
    }),
    { numRuns: 200 },
  );
});
