import { z } from 'zod';
import type { Blobs } from '../../registry/blobs.ts';
import { digestSchema } from '../../registry/digest.ts';
import { type ETag, PreconditionFailed, type Store } from '../../registry/store/store.ts';
import { canonicalJson } from './canonical-json.ts';
import { type Fingerprint, outputDigest } from './fingerprint.ts';

/** Where stages keep what they make: the registry's store, so that any machine that sees it can go on. */
export interface RegistryStorage {
  readonly store: Store;
  readonly blobs: Blobs;
}

export const storedFileSchema = z.strictObject({ digest: digestSchema, bytes: z.int().min(0) });

/** One stage's output, under `cache/<stage>/<fingerprint>.json`. */
const entrySchema = z.strictObject({
  format: z.literal(1),
  stage: z.string(),
  fingerprint: digestSchema,
  /** Over values and files: an entry that doesn't match it is damaged. */
  digest: digestSchema,
  values: z.json(),
  files: z.record(z.string(), storedFileSchema),
  measured: z.json().optional(),
  summary: z.string().optional(),
  /** The run that made it. */
  run: z.string(),
});
export type CacheEntry = z.infer<typeof entrySchema>;

/** What lies under a key: nothing, a whole entry, or (`entry` undefined, `etag` not) one that is of no use. */
export interface Slot {
  readonly entry?: CacheEntry;
  readonly etag?: ETag;
}

export class StageCache {
  readonly #registry: RegistryStorage;
  constructor(registry: RegistryStorage) {
    this.#registry = registry;
  }

  /** `note` is told why an entry that is there can't be used. */
  async look(stage: string, fingerprint: Fingerprint, note: (text: string) => void): Promise<Slot> {
    const stored = await this.#registry.store.get(keyOf(stage, fingerprint));
    if (!stored) return {};
    const entry = parseEntry(stored.body);
    if (entry?.stage !== stage || entry.fingerprint !== fingerprint) {
      note('its cache entry is damaged and is made again');
      return { etag: stored.etag };
    }
    const gone = await this.#missingFiles(entry);
    if (gone.length > 0) {
      note(`of its cached outcome the store has lost ${gone.join(', ')}: it is made again`);
      return { etag: stored.etag };
    }
    return { entry, etag: stored.etag };
  }

  /**
   * Call it when all files are in the store: the entry is the commit. Where somebody else has filled the slot
   * since it was looked at, their entry stays and is returned, so that both runs go on with the same output.
   */
  async fill(slot: Slot, entry: CacheEntry): Promise<CacheEntry> {
    const fingerprint = entry.fingerprint as Fingerprint;
    try {
      await this.#registry.store.put(
        keyOf(entry.stage, fingerprint),
        Buffer.from(canonicalJson(entry)),
        slot.etag === undefined ? { ifAbsent: true } : { ifMatch: slot.etag },
      );
      return entry;
    } catch (error) {
      if (!(error instanceof PreconditionFailed)) throw error;
      const theirs = await this.look(entry.stage, fingerprint, () => {});
      return theirs.entry ?? entry;
    }
  }

  async #missingFiles(entry: CacheEntry): Promise<string[]> {
    const files = Object.entries(entry.files);
    const there = await Promise.all(files.map(([, { digest }]) => this.#registry.blobs.has(digest)));
    return files.filter((_, index) => !there[index]).map(([name]) => name);
  }
}

function keyOf(stage: string, fingerprint: Fingerprint): string {
  return `cache/${stage}/${fingerprint}.json`;
}

function parseEntry(body: Uint8Array): CacheEntry | undefined {
  try {
    const entry = entrySchema.parse(JSON.parse(Buffer.from(body).toString()));
    return outputDigest(entry) === entry.digest ? entry : undefined;
  } catch {
    return undefined;
  }
}
