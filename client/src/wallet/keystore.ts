/**
 * The play key's secret at rest in this browser (I3, docs/BACKUP.md). Owns: sealing it with AES-GCM under a device key
 * that cannot be read out and, where the person wants it, inside of that under a passphrase; keeping former keys.
 * Does not own: the secret while it is in use (vault.ts), the database (shelf.ts), backups.
 * Whoever can run script on this page can use an open key; what this stops is copying a profile's files.
 */
import { utf8 } from "@meme-rounds/shared-schema/bytes";
import { publicKeyOf } from "@meme-rounds/shared-schema/crypto";
import { PASSPHRASE_ROUNDS, passphraseKey } from "@meme-rounds/shared-schema/passphrase";
import { Refusal } from "./refusal.ts";
import type { Shelf } from "./shelf.ts";

/** What is sealed. Without entropy there are no words: the key is older than they are, or came as a bare key. */
export interface KeyContent {
  secret: Uint8Array;
  entropy?: Uint8Array;
}

/** What can be said of a key without opening it. */
export interface KeptKey {
  playKey: string;
  hasWords: boolean;
  hasPassphrase: boolean;
}

export interface FormerKey extends KeptKey {
  id: string;
  /** When it was put aside, ms; 0 where that is not known. */
  at: number;
}

export interface Keystore {
  /** The key this browser has, undefined when there is none. */
  look(): Promise<KeptKey | undefined>;
  /** The secret. Rejects with PASSPHRASE_WRONG, and where the device key is gone with KEY_NOT_KEPT. */
  open(passphrase?: string): Promise<KeyContent>;
  /** Makes one when there is none; two tabs at once end up with the same. */
  create(): Promise<KeptKey>;
  /** Puts another key in its place, without a passphrase; the former one stays sealed beside it. */
  replace(content: KeyContent): Promise<KeptKey>;
  /** Puts a new key, with words, in its place; the former one stays sealed beside it. */
  renew(): Promise<KeptKey>;
  /** Seals the same content, as `open` gave it, anew: with the passphrase `next`, or without one. */
  reseal(content: KeyContent, next: string | undefined): Promise<KeptKey>;
  /** Newest first; each key once, in the way it was sealed last. */
  formers(): Promise<FormerKey[]>;
  /** Swaps a former key and the present one. */
  bringBack(id: string): Promise<KeptKey>;
}

export interface KeystoreDeps {
  shelf: Shelf;
  crypto: Crypto;
  lock: <T>(name: string, work: () => Promise<T>) => Promise<T>;
  now: () => number;
}

type Bytes = Uint8Array<ArrayBuffer>;

interface Sealed {
  iv: Bytes;
  bytes: ArrayBuffer;
}
/** Records before the passphrase and the words are a bare Sealed. */
interface Record2 extends Sealed, KeptKey {
  version: 2;
  /** Present when there is a passphrase: how the inside is sealed. */
  passphrase?: { salt: Bytes; iterations: number; iv: Bytes };
  /** When it was put aside, ms. */
  formerAt?: number;
}
type Kept = Sealed & Partial<Record2>;

const DEVICE_KEY = "device";
const PLAY = "play";
const FORMER = "former:";
const SECRET_BYTES = 32;

const isKept = (value: unknown): value is Kept =>
  typeof value === "object" && value !== null && "iv" in value && "bytes" in value;
const same = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && a.every((byte, at) => byte === b[at]);
const lost = (message: string): Refusal => new Refusal("KEY_NOT_KEPT", message);
const boundTo = (playKey: string): Bytes => Uint8Array.from(utf8(`MRK2|${playKey}`));

export function createKeystore(deps: KeystoreDeps): Keystore {
  const { shelf, crypto } = deps;
  const { subtle } = crypto;

  const read = async (name: string): Promise<Kept | undefined> => {
    const value = await shelf.read(name);
    return isKept(value) ? value : undefined;
  };

  const keptDeviceKey = async (): Promise<CryptoKey | undefined> => {
    const kept = await shelf.read(DEVICE_KEY);
    return kept instanceof CryptoKey ? kept : undefined;
  };

  /** The device key as it comes back from the disk: some browsers' private windows lose such keys on the way. */
  const deviceKey = async (): Promise<CryptoKey> => {
    const kept = await keptDeviceKey();
    if (kept !== undefined) return kept;
    const made = await subtle.generateKey({ name: "AES-GCM", length: 256 }, false, ["encrypt", "decrypt"]);
    await shelf.write({ [DEVICE_KEY]: made }, { name: DEVICE_KEY, is: (there) => there === undefined });
    const back = await keptDeviceKey();
    if (back === undefined) throw lost("This browser does not keep keys.");
    return back;
  };

  /** `passphrase` may be the key made from it: making one is the slow part. */
  const unwrap = async (record: Kept, passphrase: string | CryptoKey | undefined): Promise<KeyContent> => {
    const device = await keptDeviceKey();
    if (device === undefined)
      throw lost(
        "The browser has lost a part of your key. Bring it back with your words or your backup file.",
      );
    const { iv, bytes, playKey } = record;
    const outer = playKey === undefined ? {} : { additionalData: boundTo(playKey) };
    let inside: Bytes;
    try {
      inside = new Uint8Array(await subtle.decrypt({ name: "AES-GCM", iv, ...outer }, device, bytes));
    } catch {
      throw lost("The key in this browser is damaged. Bring it back with your words or your backup file.");
    }
    if (record.passphrase !== undefined) {
      if (passphrase === undefined) throw new Refusal("WALLET_LOCKED", "The wallet is locked.");
      const key =
        typeof passphrase === "string"
          ? await passphraseKey(passphrase, record.passphrase, crypto)
          : passphrase;
      try {
        const how = { name: "AES-GCM", iv: record.passphrase.iv };
        inside = new Uint8Array(await subtle.decrypt(how, key, inside));
      } catch {
        throw new Refusal("PASSPHRASE_WRONG", "This is not the passphrase of this wallet.");
      }
    }
    const secret = inside.slice(0, SECRET_BYTES);
    const entropy = inside.slice(SECRET_BYTES);
    inside.fill(0);
    return entropy.length === 0 ? { secret } : { secret, entropy };
  };

  const wrap = async (content: KeyContent, passphrase?: string): Promise<Record2> => {
    const { secret, entropy = new Uint8Array() } = content;
    const playKey = publicKeyOf(secret);
    const random = (length: number): Bytes => crypto.getRandomValues(new Uint8Array(length));
    const inside: Bytes = Uint8Array.from([...secret, ...entropy]);
    let bytes: BufferSource = inside;
    let how: Record2["passphrase"];
    let key: CryptoKey | undefined;
    if (passphrase !== undefined) {
      how = { salt: random(16), iterations: PASSPHRASE_ROUNDS, iv: random(12) };
      key = await passphraseKey(passphrase, how, crypto);
      bytes = await subtle.encrypt({ name: "AES-GCM", iv: how.iv }, key, inside);
    }
    const iv = random(12);
    const outer = { name: "AES-GCM", iv, additionalData: boundTo(playKey) };
    const sealed = await subtle.encrypt(outer, await deviceKey(), bytes);
    inside.fill(0);
    const record: Record2 = {
      version: 2,
      iv,
      bytes: sealed,
      playKey,
      hasWords: entropy.length > 0,
      hasPassphrase: how !== undefined,
      ...(how && { passphrase: how }),
    };
    // Opened once before it takes anything's place.
    const back = await unwrap(record, key);
    if (!same(back.secret, secret)) throw lost("This browser does not keep keys.");
    back.secret.fill(0);
    back.entropy?.fill(0);
    return record;
  };

  const about = async (record: Kept): Promise<KeptKey> => {
    const { playKey, hasWords = false, hasPassphrase = false } = record;
    if (playKey !== undefined) return { playKey, hasWords, hasPassphrase };
    const { secret } = await unwrap(record, undefined);
    const found = publicKeyOf(secret);
    secret.fill(0);
    return { playKey: found, hasWords, hasPassphrase };
  };

  /** One step on the disk from `before` to what is in `puts`: until it is done the old state holds, after it the new. */
  const commit = async (puts: Record<string, unknown>, before: Kept | undefined): Promise<void> => {
    const is = (there: unknown): boolean =>
      before === undefined ? there === undefined : isKept(there) && same(there.iv, before.iv);
    if (!(await shelf.write(puts, { name: PLAY, is })))
      throw lost("Another tab changed the key at the same moment. Reload this page.");
  };

  const former = (record: Kept): Record<string, unknown> => ({
    [`${FORMER}${crypto.randomUUID()}`]: { ...record, formerAt: deps.now() },
  });

  const takePlace = async (record: Record2): Promise<KeptKey> => {
    const before = await read(PLAY);
    // It may hold coins and nobody may have written it down.
    await commit({ ...(before && former(before)), [PLAY]: record }, before);
    return await about(record);
  };

  const wrapNew = async (): Promise<Record2> => {
    const { makeWordKey } = await import("./mnemonic.ts");
    const made = await makeWordKey(crypto);
    const record = await wrap(made);
    made.secret.fill(0);
    made.entropy.fill(0);
    return record;
  };

  const present = async (): Promise<Kept> => {
    const record = await read(PLAY);
    if (record === undefined) throw lost("There is no key in this browser.");
    return record;
  };

  return {
    async look() {
      const record = await read(PLAY);
      return record && (await about(record));
    },
    open: async (passphrase) => await unwrap(await present(), passphrase),
    create: () =>
      deps.lock("mr:keystore", async () => {
        const kept = await read(PLAY);
        if (kept !== undefined) return await about(kept);
        const record = await wrapNew();
        await commit({ [PLAY]: record }, undefined);
        return await about(record);
      }),
    replace: (content) => deps.lock("mr:keystore", async () => await takePlace(await wrap(content))),
    renew: () => deps.lock("mr:keystore", async () => await takePlace(await wrapNew())),
    reseal: (content, next) =>
      deps.lock("mr:keystore", async () => {
        const record = await wrap(content, next);
        const before = await present();
        if ((await about(before)).playKey !== record.playKey)
          throw lost("Another tab put another key here. Reload this page.");
        await commit({ [PLAY]: record }, before);
        return await about(record);
      }),
    async formers() {
      const names = (await shelf.names()).filter((name) => name.startsWith(FORMER));
      const record = await read(PLAY);
      const now = record && (await about(record).catch(() => undefined));
      const found: FormerKey[] = [];
      for (const name of names) {
        const one = await read(name);
        // One that cannot be opened any more must not hide the others.
        const known = one && (await about(one).catch(() => undefined));
        if (known !== undefined && known.playKey !== now?.playKey)
          found.push({ ...known, id: name.slice(FORMER.length), at: one?.formerAt ?? 0 });
      }
      found.sort((a, b) => b.at - a.at);
      return found.filter(({ playKey }, at) => found.findIndex((one) => one.playKey === playKey) === at);
    },
    bringBack: (id) =>
      deps.lock("mr:keystore", async () => {
        const chosen = await read(`${FORMER}${id}`);
        if (chosen === undefined) throw lost("This former key is not here any more.");
        const known = await about(chosen);
        const before = await read(PLAY);
        // The former's record stays where it is: one too many does no harm, one too few would.
        await commit({ ...(before && former(before)), [PLAY]: chosen }, before);
        return known;
      }),
  };
}
