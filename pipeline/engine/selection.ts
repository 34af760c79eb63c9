import { UsageError, UserError } from '../../cli/errors.ts';
import type { Stage } from './stage.ts';

export interface RunOptions {
  /** This stage and all that depend on it run, cached or not. */
  readonly from?: string;
  /** This stage alone runs, cached or not; what it needs must be cached, the rest is not looked at. */
  readonly only?: string;
  /** All stages run, cached or not. */
  readonly force?: boolean;
  /** Says what would run and why; runs nothing and writes nothing. */
  readonly dryRun?: boolean;
}

export interface Selection {
  /** The stages to look at, in order. */
  readonly stages: readonly Stage[];
  /** Those that run even if cached. */
  readonly forced: ReadonlySet<Stage>;
  /** If given, the one stage that may run: the others are looked at only for what they have in the cache. */
  readonly only?: Stage;
}

/** @throws UsageError for a stage that isn't in the pipeline, or flags that contradict each other. */
export function selectStages(stages: readonly Stage[], options: RunOptions): Selection {
  checkOrder(stages);
  if (options.only !== undefined) {
    if (options.from !== undefined) throw new UsageError('Give --only or --from, not both.');
    const only = find(stages, options.only);
    const needed = closure(only);
    return { stages: stages.filter((stage) => needed.has(stage)), forced: new Set([only]), only };
  }
  const from = options.from === undefined ? undefined : find(stages, options.from);
  const forced = stages.filter((stage) => options.force === true || (from && closure(stage).has(from)));
  return { stages, forced: new Set(forced) };
}

/** For `--only` on a stage whose needs aren't all in the cache: says what to run first, and why. */
export function notCached(missing: Stage, reason: string, only: Stage): UserError {
  return new UserError(
    `--only ${only.name} needs a stage that must run first: ${missing.name} (${reason}). ` +
      `Do so with --only ${missing.name}, or leave --only out to run all that is needed.`,
  );
}

/** The stage and all that it needs, directly or not. */
export function closure(stage: Stage, into = new Set<Stage>()): Set<Stage> {
  into.add(stage);
  for (const needed of Object.values(stage.needs)) if (!into.has(needed)) closure(needed, into);
  return into;
}

function find(stages: readonly Stage[], name: string): Stage {
  const stage = stages.find((each) => each.name === name);
  if (stage) return stage;
  throw new UsageError(
    `There is no stage "${name}"; the stages are ${stages.map((each) => each.name).join(', ')}.`,
  );
}

/** A pipeline is written in the order in which it runs; a mistake in it is its author's, not the user's. */
function checkOrder(stages: readonly Stage[]): void {
  const earlier = new Set<Stage>();
  for (const stage of stages) {
    if (!/^[a-z0-9][a-z0-9-]{0,63}$/.test(stage.name))
      throw new Error(`A stage's name is lower-case letters, digits and -; got "${stage.name}"`);
    if ([...earlier].some(({ name }) => name === stage.name))
      throw new Error(`Two stages are called ${stage.name}`);
    for (const needed of Object.values(stage.needs))
      if (!earlier.has(needed))
        throw new Error(`The stage ${stage.name} needs ${needed.name}, which must be listed before it`);
    earlier.add(stage);
  }
}
