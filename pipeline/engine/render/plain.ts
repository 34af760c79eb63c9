import type { PipelineEvent } from '../events.ts';
import type { Output, Renderer } from './renderer.ts';
import { duration, oneLine, progressParts, timeOf } from './text.ts';

const secondsBetween = 5; // a log of a long training stays short enough to read

/** Plain lines, each whole when it is written: for logs, where nothing can be drawn over. */
export function plainRenderer(output: Output, clock = () => performance.now() / 1000): Renderer {
  let lastLine = clock();

  function linesOf(event: PipelineEvent): string[] {
    switch (event.event) {
      case 'run':
        return [`${event.dryRun ? 'dry run' : `run ${event.run}`}: ${event.stages.join(', ')}`];
      case 'progress':
        if (clock() - lastLine < secondsBetween) return [];
        return [`${event.stage}: ${progressParts(event).join(', ')}`];
      case 'note':
        return [`${event.stage}: ${event.text}`];
      case 'stage-start':
        return [`${event.stage}: started (${event.reason})`];
      case 'stage-end':
        return [`${event.stage}: ${timeOf(event)}${event.summary ? `, ${event.summary}` : ''}`];
      case 'stage-failed':
        return [
          `${event.stage}: ${event.interrupted ? 'interrupted' : 'failed'} after ${duration(event.seconds)}`,
        ];
      case 'would-run':
        return [`${event.stage}: would run (${event.reason})`];
      case 'done':
        return [
          `${event.model} version ${event.version} is ${event.alias}, ${duration(event.seconds)} in all`,
        ];
    }
  }

  return {
    show(event) {
      for (const line of linesOf(event)) {
        output.write(`${oneLine(line)}\n`);
        lastLine = clock();
      }
    },
    close() {},
  };
}
