/**
 * A few records that are written together or not at all (IndexedDB). Owns: the database, transactions, their errors.
 * Does not own: what the records mean (keystore.ts).
 */
import { Refusal } from "./refusal.ts";

export interface Shelf {
  read(name: string): Promise<unknown>;
  names(): Promise<string[]>;
  /**
   * Writes all or nothing, and resolves once it is on the disk. False, with nothing written, when the record `name`
   * is not any more what `is` accepts: somebody else wrote meanwhile. Rejects with KEY_NOT_KEPT when the browser fails.
   */
  write(
    puts: Record<string, unknown>,
    unless: { name: string; is(kept: unknown): boolean },
  ): Promise<boolean>;
}

const DATABASE = "meme-rounds";
const STORE = "keys";

const done = <T>(request: IDBRequest<T>): Promise<T> =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error ?? new Error("IndexedDB refused"));
  });

const committed = (transaction: IDBTransaction): Promise<void> =>
  new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onabort = () => reject(transaction.error ?? new Error("IndexedDB gave up"));
  });

export function createShelf(deps: { indexedDB: IDBFactory }): Shelf {
  const open = async (): Promise<IDBDatabase> => {
    const opening = deps.indexedDB.open(DATABASE, 1);
    opening.onupgradeneeded = () => opening.result.createObjectStore(STORE);
    return await done(opening);
  };
  const reading = async <T>(work: (store: IDBObjectStore) => IDBRequest<T>): Promise<T> => {
    const database = await open();
    try {
      return await done(work(database.transaction(STORE, "readonly").objectStore(STORE)));
    } finally {
      database.close();
    }
  };

  return {
    read: (name) => reading((store) => store.get(name) as IDBRequest<unknown>),
    names: async () => (await reading((store) => store.getAllKeys())).map(String),
    async write(puts, unless) {
      const database = await open();
      try {
        // Strict: a key must be on the disk before anybody pays to its address.
        const transaction = database.transaction(STORE, "readwrite", { durability: "strict" });
        const end = committed(transaction);
        const store = transaction.objectStore(STORE);
        let is = false;
        const asked = store.get(unless.name);
        asked.onsuccess = () => {
          // What throws here aborts the transaction: nothing of it stays.
          is = unless.is(asked.result);
          if (is) for (const [name, value] of Object.entries(puts)) store.put(value, name);
        };
        await end;
        return is;
      } catch (error) {
        const why = error instanceof DOMException ? error.name : String(error);
        throw new Refusal("KEY_NOT_KEPT", `The browser did not store it (${why}). Nothing was changed.`);
      } finally {
        database.close();
      }
    },
  };
}
