import { z } from 'zod';
import { UserError } from '../cli/errors.ts';
import { type AliasDocument, Aliases, type AliasMove, moveEntry } from './alias.ts';
import { type BlobState, Blobs } from './blobs.ts';
import { type Digest, digestOf } from './digest.ts';
import { decodeDocument, encodeDocument } from './document.ts';
import {
  byTime,
  History,
  type HistoryEntry,
  type HistoryRead,
  type MoveEntry,
  type PublishEntry,
  publishId,
} from './history.ts';
import { identity } from './identity.ts';
import { type Draft, type Manifest, manifestSchema } from './manifest.ts';
import { modelNameSchema } from './names.ts';
import { filePath, modelName, paths } from './paths.ts';
import { parseReference } from './reference.ts';
import { type Rollback, rollback } from './rollback.ts';
import { PreconditionFailed, type Store } from './store/store.ts';
import { unknownAlias, unknownModel, unknownVersion } from './unknown.ts';

export interface FileCheck {
  readonly path: string;
  readonly digest: Digest;
  readonly state: BlobState;
}

/** Versions that never change, aliases that point at them, and the history of both. Keeps nothing in memory. */
export class Registry {
  readonly blobs: Blobs;
  readonly #history: History;
  readonly #aliases: Aliases;

  constructor(readonly store: Store) {
    this.blobs = new Blobs(store);
    this.#history = new History(store);
    this.#aliases = new Aliases(store, this.#history);
  }

  /**
   * Makes a version of these files. Blobs first, the manifest last and only if its number is free: readers see a
   * whole version or none, and of publishers at once each gets its own number. A draft whose fingerprint a version
   * has already makes no new one: that version is returned, with those of its files mended that are damaged.
   */
  async publish(
    model: string,
    draft: Draft,
    files: Record<string, Uint8Array>,
    by?: string,
  ): Promise<Manifest> {
    const unnumbered = unnumberedManifest(model, draft, files);
    let known = await this.#twin(model, draft.fingerprint, 0);
    await this.#putFiles(files, known.twin);

    // Numbers are given without gaps, and each below the one we take was looked at: no twin can slip in between.
    let manifest = known.twin;
    while (manifest === undefined) {
      const next = manifestSchema.parse({ ...unnumbered, version: known.last + 1 });
      if (await this.#create(next)) manifest = next;
      else {
        known = await this.#twin(model, draft.fingerprint, known.last);
        manifest = known.twin;
      }
    }
    await this.#history.record({
      ...publishEntry(manifest),
      by: by ?? (await identity()),
      manifest: digestOf(encodeDocument(manifest)),
    });
    return manifest;
  }

  /** The models that have a version. */
  async models(): Promise<string[]> {
    const keys = await this.store.list(paths.models);
    const models = keys.flatMap((key) => key.match(/^models\/([^/]+)\/versions\/[0-9]{6}\.json$/)?.[1] ?? []);
    return [...new Set(models)].filter((name) => modelNameSchema.safeParse(name).success);
  }

  /** The numbers of a model's versions, ascending; none for a model that is not there. */
  async versions(model: string): Promise<number[]> {
    const keys = await this.store.list(paths.versions(model));
    return keys.flatMap((key) => {
      const number = key.match(/\/(\d{6})\.json$/)?.[1];
      return number === undefined ? [] : [Number(number)];
    });
  }

  async manifest(model: string, version: number): Promise<Manifest> {
    const manifest = await this.#find(model, version);
    if (manifest !== undefined) return manifest;
    const versions = await this.versions(model);
    throw new UserError(
      versions.length === 0
        ? unknownModel(model, await this.models(), this.store.url)
        : unknownVersion(model, version, versions),
    );
  }

  /** The version that `mnist` (its alias `live`), `mnist@7` or `mnist@canary` names now. */
  async resolve(reference: string): Promise<Manifest> {
    const named = parseReference(reference);
    if ('version' in named) return await this.manifest(named.model, named.version);
    const found = await this.alias(named.model, named.alias);
    if (found === undefined) throw new UserError(await this.unknownAlias(named.model, named.alias));
    return await this.manifest(named.model, found.version);
  }

  /** @throws DamagedBlob when the content is missing or not what the manifest says. */
  async readFile(manifest: Manifest, path: string): Promise<Uint8Array> {
    const file = Object.hasOwn(manifest.files, path) ? manifest.files[path] : undefined;
    if (file !== undefined) return await this.blobs.get(file.digest);
    throw new UserError(
      `${manifest.model}@${manifest.version} has no file ${JSON.stringify(path)}; ` +
        `it has: ${Object.keys(manifest.files).join(', ')}.`,
    );
  }

  /** Reads every byte of a version again: its files, and its manifest where its publisher left the digest. */
  async verify(model: string, version: number): Promise<FileCheck[]> {
    const manifest = await this.manifest(model, version);
    const checks = await this.#verifyManifest(manifest);
    for (const [path, { digest }] of Object.entries(manifest.files))
      checks.push({ path, digest, state: await this.blobs.check(digest) });
    return checks;
  }

  async alias(model: string, alias: string): Promise<AliasDocument | undefined> {
    return await this.#aliases.get(model, alias);
  }

  async aliases(model: string): Promise<AliasDocument[]> {
    return await this.#aliases.list(model);
  }

  /** @throws AliasMoved when the alias is not as it was seen; nothing is changed then. */
  async moveAlias(move: AliasMove): Promise<AliasDocument> {
    await this.manifest(move.model, move.version);
    return await this.#aliases.move(move);
  }

  /** @see rollback.ts for where it leads. */
  async rollback(model: string, alias: string, how: Rollback): Promise<AliasDocument> {
    return await rollback(this, model, alias, how);
  }

  /** Writes an entry that isn't there yet. */
  async record(entry: HistoryEntry): Promise<void> {
    await this.#history.record(entry);
  }

  /**
   * Everything that happened to a model, oldest first, also what a process did just before it was killed. Aliases
   * are read before entries: every move before the one that an alias shows has its entry by then, so none is missed.
   * What is damaged leaves out nothing else.
   */
  async history(model: string): Promise<HistoryRead> {
    const aliases = await this.aliases(model);
    const versions = await this.versions(model);
    const { entries, damaged } = await this.#history.entries(model);
    const known = new Set(entries.map(({ id }) => id));
    for (const document of aliases) if (!known.has(document.id)) entries.push(moveEntry(document));
    for (const version of versions)
      if (!known.has(publishId(version))) entries.push(publishEntry(await this.manifest(model, version)));
    return { entries: entries.sort(byTime), damaged };
  }

  /** The moves of one alias, oldest first: each one's `previous` is the version of the one before. */
  async moves(model: string, alias: string): Promise<MoveEntry[]> {
    const shown = await this.alias(model, alias);
    const moves = (await this.#history.moves(model)).filter((move) => move.alias === alias);
    if (shown !== undefined && !moves.some(({ id }) => id === shown.id)) moves.push(moveEntry(shown));
    return moves.sort(byTime);
  }

  async unknownAlias(model: string, alias: string): Promise<string> {
    const versions = await this.versions(model);
    if (versions.length === 0) return unknownModel(model, await this.models(), this.store.url);
    return unknownAlias(model, alias, await this.aliases(model), versions);
  }

  /** Of a version that is there already only its own files: those of a draft like it may be others. */
  async #putFiles(files: Record<string, Uint8Array>, twin: Manifest | undefined): Promise<void> {
    const own = twin && new Set(Object.values(twin.files).map(({ digest }) => digest));
    for (const content of Object.values(files))
      if (own === undefined || own.has(digestOf(content))) await this.blobs.put(content);
  }

  /** A version after `seen` with this fingerprint, and the last number that was looked at. */
  async #twin(
    model: string,
    fingerprint: Digest,
    seen: number,
  ): Promise<{ twin: Manifest | undefined; last: number }> {
    const last = (await this.versions(model)).at(-1) ?? 0;
    for (let version = seen + 1; version <= last; version++) {
      const manifest = await this.#find(model, version);
      if (manifest?.fingerprint === fingerprint) return { twin: manifest, last };
    }
    return { twin: undefined, last };
  }

  async #create(manifest: Manifest): Promise<boolean> {
    try {
      const key = paths.manifest(manifest.model, manifest.version);
      await this.store.put(key, encodeDocument(manifest), { ifAbsent: true });
      return true;
    } catch (error) {
      if (error instanceof PreconditionFailed) return false;
      throw error;
    }
  }

  async #find(model: string, version: number): Promise<Manifest | undefined> {
    const key = paths.manifest(model, version);
    const found = await this.store.get(key);
    if (found === undefined) return undefined;
    const schema = manifestSchema.refine(
      (manifest) => manifest.model === model && manifest.version === version,
      `expected the manifest of ${model}@${version}`,
    );
    return decodeDocument(schema, found.body, key, this.store);
  }

  async #verifyManifest({ model, version }: Manifest): Promise<FileCheck[]> {
    const path = paths.manifest(model, version);
    const published = await this.#history.published(model, version);
    if (published === undefined || published.manifest === null) return [];
    const body = (await this.store.get(path))?.body;
    const state = body === undefined ? 'missing' : digestOf(body) === published.manifest ? 'ok' : 'corrupt';
    return [{ path, digest: published.manifest, state }];
  }
}

function unnumberedManifest(model: string, draft: Draft, files: Record<string, Uint8Array>) {
  const records = Object.entries(files).map(([path, content]) => [
    filePath(path),
    { digest: digestOf(content), bytes: content.length },
  ]);
  const result = manifestSchema.omit({ version: true }).safeParse({
    ...draft,
    format: 1,
    model: modelName(model),
    created: new Date().toISOString(),
    files: Object.fromEntries(records),
  });
  if (result.success) return result.data;
  throw new UserError(`This can't be published as a version of ${model}:\n${z.prettifyError(result.error)}`);
}

/** As far as the manifest tells, which is all there is if the publisher died right after writing it. */
function publishEntry({ model, version, created }: Manifest): PublishEntry {
  return {
    format: 1,
    id: publishId(version),
    event: 'publish',
    model,
    version,
    at: created,
    by: 'unknown',
    manifest: null,
  };
}
