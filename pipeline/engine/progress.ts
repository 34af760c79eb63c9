import type { ProgressEvent } from './events.ts';
import type { Progress } from './stage.ts';

const secondsBetween = 0.1; // as fast as an eye follows; a training loop reports thousands of times

/**
 * A stage's `progress`: drops what comes too fast, and adds the rate and the time left where the stage doesn't
 * give them, measured from the first report of the same count (a stage may count twice: bytes, then images).
 */
export function progressOf(
  stage: string,
  emit: (event: ProgressEvent) => void,
  clock: () => number = () => performance.now() / 1000,
): (progress: Progress) => void {
  let first: { at: number; done: number; total: number; unit: string } | undefined;
  let last = Number.NEGATIVE_INFINITY;
  return (progress) => {
    const at = clock();
    const { done, total, unit } = progress;
    const newCount = !first || first.total !== total || first.unit !== unit || done < first.done;
    if (!first || newCount) first = { at, done, total, unit };
    if (!newCount && done < total && at - last < secondsBetween) return;
    last = at;
    const elapsed = at - first.at;
    const rate = progress.rate ?? (elapsed > 0 ? (done - first.done) / elapsed : 0);
    const measured = rate > 0 ? { rate, secondsLeft: progress.secondsLeft ?? (total - done) / rate } : {};
    emit({ event: 'progress', stage, ...progress, ...measured });
  };
}
