/**
 * The payment processes' keystores (M7). Owns: which keys stand in which file, making them on a first start in
 * development. Does not own: the file format (chain/keystore).
 */
import { createPrivateKey, sign } from "node:crypto";
import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import { CodedError } from "@meme-rounds/shared-schema/errors";
import { createKeystore, generateKeys, type KeyName, type Keystore, openKeystore } from "../chain/index.ts";

export interface KeystoreOptions {
  path: string;
  passphrase: string;
  /** Make the file when there is none; never in production. */
  createIfAbsent: boolean;
  /** scrypt's cost, for tests. */
  scryptCost?: number;
}

const missing = (error: unknown): boolean =>
  error instanceof Error && "code" in error && error.code === "ENOENT";

/** Opens the keystore; where allowed, makes it first. Two processes may start at once: one makes it, both open it. */
async function openOrCreate(options: KeystoreOptions, names: KeyName[]): Promise<Keystore> {
  const { path, passphrase, createIfAbsent, scryptCost } = options;
  try {
    return await openKeystore(path, passphrase);
  } catch (error) {
    if (!createIfAbsent || !missing(error)) throw error;
  }
  await mkdir(dirname(path), { recursive: true });
  try {
    const deps = scryptCost === undefined ? {} : { scryptCost };
    return await createKeystore(path, passphrase, generateKeys(names), deps);
  } catch (error) {
    if (error instanceof CodedError && error.code === "KEYSTORE_EXISTS")
      return await openKeystore(path, passphrase);
    throw error;
  }
}

/** M7: holds the operator's key and the key of receipts. */
export const openOperatorKeystore = (options: KeystoreOptions): Promise<Keystore> =>
  openOrCreate(options, ["operator", "receipt"]);

/** M7: the auditor's own file, with the key that co-signs and the key of heads. */
export const openAuditorKeystore = (options: KeystoreOptions): Promise<Keystore> =>
  openOrCreate(options, ["auditor", "auditorHead"]);

/** PKCS#8 of an Ed25519 private key, up to the 32-byte seed. */
const ED25519_PKCS8 = Buffer.from("302e020100300506032b657004220420", "hex");

/** Signs with Ed25519 natively: every command of every player gets a receipt (R9), so it has to be fast. */
export function receiptSigner(seed: Uint8Array): (bytes: Uint8Array) => string {
  const key = createPrivateKey({
    key: Buffer.concat([ED25519_PKCS8, seed]),
    format: "der",
    type: "pkcs8",
  });
  return (bytes) => sign(null, bytes, key).toString("hex");
}
