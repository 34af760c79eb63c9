import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type ETag, PreconditionFailed, type Store } from './store.ts';

export interface OpenedStore {
  readonly store: Store;
  /** Removes everything the store holds. */
  remove(): Promise<void>;
}

const bytes = (text: string) => new TextEncoder().encode(text);
const absent = { ifAbsent: true } as const;

/** What every store promises; `open` makes a fresh, empty one. */
export function storeContract(name: string, open: () => Promise<OpenedStore>): void {
  describe(`${name} keeps the store's contract`, () => {
    let opened: OpenedStore;
    let store: Store;
    beforeEach(async () => {
      opened = await open();
      store = opened.store;
    });
    afterEach(() => opened.remove());

    const text = async (key: string) => {
      const found = await store.get(key);
      return found && new TextDecoder().decode(found.body);
    };

    test('an empty store lists nothing and has no object', async () => {
      expect(await store.list('')).toEqual([]);
      expect(await store.get('a/b.json')).toBeUndefined();
      expect(await store.size('a/b.json')).toBeUndefined();
      await store.delete('a/b.json');
    });

    test('what was put is got again, byte by byte', async () => {
      const body = Uint8Array.from({ length: 100_000 }, (_, index) => (index * 31) % 256);
      const etag = await store.put('blobs/one', body, absent);
      const found = await store.get('blobs/one');
      expect(Buffer.compare(found?.body ?? new Uint8Array(), body)).toBe(0);
      expect(found?.etag).toBe(etag);
      expect(await store.size('blobs/one')).toBe(100_000);
    });

    test('an empty object is an object', async () => {
      await store.put('empty', new Uint8Array(), absent);
      expect(await store.size('empty')).toBe(0);
      expect((await store.get('empty'))?.body.length).toBe(0);
      expect(await store.list('')).toEqual(['empty']);
    });

    test('an object that is there is not created again', async () => {
      await store.put('a', bytes('first'), absent);
      await expect(store.put('a', bytes('second'), absent)).rejects.toThrow(PreconditionFailed);
      expect(await text('a')).toBe('first');
    });

    test('an object is replaced by whoever saw its present state, and by nobody else', async () => {
      const first = await store.put('a', bytes('1'), absent);
      const second = await store.put('a', bytes('22'), { ifMatch: first });
      expect(await text('a')).toBe('22');
      expect(await store.size('a')).toBe(2);
      expect((await store.get('a'))?.etag).toBe(second);
      await expect(store.put('a', bytes('x'), { ifMatch: first })).rejects.toThrow(PreconditionFailed);
      await expect(store.put('a', bytes('x'), absent)).rejects.toThrow(PreconditionFailed);
      expect(await text('a')).toBe('22');
    });

    test('a missing object is not replaced', async () => {
      const etag = await store.put('other', bytes('x'), absent);
      await expect(store.put('a', bytes('x'), { ifMatch: etag })).rejects.toThrow(PreconditionFailed);
      expect(await store.get('a')).toBeUndefined();
    });

    test('a deleted object is gone, and can be created anew', async () => {
      const first = await store.put('folder/a', bytes('1'), absent);
      const second = await store.put('folder/a', bytes('2'), { ifMatch: first });
      await store.delete('folder/a');
      expect(await store.get('folder/a')).toBeUndefined();
      expect(await store.list('')).toEqual([]);
      await expect(store.put('folder/a', bytes('3'), { ifMatch: second })).rejects.toThrow(
        PreconditionFailed,
      );
      await store.put('folder/a', bytes('4'), absent);
      expect(await text('folder/a')).toBe('4');
    });

    test('keys are listed by prefix, in order, replaced ones once', async () => {
      for (const key of ['m/b/2', 'm/b/10', 'm/a', 'mm', 'n', 'm/B'])
        await store.put(key, bytes(key), absent);
      const seen = (await store.get('m/a'))?.etag as ETag;
      await store.put('m/a', bytes('new'), { ifMatch: seen });
      expect(await store.list('')).toEqual(['m/B', 'm/a', 'm/b/10', 'm/b/2', 'mm', 'n']);
      expect(await store.list('m/')).toEqual(['m/B', 'm/a', 'm/b/10', 'm/b/2']);
      expect(await store.list('m/b/1')).toEqual(['m/b/10']);
      expect(await store.list('m')).toEqual(['m/B', 'm/a', 'm/b/10', 'm/b/2', 'mm']);
      expect(await store.list('absent/')).toEqual([]);
    });

    test('the part of a key that other keys lie under is no object', async () => {
      await store.put('m/a', bytes('1'), absent);
      expect(await store.get('m')).toBeUndefined();
      expect(await store.size('m')).toBeUndefined();
      await store.delete('m');
      expect(await store.list('')).toEqual(['m/a']);
    });

    test('of many who create one object at once, one wins', async () => {
      const outcomes = await Promise.allSettled(
        Array.from({ length: 20 }, (_, index) => store.put('a', bytes(`writer ${index}`), absent)),
      );
      const winners = outcomes.flatMap(({ status }, index) => (status === 'fulfilled' ? [index] : []));
      expect(winners).toHaveLength(1);
      expect(await text('a')).toBe(`writer ${winners[0]}`);
    });

    test('of many who replace one state at once, one wins', async () => {
      let etag = await store.put('a', bytes('start'), absent);
      for (let round = 0; round < 5; round++) {
        const outcomes = await Promise.allSettled(
          Array.from({ length: 10 }, (_, index) =>
            store.put('a', bytes(`${round}/${index}`), { ifMatch: etag }),
          ),
        );
        const winners = outcomes.flatMap(({ status }, index) => (status === 'fulfilled' ? [index] : []));
        expect(winners).toHaveLength(1);
        expect(await text('a')).toBe(`${round}/${winners[0]}`);
        etag = (await store.get('a'))?.etag as ETag;
      }
    });

    test.each(['', '/', '/etc/passwd', '..', '../a', 'a/../b', 'a//b', 'a/', './a', '.tmp/a', 'a/.hidden'])(
      'the key "%s" is refused',
      async (key) => {
        const message = /no key of a store/;
        await expect(store.get(key)).rejects.toThrow(message);
        await expect(store.size(key)).rejects.toThrow(message);
        await expect(store.delete(key)).rejects.toThrow(message);
        await expect(store.put(key, bytes('x'), absent)).rejects.toThrow(message);
        expect(await store.list('')).toEqual([]);
      },
    );

    test.each(['a\\b', 'a\0b', 'a b', 'ä', 'a\n', 'x'.repeat(300), 'C:/x', `${'a/'.repeat(400)}a`])(
      'a key of characters or a length that not every store can take is refused',
      (key) => expect(store.put(key, bytes('x'), absent)).rejects.toThrow(/no key of a store/),
    );

    test.each(['/', '../', 'a/../', '.states/'])('the prefix "%s" is refused', (prefix) =>
      expect(store.list(prefix)).rejects.toThrow(/no prefix of a store/),
    );

    test('it behaves as a map with compare-and-swap', async () => {
      const key = fc.constantFrom('a', 'f/b', 'f/c');
      const step = fc.oneof(
        fc.record({ do: fc.constant('create' as const), key, body: fc.string() }),
        fc.record({ do: fc.constant('replace' as const), key, body: fc.string(), stale: fc.boolean() }),
        fc.record({ do: fc.constant('delete' as const), key }),
      );
      const property = fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
        const model = new Map<string, { body: string; etag: ETag }>();
        const stale = await store.put('stale', bytes('x'.repeat(100)), absent); // an ETag that no other has
        for (const each of steps) {
          const known = model.get(each.key);
          if (each.do === 'delete') {
            await store.delete(each.key);
            model.delete(each.key);
          } else {
            const etag = each.do === 'replace' ? (each.stale ? stale : (known?.etag ?? stale)) : undefined;
            const allowed = each.do === 'create' ? !known : known !== undefined && etag === known.etag;
            const when = etag === undefined ? absent : { ifMatch: etag };
            const written = store.put(each.key, bytes(each.body), when);
            if (allowed) model.set(each.key, { body: each.body, etag: await written });
            else await expect(written).rejects.toThrow(PreconditionFailed);
          }
          for (const [name, { body, etag }] of model) {
            expect(await text(name)).toBe(body);
            expect((await store.get(name))?.etag).toBe(etag);
          }
          expect(await store.list('')).toEqual([...model.keys(), 'stale'].sort());
        }
        for (const name of await store.list('')) await store.delete(name);
      });
      await fc.assert(property, { numRuns: 25 });
    });
  });
}
