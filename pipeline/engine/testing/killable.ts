/** Runs a pipeline of five stages on the registry folder given, telling each step: for a test that kills it. */
import { z } from 'zod';
import { runPipeline } from '../run.ts';
import { defineStage, type Stage } from '../stage.ts';
import { storageIn } from './lab.ts';

const [folder = ''] = process.argv.slice(2);
const output = z.object({ step: z.int(), bytes: z.int() });

function step(number: number, previous?: Stage<typeof output>): Stage<typeof output> {
  return defineStage({
    name: `step-${number}`,
    code: import.meta.url,
    needs: previous ? { previous } : {},
    parameters: { number },
    output,
    run: async ({ inputs }) => {
      const before = inputs.previous ? await inputs.previous.read('content') : new Uint8Array();
      const content = Buffer.concat([before, Buffer.alloc(200_000, number)]);
      return {
        values: { step: number, bytes: content.length },
        files: { content, extra: Buffer.from([number]) },
      };
    },
  });
}

const stages: Stage<typeof output>[] = [];
for (let number = 1; number <= 5; number++) stages.push(step(number, stages.at(-1)));

const record = await runPipeline({
  stages,
  registry: storageIn(folder),
  emit: (event) => process.stdout.write(`${JSON.stringify(event)}\n`),
});
process.stdout.write(`${JSON.stringify({ event: 'record', stages: record.stages })}\n`);
