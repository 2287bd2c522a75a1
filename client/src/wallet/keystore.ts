/**
 * The play key's secret at rest in this browser (I3). Owns: making it, sealing it with AES-GCM under a device key
 * that cannot be read out, both in IndexedDB. Does not own: backups (the WIF is the person's to keep), coins.
 * Whoever can run script on this page can use the key; what this stops is copying a profile's files.
 */
import { isSecret } from "@meme-rounds/shared-schema/wif";

export interface Keystore {
  /** The secret, or undefined when this browser has none. */
  load(): Promise<Uint8Array | undefined>;
  /** Makes one when there is none; two tabs at once end up with the same. */
  create(): Promise<Uint8Array>;
  /** Puts another secret in its place; the former one stays sealed beside it. */
  replace(secret: Uint8Array): Promise<void>;
}

export interface KeystoreDeps {
  indexedDB: IDBFactory;
  crypto: Crypto;
  lock: <T>(name: string, work: () => Promise<T>) => Promise<T>;
}

interface Sealed {
  iv: Uint8Array<ArrayBuffer>;
  bytes: ArrayBuffer;
}

const DATABASE = "meme-rounds";
const STORE = "keys";
const DEVICE_KEY = "device";
const SECRET = "play";

const done = <T>(request: IDBRequest<T>): Promise<T> =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error ?? new Error("IndexedDB refused"));
  });

export function createKeystore(deps: KeystoreDeps): Keystore {
  const { crypto } = deps;

  const withStore = async <T>(
    mode: IDBTransactionMode,
    work: (store: IDBObjectStore) => IDBRequest<T>,
  ): Promise<T> => {
    const opening = deps.indexedDB.open(DATABASE, 1);
    opening.onupgradeneeded = () => opening.result.createObjectStore(STORE);
    const database = await done(opening);
    try {
      const transaction = database.transaction(STORE, mode);
      const committed = new Promise<void>((resolve, reject) => {
        transaction.oncomplete = () => resolve();
        transaction.onabort = () => reject(transaction.error ?? new Error("IndexedDB gave up"));
      });
      const result = await done(work(transaction.objectStore(STORE)));
      await committed;
      return result;
    } finally {
      database.close();
    }
  };
  const read = <T>(name: string): Promise<T | undefined> =>
    withStore("readonly", (store) => store.get(name) as IDBRequest<T | undefined>);
  const write = (name: string, value: unknown): Promise<IDBValidKey> =>
    withStore("readwrite", (store) => store.put(value, name));

  const deviceKey = async (): Promise<CryptoKey> => {
    const kept = await read<CryptoKey>(DEVICE_KEY);
    if (kept !== undefined) return kept;
    const made = await crypto.subtle.generateKey({ name: "AES-GCM", length: 256 }, false, [
      "encrypt",
      "decrypt",
    ]);
    await write(DEVICE_KEY, made);
    return made;
  };

  const load = async (): Promise<Uint8Array | undefined> => {
    const sealed = await read<Sealed>(SECRET);
    if (sealed === undefined) return undefined;
    const { iv, bytes } = sealed;
    return new Uint8Array(await crypto.subtle.decrypt({ name: "AES-GCM", iv }, await deviceKey(), bytes));
  };

  const seal = async (secret: Uint8Array): Promise<void> => {
    const iv = crypto.getRandomValues(new Uint8Array(12));
    const key = await deviceKey();
    const bytes = await crypto.subtle.encrypt({ name: "AES-GCM", iv }, key, Uint8Array.from(secret));
    await write(SECRET, { iv, bytes } satisfies Sealed);
  };

  return {
    load,
    create: () =>
      deps.lock("mr:keystore", async () => {
        const kept = await load();
        if (kept !== undefined) return kept;
        let secret = crypto.getRandomValues(new Uint8Array(32));
        while (!isSecret(secret)) secret = crypto.getRandomValues(new Uint8Array(32));
        await seal(secret);
        return secret;
      }),
    replace: (secret) =>
      deps.lock("mr:keystore", async () => {
        // It may hold coins and nobody may have written it down.
        const former = await read<Sealed>(SECRET);
        if (former !== undefined) await write(`former:${crypto.randomUUID()}`, former);
        await seal(secret);
      }),
  };
}
