import { percent } from './format.ts';
import type { ReportData } from './report-data.ts';

/** What became of the version, in the words that the page opens with. */
export interface Verdict {
  readonly good: boolean;
  readonly outcome: string;
  readonly why: string;
}

export function verdictOf({ version, alias, promoted, gate }: ReportData): Verdict {
  if (version === null) {
    return { good: false, outcome: 'not registered', why: 'The run ended before a version was published.' };
  }
  const failed = gate?.rules.filter((rule) => !rule.passed) ?? [];
  const broken = failed
    .map(({ rule, measured, required }) => `on ${rule}: ${measured} (required: ${required})`)
    .join('; ');

  if (promoted && gate?.passed) {
    return {
      good: true,
      outcome: `promoted to ${alias}`,
      why: `The gate passed all of its ${gate.rules.length} rules.`,
    };
  }
  if (promoted) {
    return gate === null
      ? { good: true, outcome: `promoted to ${alias}`, why: 'The gate was not evaluated.' }
      : { good: false, outcome: `promoted to ${alias} by force`, why: `The gate refused it ${broken}.` };
  }
  if (gate === null) return { good: false, outcome: 'not promoted', why: 'The gate was not evaluated.' };
  return gate.passed
    ? { good: false, outcome: 'not promoted', why: `The gate passed, but ${alias} was not moved.` }
    : { good: false, outcome: 'not promoted', why: `The gate refused it ${broken}.` };
}

export function modelTitle({ model, version }: ReportData): string {
  return version === null ? model : `${model} v${version}`;
}

export function pageTitle(data: ReportData): string {
  const origin = data.dataset.synthetic ? ' (generated digits)' : '';
  return `${modelTitle(data)} · ${percent(data.evaluation.accuracy)}${origin} · ${verdictOf(data).outcome}`;
}
