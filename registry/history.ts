import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { UserError } from '../cli/errors.ts';
import { digestSchema } from './digest.ts';
import { decodeDocument, encodeDocument } from './document.ts';
import { gateDecisionSchema } from './gate.ts';
import { aliasNameSchema, modelNameSchema, versionSchema } from './names.ts';
import { paths } from './paths.ts';
import { PreconditionFailed, type Store } from './store/store.ts';

const common = {
  format: z.literal(1),
  id: z.string().regex(/^[a-z0-9-]{1,64}$/),
  model: modelNameSchema,
  version: versionSchema,
  at: z.iso.datetime(),
  by: z.string(),
};

const publishEntrySchema = z.strictObject({
  ...common,
  event: z.literal('publish'),
  /** The digest of the manifest's own bytes; null when its publisher died before it could say so. */
  manifest: digestSchema.nullable(),
});

const decisionEntrySchema = z.strictObject({
  ...common,
  event: z.literal('decision'),
  alias: aliasNameSchema,
  decision: gateDecisionSchema,
  /** The gate refused, and was overruled. */
  forced: z.boolean(),
  reason: z.string(),
});

const moveEntrySchema = z.strictObject({
  ...common,
  event: z.literal('move'),
  alias: aliasNameSchema,
  kind: z.enum(['promotion', 'rollback']),
  previous: versionSchema.nullable(),
  reason: z.string(),
  forced: z.boolean(),
  gate: gateDecisionSchema.nullable(),
});

const historyEntrySchema = z.discriminatedUnion('event', [
  publishEntrySchema,
  decisionEntrySchema,
  moveEntrySchema,
]);
export type PublishEntry = z.infer<typeof publishEntrySchema>;
export type DecisionEntry = z.infer<typeof decisionEntrySchema>;
export type MoveEntry = z.infer<typeof moveEntrySchema>;
export type HistoryEntry = z.infer<typeof historyEntrySchema>;

/** What could be read, and for each entry that could not, what is wrong with it. */
export interface HistoryRead {
  readonly entries: HistoryEntry[];
  readonly damaged: UserError[];
}

/** The entries that are written; `Registry.history` adds those whose writer died before it could. */
export class History {
  constructor(private readonly store: Store) {}

  /** Writes an entry once: the same one again changes nothing. */
  async record(entry: HistoryEntry): Promise<void> {
    const key = paths.historyEntry(entry.model, entry.at, entry.id);
    if ((await this.store.size(key)) !== undefined) return;
    try {
      await this.store.put(key, encodeDocument(historyEntrySchema.parse(entry)), { ifAbsent: true });
    } catch (error) {
      if (!(error instanceof PreconditionFailed)) throw error;
    }
  }

  async entries(model: string): Promise<HistoryRead> {
    const entries: HistoryEntry[] = [];
    const damaged: UserError[] = [];
    for (const key of await this.#keys(model)) {
      try {
        entries.push(...(await this.#read(key)));
      } catch (error) {
        if (!(error instanceof UserError)) throw error;
        damaged.push(error);
      }
    }
    return { entries, damaged };
  }

  /** The moves alone: that another entry is damaged must not keep anybody from rolling back. */
  async moves(model: string): Promise<MoveEntry[]> {
    const keys = (await this.#keys(model)).filter((key) => !/Z-(?:publish|decision)-[^/]+$/.test(key));
    const entries = (await Promise.all(keys.map((key) => this.#read(key)))).flat();
    return entries.filter((entry) => entry.event === 'move');
  }

  async published(model: string, version: number): Promise<PublishEntry | undefined> {
    const key = (await this.#keys(model)).find((each) => each.endsWith(`Z-${publishId(version)}.json`));
    const [entry] = key === undefined ? [] : await this.#read(key);
    return entry?.event === 'publish' ? entry : undefined;
  }

  /** Without stray files, say an editor's. */
  async #keys(model: string): Promise<string[]> {
    const keys = await this.store.list(paths.history(model));
    return keys.filter((key) => /\/[0-9]{8}T[0-9]{6}(?:\.[0-9]+)?Z-[a-z0-9-]{1,64}\.json$/.test(key));
  }

  /** An empty list if it is gone. */
  async #read(key: string): Promise<HistoryEntry[]> {
    const found = await this.store.get(key);
    return found === undefined ? [] : [decodeDocument(historyEntrySchema, found.body, key, this.store)];
  }
}

/** Ids tell what an entry is: a publish by its version, a decision by its prefix; a move has its alias's. */
export function publishId(version: number): string {
  return `publish-${version}`;
}

export function decisionId(): string {
  return `decision-${randomUUID()}`;
}

export function byTime(first: HistoryEntry, second: HistoryEntry): number {
  return first.at < second.at ? -1 : first.at > second.at ? 1 : first.id < second.id ? -1 : 1;
}
