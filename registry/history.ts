import { z } from 'zod';
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

export const historyEntrySchema = z.discriminatedUnion('event', [
  publishEntrySchema,
  decisionEntrySchema,
  moveEntrySchema,
]);
export type PublishEntry = z.infer<typeof publishEntrySchema>;
export type DecisionEntry = z.infer<typeof decisionEntrySchema>;
export type MoveEntry = z.infer<typeof moveEntrySchema>;
export type HistoryEntry = z.infer<typeof historyEntrySchema>;

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

  async entries(model: string): Promise<HistoryEntry[]> {
    const keys = await this.store.list(paths.history(model));
    const entries: HistoryEntry[] = [];
    for (const key of keys) {
      const found = await this.store.get(key);
      if (found) entries.push(decodeDocument(historyEntrySchema, found.body, key, this.store));
    }
    return entries;
  }
}

export function byTime(first: HistoryEntry, second: HistoryEntry): number {
  return first.at < second.at ? -1 : first.at > second.at ? 1 : first.id < second.id ? -1 : 1;
}
