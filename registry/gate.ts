import { z } from 'zod';
import { DamagedBlob } from './blobs.ts';
import { datasetLabel, files, type Manifest } from './manifest.ts';
import { mcnemarExact } from './mcnemar.ts';
import type { Registry } from './registry.ts';

const gateRuleSchema = z.strictObject({
  rule: z.string(),
  passed: z.boolean(),
  measured: z.string(),
  required: z.string(),
});

/** What the gate said of a candidate, and why. `champion` is the version that it would replace. */
export const gateDecisionSchema = z.strictObject({
  passed: z.boolean(),
  candidate: z.int().min(1),
  champion: z.int().min(1).nullable(),
  rules: z.array(gateRuleSchema),
});

type GateRule = z.infer<typeof gateRuleSchema>;
export type GateDecision = z.infer<typeof gateDecisionSchema>;

export interface GatePolicy {
  /** The least accuracy on the test set, in [0,1]. */
  accuracyFloor: number;
  /** The largest difference between an answer of the exported file and the trained model's. */
  parityTolerance: number;
  /** A candidate that is worse is refused when chance alone does so with a smaller probability than this. */
  significance: number;
}

export const defaultPolicy: GatePolicy = {
  accuracyFloor: 0.985, // a small CNN passes 0.99 in a few epochs: below this, something went wrong
  parityTolerance: 1e-4, // float32 sums in another order differ by about 1e-6
  significance: 0.05, // the field's usual level
};

/** Decides whether `candidate` may go live in place of `champion`. Changes nothing. */
export async function evaluateGate(
  registry: Registry,
  policy: GatePolicy,
  candidate: Manifest,
  champion: Manifest | null,
): Promise<GateDecision> {
  const rules = [
    await filesRule(registry, candidate),
    accuracyRule(policy, candidate),
    await championRule(registry, policy, candidate, champion),
    parityRule(policy, candidate),
    contractRule(candidate),
  ];
  return {
    passed: rules.every(({ passed }) => passed),
    candidate: candidate.version,
    champion: champion?.version ?? null,
    rules,
  };
}

/** What a version is judged and served by; the layers model is only for training on. */
const neededFiles = [files.model, files.contract, files.evaluation, files.correct];

/** What the manifest says is worth as much as the bytes that it says it of. */
async function filesRule(registry: Registry, candidate: Manifest): Promise<GateRule> {
  const faults = await faultsOf(registry, candidate);
  return {
    rule: 'files',
    passed: faults.length === 0,
    measured:
      faults.length === 0 ? `${Object.keys(candidate.files).length} files, all whole` : faults.join('; '),
    required: `whole, and ${files.correct} as the metrics say`,
  };
}

async function faultsOf(registry: Registry, candidate: Manifest): Promise<string[]> {
  const missing = neededFiles.filter((path) => !Object.hasOwn(candidate.files, path));
  if (missing.length > 0) return missing.map((path) => `it has no ${path}`);
  const checks = await registry.verify(candidate.model, candidate.version);
  const damaged = checks.filter(({ state }) => state !== 'ok');
  if (damaged.length > 0) return damaged.map(({ path, state }) => `${path} is ${state}`);

  const answers = await registry.readFile(candidate, files.correct);
  if (!areAnswers(answers)) return [`${files.correct} is not one 0 or 1 an image`];
  const { parity, metrics } = candidate;
  if (answers.length !== parity.images)
    return [`${files.correct} has ${answers.length} images, the export was compared on ${parity.images}`];
  const share = answers.filter((right) => right === 1).length / answers.length;
  if (Math.abs(share - metrics.accuracy) <= 1e-9) return [];
  return [`${files.correct} says ${percent(share)}, the metrics say ${percent(metrics.accuracy)}`];
}

function accuracyRule(policy: GatePolicy, { metrics, dataset }: Manifest): GateRule {
  return {
    rule: 'accuracy',
    passed: metrics.accuracy >= policy.accuracyFloor,
    measured: `${percent(metrics.accuracy)} on ${datasetLabel(dataset)}`,
    required: `at least ${percent(policy.accuracyFloor)}`,
  };
}

async function championRule(
  registry: Registry,
  policy: GatePolicy,
  candidate: Manifest,
  champion: Manifest | null,
): Promise<GateRule> {
  const says = (passed: boolean, measured: string, required: string): GateRule => ({
    rule: 'champion',
    passed,
    measured,
    required,
  });
  if (champion === null) return says(true, 'there is no champion yet', 'not worse than the champion');

  const versions = `version ${candidate.version} on ${datasetLabel(candidate.dataset)}, champion ${champion.version} on ${datasetLabel(champion.dataset)}`;
  if (candidate.dataset.synthetic && !champion.dataset.synthetic)
    return says(false, versions, 'synthetic data never replaces real data');
  if (champion.dataset.synthetic && !candidate.dataset.synthetic)
    return says(true, versions, 'real data replaces synthetic data');
  if (candidate.dataset.testDigest !== champion.dataset.testDigest)
    return says(
      false,
      `${versions}: different test data, so nothing can be compared`,
      'the same test data as the champion',
    );

  const required = `not worse than champion ${champion.version}, or by chance (p >= ${policy.significance})`;
  try {
    const { candidateErrors, championErrors, p } = await comparePaired(registry, candidate, champion);
    const passed = candidateErrors <= championErrors || p >= policy.significance;
    return says(
      passed,
      `errors: ${candidateErrors}, champion's: ${championErrors}; p = ${rounded(p)}`,
      required,
    );
  } catch (error) {
    if (!(error instanceof Incomparable || error instanceof DamagedBlob)) throw error;
    return says(false, error.message, required);
  }
}

class Incomparable extends Error {}

async function comparePaired(registry: Registry, candidate: Manifest, champion: Manifest) {
  const [mine, its] = await Promise.all([
    correctAnswers(registry, candidate),
    correctAnswers(registry, champion),
  ]);
  if (mine.length !== its.length)
    throw new Incomparable(`${mine.length} answers, champion ${its.length}: different test images`);

  const onlyCandidate = mine.filter((right, index) => right > (its[index] ?? 0)).length;
  const onlyChampion = mine.filter((right, index) => right < (its[index] ?? 0)).length;
  const errorsOf = (answers: Uint8Array) => answers.filter((right) => right === 0).length;
  return {
    candidateErrors: errorsOf(mine),
    championErrors: errorsOf(its),
    p: mcnemarExact(onlyCandidate, onlyChampion),
  };
}

async function correctAnswers(registry: Registry, manifest: Manifest): Promise<Uint8Array> {
  if (!Object.hasOwn(manifest.files, files.correct))
    throw new Incomparable(`version ${manifest.version} has no ${files.correct}`);
  const answers = await registry.readFile(manifest, files.correct);
  if (!areAnswers(answers))
    throw new Incomparable(`version ${manifest.version}: ${files.correct} is not one 0 or 1 an image`);
  return answers;
}

function areAnswers(content: Uint8Array): boolean {
  return content.length > 0 && content.every((right) => right <= 1);
}

function parityRule(policy: GatePolicy, { parity }: Manifest): GateRule {
  return {
    rule: 'export parity',
    passed: parity.largestDifference <= policy.parityTolerance && parity.differentAnswers === 0,
    measured: `difference ${rounded(parity.largestDifference)}, ${parity.differentAnswers} other answers on ${parity.images} images`,
    required: `at most ${policy.parityTolerance}, 0 other answers`,
  };
}

function contractRule({ contract }: Manifest): GateRule {
  const [first] = contract.failures;
  return {
    rule: 'contract',
    passed: contract.rows > 0 && contract.failures.length === 0,
    measured: `failures: ${contract.failures.length} in ${contract.rows} rows${first ? `: ${first.slice(0, 100)}` : ''}`,
    required: 'no failure, at least one row',
  };
}

/** With as many digits as it takes: 0.98499 must not read as 98.5 %. */
function percent(share: number): string {
  return `${Number((share * 100).toPrecision(8))} %`;
}

function rounded(value: number): string {
  return String(Number(value.toPrecision(3)));
}
