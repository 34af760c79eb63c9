import { canonicalJson } from './canonical-json.ts';
import type { StageIdentity } from './fingerprint.ts';
import type { FinishedStage } from './record.ts';

/** Why a stage that has no usable outcome must run, by what it last finished with: for people, it decides nothing. */
export function reasonToRun(identity: StageIdentity, last: FinishedStage | undefined): string {
  if (!last) return 'never ran';
  const reasons: string[] = [];
  const parameters = changes(members(last.parameters), members(identity.parameters));
  if (parameters.length > 0) reasons.push(`parameters changed: ${shortened(parameters).join(', ')}`);
  if (last.code !== identity.code) reasons.push('code changed');
  const inputs = Object.keys(identity.inputs).filter((name) => last.inputs[name] !== identity.inputs[name]);
  if (inputs.length > 0) reasons.push(`input changed: ${inputs.join(', ')}`);
  return reasons.join('; ') || 'its outcome is not in the cache';
}

function changes(before: Record<string, unknown>, after: Record<string, unknown>): string[] {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  return names
    .map((name) => ({ name, from: shown(before[name]), to: shown(after[name]) }))
    .filter(({ from, to }) => from !== to)
    .map(({ name, from, to }) => `${name} ${from} -> ${to}`);
}

function members(parameters: unknown): Record<string, unknown> {
  return typeof parameters === 'object' && parameters !== null ? { ...parameters } : { parameters };
}

function shown(value: unknown): string {
  if (value === undefined) return 'none';
  return typeof value === 'string' ? value : canonicalJson(value);
}

/** A reason is one line: a long value or a long list of them says little to a reader. */
function shortened(texts: readonly string[]): string[] {
  const shown = texts.slice(0, 3).map((text) => (text.length > 60 ? `${text.slice(0, 59)}…` : text));
  return texts.length > 3 ? [...shown, `${texts.length - 3} more`] : shown;
}
