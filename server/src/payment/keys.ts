/**
 * The payment processes' keystores (M7). Owns: which keys stand in which file, making them on a first start in
 * development. Does not own: the file format (chain/keystore).
 */
import { createPrivateKey, type KeyObject, sign } from "node:crypto";
import { mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { CodedError } from "@meme-rounds/shared-schema/errors";
import { createKeystore, generateKeys, type KeyName, type Keystore, openKeystore } from "../chain/index.ts";

export interface KeystoreOptions {
  path: string;
  passphrase: string;
  /** Make the file, with development keys, when there is none; never in production. */
  createIfAbsent: boolean;
  /** The keys guard real coins: development keys and a file that others can read are refused (O7). */
  real?: boolean;
  /** scrypt's cost, for tests. */
  scryptCost?: number;
}

/** Which keys stand in which process' file (M7): neither can settle alone (M2). */
export const KEYS_OF = {
  operator: ["operator", "receipt"],
  auditor: ["auditor", "auditorHead"],
} as const satisfies Record<string, readonly KeyName[]>;
export type KeystoreOwner = keyof typeof KEYS_OF;

/** Where an owner's keystore is, under DATA_DIR. */
export const keystorePath = (dataDir: string, owner: KeystoreOwner): string =>
  join(dataDir, owner, "keystore.json");

const isCoded = (error: unknown, code: string): boolean => error instanceof CodedError && error.code === code;

/** Opens the keystore; where allowed, makes it first. Two processes may start at once: one makes it, both open it. */
async function openOrCreate(options: KeystoreOptions, owner: KeystoreOwner): Promise<Keystore> {
  const { path, passphrase, createIfAbsent, scryptCost } = options;
  const real = options.real ?? false;
  try {
    return await openKeystore(path, passphrase, { real });
  } catch (error) {
    if (!createIfAbsent || !isCoded(error, "KEYSTORE_ABSENT")) throw error;
  }
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  try {
    const deps = scryptCost === undefined ? {} : { scryptCost };
    const contents = { keys: generateKeys([...KEYS_OF[owner]]), purpose: "development" as const };
    return await createKeystore(path, passphrase, contents, deps);
  } catch (error) {
    if (isCoded(error, "KEYSTORE_EXISTS")) return await openKeystore(path, passphrase, { real });
    throw error;
  }
}

/** M7: holds the operator's key and the key of receipts. Throws what openKeystore throws. */
export const openOperatorKeystore = (options: KeystoreOptions): Promise<Keystore> =>
  openOrCreate(options, "operator");

/** M7: the auditor's own file, with the key that co-signs and the key of heads. Throws what openKeystore throws. */
export const openAuditorKeystore = (options: KeystoreOptions): Promise<Keystore> =>
  openOrCreate(options, "auditor");

/** PKCS#8 of an Ed25519 private key, up to the 32-byte seed. */
const ED25519_PKCS8 = Buffer.from("302e020100300506032b657004220420", "hex");

/**
 * Signs receipts with Ed25519 natively: every command of every player gets one (R9), so it has to be fast. The key is the
 * one that the round's first record names, of whatever generation. The signer throws CodedError KEYSTORE_KEY_MISSING.
 */
export function receiptSigner(keystore: Keystore): (bytes: Uint8Array, receiptKey: string) => string {
  const keys = new Map<string, KeyObject>();
  const keyOf = (receiptKey: string): KeyObject => {
    const had = keys.get(receiptKey);
    if (had) return had;
    const der = Buffer.concat([ED25519_PKCS8, keystore.secretFor(receiptKey)]);
    const made = createPrivateKey({ key: der, format: "der", type: "pkcs8" });
    keys.set(receiptKey, made);
    return made;
  };
  return (bytes, receiptKey) => sign(null, bytes, keyOf(receiptKey)).toString("hex");
}
