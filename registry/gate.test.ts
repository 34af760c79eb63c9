import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { digestOf } from './digest.ts';
import { defaultPolicy, evaluateGate } from './gate.ts';
import { gateTable } from './gate-table.ts';
import { type Draft, files, type Manifest } from './manifest.ts';
import { paths } from './paths.ts';
import { temporaryRegistry } from './testing/registry.ts';
import {
  answersWrongAt,
  images,
  metricsOf,
  publishSample,
  realData,
  sampleDraft,
  sampleFiles,
  syntheticData,
} from './testing/sample.ts';

const from = (first: number, count: number) => Array.from({ length: count }, (_, index) => first + index);

interface Answers {
  candidate?: Uint8Array;
  champion?: Uint8Array;
}

/** The gate's decision on a candidate with these changes, over a champion with those. */
async function decided(candidate: Partial<Draft>, champion: Partial<Draft> | null, answers: Answers = {}) {
  await using home = await temporaryRegistry();
  const present = champion && (await publishSample(home.registry, 'champion', champion, answers.champion));
  const next = await publishSample(home.registry, 'candidate', candidate, answers.candidate);
  const decision = await evaluateGate(home.registry, defaultPolicy, next, present);
  const failed = decision.rules.filter(({ passed }) => !passed).map(({ rule }) => rule);
  const championRule = decision.rules.find(({ rule }) => rule === 'champion');
  return { decision, failed, said: `${championRule?.measured} / ${championRule?.required}` };
}

test('a good first version passes, and the gate says that there is no champion', async () => {
  const { decision, said } = await decided({}, null);
  expect(decision).toMatchObject({ passed: true, candidate: 1, champion: null });
  expect(said).toContain('there is no champion');
});

test('an accuracy below the floor fails that rule alone, and the floor itself passes', async () => {
  const wrong = (count: number) => decided({}, null, { candidate: answersWrongAt(...from(0, count)) });
  expect((await wrong(16)).failed).toEqual(['accuracy']);
  expect((await wrong(16)).decision.rules[1]?.measured).toContain('98.4 %');
  expect((await wrong(15)).failed).toEqual([]);
});

test.each([
  ['a difference above the tolerance', { images, largestDifference: 1.1e-4, differentAnswers: 0 }],
  ['one other answer', { images, largestDifference: 0, differentAnswers: 1 }],
])('%s fails the export parity alone', async (_, parity) => {
  const { decision, failed } = await decided({ parity }, null);
  expect(failed).toEqual(['export parity']);
  expect(decision.passed).toBe(false);
});

test('a failure of the contract fails that rule alone', async () => {
  const { failed } = await decided({ contract: { rows: 10, failures: ['row 3: NaN'] } }, null);
  expect(failed).toEqual(['contract']);
});

test('a contract of no rows fails', async () => {
  await using home = await temporaryRegistry();
  const manifest = await publishSample(home.registry, 'one');
  const decision = await evaluateGate(
    home.registry,
    defaultPolicy,
    { ...manifest, contract: { rows: 0, failures: [] } },
    null,
  );
  expect(decision.passed).toBe(false);
});

test('a candidate that is worse by more than chance fails, with both error counts and p', async () => {
  const { failed, said, decision } = await decided(
    {},
    {},
    {
      candidate: answersWrongAt(0, ...from(1, 6)),
      champion: answersWrongAt(0),
    },
  );
  expect(failed).toEqual(['champion']);
  expect(decision).toMatchObject({ passed: false, candidate: 2, champion: 1 });
  expect(said).toContain("errors: 7, champion's: 1; p = 0.0313");
});

test.each([
  ['as good', answersWrongAt(0), answersWrongAt(0)],
  ['worse by what may be chance', answersWrongAt(0, 1, 2, 3), answersWrongAt(0)],
  ['better beyond chance', answersWrongAt(), answersWrongAt(...from(0, 20))],
])('a candidate that is %s passes', async (_, candidate, champion) => {
  expect((await decided({}, {}, { candidate, champion })).failed).toEqual([]);
});

test('other test data than the champion had fails in plain words', async () => {
  const { failed, said } = await decided({ dataset: { ...realData, testDigest: digestOf('other') } }, {});
  expect(failed).toEqual(['champion']);
  expect(said).toContain('different test data');
});

test('real data replaces synthetic data, though the test data differ', async () => {
  const { failed, said } = await decided({}, { dataset: syntheticData });
  expect(failed).toEqual([]);
  expect(said).toContain('champion 1 on synthetic-digits / real data replaces synthetic data');
});

test('synthetic data never replaces real data, even with the same test digest and no error', async () => {
  const dataset = { ...syntheticData, testDigest: realData.testDigest };
  const answers = { candidate: answersWrongAt(), champion: answersWrongAt(...from(0, 30)) };
  const { failed, said } = await decided({ dataset }, {}, answers);
  expect(failed).toEqual(['champion']);
  expect(said).toContain('synthetic data never replaces real data');
});

test('synthetic versions are compared with each other', async () => {
  const answers = { candidate: answersWrongAt(...from(0, 9)), champion: answersWrongAt() };
  expect((await decided({ dataset: syntheticData }, { dataset: syntheticData }, answers)).failed).toEqual([
    'champion',
  ]);
});

test.each([
  ['of another length', Uint8Array.of(1, 1, 1), /3 answers, champion 1000: different test images/],
  [
    'that are neither 0 nor 1',
    new Uint8Array(images).fill(2),
    /version 2: correct\.u8 is not one 0 or 1 an image/,
  ],
  ['of no image', new Uint8Array(), /version 2: correct\.u8 is not one 0 or 1 an image/],
])('answers %s fail the comparison', async (_, candidate, message) => {
  const { failed, said } = await decided({}, {}, { candidate });
  expect(failed).toEqual(expect.arrayContaining(['files', 'champion']));
  expect(said).toMatch(message);
});

test('answers that are missing or damaged fail the comparison', async () => {
  await using home = await temporaryRegistry();
  const champion = await publishSample(home.registry, 'champion', {}, answersWrongAt(1));
  const candidate = await publishSample(home.registry, 'candidate', {}, answersWrongAt(2));
  const bare = await home.registry.publish('mnist', sampleDraft('bare'), {}, 'tester');
  const said = async (manifest: Manifest) =>
    (await evaluateGate(home.registry, defaultPolicy, manifest, champion)).rules.find(
      ({ rule }) => rule === 'champion',
    )?.measured;
  expect(await said(candidate)).toContain("errors: 1, champion's: 1");
  expect(await said(bare)).toBe('version 3 has no correct.u8');

  const place = join(home.path, paths.blob(champion.files[files.correct]?.digest ?? digestOf('')));
  await writeFile(place, answersWrongAt());
  expect(await said(candidate)).toContain('has other content than its name says');
  await rm(place);
  expect(await said(candidate)).toContain('is missing');
});

describe("the candidate's files", () => {
  async function filesRule(change: (contents: Record<string, Uint8Array>) => Partial<Draft> | undefined) {
    await using home = await temporaryRegistry();
    const contents = sampleFiles('candidate');
    const draft = sampleDraft('candidate', change(contents));
    const candidate = await home.registry.publish('mnist', draft, contents, 'tester');
    const { rules } = await evaluateGate(home.registry, defaultPolicy, candidate, null);
    return rules.find(({ rule }) => rule === 'files');
  }

  test.each([files.model, files.contract, files.evaluation, files.correct])('must have %s', async (path) => {
    const rule = await filesRule((contents) => {
      delete contents[path];
      return undefined;
    });
    expect(rule).toMatchObject({ passed: false, measured: `it has no ${path}` });
  });

  test('must have as many answers as the export was compared on', async () => {
    const parity = { images: images + 1, largestDifference: 0, differentAnswers: 0 };
    expect(await filesRule(() => ({ parity }))).toMatchObject({
      passed: false,
      measured: 'correct.u8 has 1000 images, the export was compared on 1001',
    });
  });

  test('must bear out the accuracy', async () => {
    const metrics = { ...metricsOf(answersWrongAt()), accuracy: 1 };
    expect(await filesRule(() => ({ metrics }))).toMatchObject({
      passed: false,
      measured: 'correct.u8 says 99.9 %, the metrics say 100 %',
    });
  });

  test('must be whole, and the manifest with them', async () => {
    await using home = await temporaryRegistry();
    const candidate = await publishSample(home.registry, 'candidate');
    const rule = async () =>
      (await evaluateGate(home.registry, defaultPolicy, candidate, null)).rules.find(
        ({ rule }) => rule === 'files',
      );
    expect(await rule()).toMatchObject({ passed: true, measured: '4 files, all whole' });
    const manifest = join(home.path, paths.manifest('mnist', 1));
    await writeFile(manifest, (await readFile(manifest, 'utf8')).replace('0.999', '1'));
    await rm(join(home.path, paths.blob(candidate.files[files.model]?.digest ?? digestOf(''))));
    expect(await rule()).toMatchObject({
      passed: false,
      measured: `${paths.manifest('mnist', 1)} is corrupt; model.onnx is missing`,
    });
  });
});

test('the table shows each rule in a line, and the verdict', async () => {
  const { decision } = await decided({ contract: { rows: 10, failures: ['row 3: \u001b[31mNaN\n'] } }, null);
  expect(gateTable(decision)).toBe(
    `
RULE           RESULT  MEASURED                                         REQUIRED
files          pass    4 files, all whole                               whole, and correct.u8 as the metrics say
accuracy       pass    99.9 % on mnist                                  at least 98.5 %
champion       pass    there is no champion yet                         not worse than the champion
export parity  pass    difference 4e-7, 0 other answers on 1000 images  at most 0.0001, 0 other answers
contract       FAIL    failures: 1 in 10 rows: row 3:  [31mNaN          no failure, at least one row
version 1 against no champion: refused: contract`.trim(),
  );
});
