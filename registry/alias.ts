import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { UsageError, UserError } from '../cli/errors.ts';
import { decodeDocument, encodeDocument } from './document.ts';
import { gateDecisionSchema } from './gate.ts';
import type { History, MoveEntry } from './history.ts';
import { aliasNameSchema, modelNameSchema, versionSchema } from './names.ts';
import { aliasName, modelName, paths } from './paths.ts';
import { type ETag, PreconditionFailed, type Store } from './store/store.ts';

const longestReason = 1000;

/** Where an alias points, and the whole record of the move that brought it there. `id` makes every state unique. */
export const aliasSchema = z.strictObject({
  format: z.literal(1),
  id: z.uuid(),
  model: modelNameSchema,
  alias: aliasNameSchema,
  version: versionSchema,
  /** Where it pointed before this move. */
  previous: versionSchema.nullable(),
  kind: z.enum(['promotion', 'rollback']),
  /** Later than every move of this alias before, whatever the clocks say. */
  movedAt: z.iso.datetime(),
  by: z.string(),
  reason: z.string().max(longestReason),
  /** Moved although the gate, or for a rollback the rule on synthetic data, refused. */
  forced: z.boolean(),
  gate: gateDecisionSchema.nullable(),
});
export type AliasDocument = z.infer<typeof aliasSchema>;

export interface AliasMove {
  readonly model: string;
  readonly alias: string;
  readonly version: number;
  readonly kind: AliasDocument['kind'];
  readonly by: string;
  readonly reason: string;
  readonly forced: boolean;
  readonly gate: AliasDocument['gate'];
  /** What the alias was when this move was decided; undefined if there was none. */
  readonly seen: AliasDocument | undefined;
}

/** Somebody else moved the alias after it was read: what was decided then may not hold any more. */
export class AliasMoved extends UserError {
  override readonly name = 'AliasMoved';
  constructor(model: string, alias: string) {
    super(
      `${model}@${alias} was moved by someone else at the same time; nothing was changed. ` +
        `Look at it (npm run registry -- history ${model}) and try again.`,
    );
  }
}

export class Aliases {
  constructor(
    private readonly store: Store,
    private readonly history: History,
  ) {}

  async get(model: string, alias: string): Promise<AliasDocument | undefined> {
    return (await this.#read(paths.alias(model, alias)))?.document;
  }

  async list(model: string): Promise<AliasDocument[]> {
    const keys = await this.store.list(paths.aliases(model));
    const found = await Promise.all(keys.filter(isAliasKey).map((key) => this.#read(key)));
    return found.flatMap((each) => (each === undefined ? [] : [each.document]));
  }

  /**
   * Moves an alias that still is as it was seen.
   *
   * The document is itself the record of its move, and before it is replaced that record is in the history. So if
   * a process dies after the move and before its entry is written, nothing is lost: the history is what its
   * entries say and what the present alias documents say, and the next move writes the entry that is missing.
   *
   * @throws AliasMoved when it was moved meanwhile; nothing is changed then.
   */
  async move({ seen, ...move }: AliasMove): Promise<AliasDocument> {
    checkReason(move.reason);
    const key = paths.alias(move.model, move.alias);
    const current = await this.#read(key);
    if (current?.document.id !== seen?.id) throw new AliasMoved(move.model, move.alias);
    if (current !== undefined) await this.history.record(moveEntry(current.document));

    const document = aliasSchema.parse({
      ...move,
      format: 1,
      id: randomUUID(),
      model: modelName(move.model),
      alias: aliasName(move.alias),
      previous: current?.document.version ?? null,
      movedAt: after(current?.document.movedAt),
    });
    const when = current === undefined ? ({ ifAbsent: true } as const) : { ifMatch: current.etag };
    try {
      await this.store.put(key, encodeDocument(document), when);
    } catch (error) {
      if (error instanceof PreconditionFailed) throw new AliasMoved(move.model, move.alias);
      throw error;
    }
    // The move is made: failing now, say of a full disk, would tell a lie, and the next move writes this entry.
    await this.history.record(moveEntry(document)).catch(() => undefined);
    return document;
  }

  async #read(key: string): Promise<{ document: AliasDocument; etag: ETag } | undefined> {
    const found = await this.store.get(key);
    if (found === undefined) return undefined;
    return { document: decodeDocument(aliasSchema, found.body, key, this.store), etag: found.etag };
  }
}

/** A stray file beside the aliases, say an editor's, is none of them. */
function isAliasKey(key: string): boolean {
  const name = key.match(/([^/]+)\.json$/)?.[1];
  return aliasNameSchema.safeParse(name).success;
}

/** @throws UsageError when a reason is too long to be kept. */
export function checkReason(reason: string): void {
  if (reason.length > longestReason)
    throw new UsageError(`A reason has at most ${longestReason} characters; this one has ${reason.length}.`);
}

export function moveEntry({ movedAt, ...document }: AliasDocument): MoveEntry {
  return { ...document, event: 'move', at: movedAt };
}

function after(time: string | undefined): string {
  const earliest = time === undefined ? 0 : Date.parse(time) + 1;
  return new Date(Math.max(Date.now(), earliest)).toISOString();
}
