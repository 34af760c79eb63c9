import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { z } from 'zod';
import { Blobs } from '../../../registry/blobs.ts';
import { DirectoryStore } from '../../../registry/store/directory.ts';
import { temporaryFolder } from '../../../registry/testing/folder.ts';
import type { RegistryStorage } from '../cache.ts';
import type { PipelineEvent } from '../events.ts';
import type { RunRecord } from '../record.ts';
import { runPipeline } from '../run.ts';
import type { RunOptions } from '../selection.ts';
import { defineStage, type Stage } from '../stage.ts';

/** A registry in a folder of its own, modules that stand for stages' code, and a small pipeline to run there. */
export class Lab implements AsyncDisposable {
  readonly storage: RegistryStorage & { readonly store: DirectoryStore };
  readonly folder: string;
  readonly #dispose: () => PromiseLike<void>;

  private constructor(folder: string, dispose: () => PromiseLike<void>) {
    this.folder = folder;
    this.storage = storageIn(join(folder, 'registry'));
    this.#dispose = dispose;
  }

  static async open(): Promise<Lab> {
    const folder = await temporaryFolder();
    const lab = new Lab(folder.path, () => folder[Symbol.asyncDispose]());
    await lab.write('package.json', '{}');
    for (const name of ['data', 'train', 'evaluate']) await lab.write(`code/${name}.ts`, `// ${name}`);
    return lab;
  }

  async write(path: string, text: string): Promise<void> {
    await mkdir(join(this.folder, path, '..'), { recursive: true });
    await writeFile(join(this.folder, path), text);
  }

  code(name: string): string {
    return pathToFileURL(join(this.folder, 'code', `${name}.ts`)).href;
  }

  /** Damages what lies in the registry, as a failing disk would. */
  async overwrite(key: string, text: string): Promise<void> {
    await this.write(`registry/${key}`, text);
  }

  async run(stages: readonly Stage[], options: RunOptions = {}, signal?: AbortSignal): Promise<Ran> {
    const events: PipelineEvent[] = [];
    const record = await runPipeline({
      stages,
      registry: this.storage,
      options,
      emit: (event) => events.push(event),
      ...(signal && { signal }),
    });
    return { record, events, outcomes: outcomesOf(record), reasons: reasonsIn(events) };
  }

  [Symbol.asyncDispose](): PromiseLike<void> {
    return this.#dispose();
  }
}

interface Ran {
  readonly record: RunRecord;
  readonly events: readonly PipelineEvent[];
  /** "data cached, train ran" */
  readonly outcomes: string;
  readonly reasons: Record<string, string>;
}

export function outcomesOf(record: RunRecord): string {
  return record.stages.map(({ name, outcome }) => `${name} ${outcome}`).join(', ');
}

export function reasonsIn(events: readonly PipelineEvent[]): Record<string, string> {
  return Object.fromEntries(
    events.flatMap((event) =>
      event.event === 'stage-start' || event.event === 'would-run' ? [[event.stage, event.reason]] : [],
    ),
  );
}

export function storageIn(folder: string) {
  const store = new DirectoryStore(folder);
  return { store, blobs: new Blobs(store) };
}

/** data -> train -> evaluate, which also needs data. `label` is a parameter of data that its output ignores. */
export function smallPipeline(lab: Lab, { rows = 3, byte = 7, label = 'a', epochs = 5 } = {}) {
  const data = defineStage({
    name: 'data',
    code: lab.code('data'),
    needs: {},
    parameters: { rows, byte, label },
    output: z.object({ rows: z.int() }),
    run: async ({ parameters }) => ({
      values: { rows: parameters.rows },
      files: { rows: new Uint8Array(parameters.rows).fill(parameters.byte) },
      summary: `${parameters.rows} rows`,
    }),
  });
  const train = defineStage({
    name: 'train',
    code: lab.code('train'),
    needs: { data },
    parameters: { epochs },
    output: z.object({ weight: z.number() }),
    run: async ({ inputs, parameters }) => {
      const bytes = await inputs.data.read('rows');
      const sum = bytes.reduce((total, byte) => total + byte, 0);
      return { values: { weight: sum * parameters.epochs + inputs.data.values.rows } };
    },
  });
  const evaluate = defineStage({
    name: 'evaluate',
    code: lab.code('evaluate'),
    needs: { data, model: train },
    parameters: {},
    output: z.object({ score: z.number() }),
    run: async ({ inputs }) => ({ values: { score: inputs.model.values.weight / inputs.data.values.rows } }),
  });
  return { data, train, evaluate, stages: [data, train, evaluate] };
}
