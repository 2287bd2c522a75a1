/**
 * The text of an encrypted keystore (M7). Owns: the format (scrypt + AES-256-GCM, version 2; version 1 is read too).
 * Does not own: what the keys are (keystore.ts), the file on the disk (keystore-file.ts).
 */
import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  randomBytes,
  scrypt,
  timingSafeEqual,
} from "node:crypto";
import { fromHex, toHex } from "@meme-rounds/shared-schema/bytes";
import { CodedError } from "@meme-rounds/shared-schema/errors";
import { canonicalJson, hashJson } from "@meme-rounds/shared-schema/hash";
import { z } from "zod";
import { type Generation, generationOf, KEY_BYTES, type KeyDeps, Keystore } from "./keystore.ts";

const hexOf = (bytes: number) => z.string().regex(new RegExp(`^[0-9a-f]{${bytes * 2}}$`));
const kdfSchema = z.strictObject({
  name: z.literal("scrypt"),
  /** Capped, so that a forged file cannot take the machine's memory. */
  n: z
    .number()
    .int()
    .min(2)
    .max(2 ** 20),
  r: z.number().int().min(1).max(16),
  p: z.number().int().min(1).max(16),
  salt: hexOf(32),
});
const fileSchema = z.strictObject({
  v: z.union([z.literal(1), z.literal(2)]),
  kdf: kdfSchema,
  cipher: z.literal("aes-256-gcm"),
  iv: hexOf(12),
  /** Tells a wrong passphrase from a damaged file. */
  check: hexOf(32),
  tag: hexOf(16),
  data: z.string().regex(/^(?:[0-9a-f]{2})+$/),
  checksum: hexOf(32),
});
type KeystoreFile = z.infer<typeof fileSchema>;

const key = hexOf(KEY_BYTES);
const contents1 = z.strictObject({
  operator: key.optional(),
  receipt: key.optional(),
  auditor: key.optional(),
  auditorHead: key.optional(),
});
const generations = z
  .array(z.strictObject({ secret: key, createdAt: z.number().int().min(0).optional() }))
  .min(1);
const contents2 = z.strictObject({
  purpose: z.enum(["development", "real"]),
  keys: z.strictObject({
    operator: generations.optional(),
    receipt: generations.optional(),
    auditor: generations.optional(),
    auditorHead: generations.optional(),
  }),
});

export interface KeystoreDeps extends KeyDeps {
  /** scrypt's cost N; 2^17 by default (about 0.4 s and 128 MB). Tests take less. */
  scryptCost?: number;
}

const DEFAULT_COST = 2 ** 17;

/** Encryption key and check key of a passphrase. */
function derive(
  passphrase: string,
  { n, r, p, salt }: z.infer<typeof kdfSchema>,
): Promise<{ key: Buffer; mac: Buffer }> {
  const options = { N: n, r, p, maxmem: 256 * n * r + 2 ** 20 };
  return new Promise((resolve, reject) => {
    scrypt(passphrase.normalize("NFKC"), fromHex(salt), 64, options, (error, bytes) => {
      if (error) reject(error);
      else resolve({ key: bytes.subarray(0, 32), mac: bytes.subarray(32) });
    });
  });
}

const checkOf = (mac: Buffer, head: object): Buffer =>
  createHmac("sha256", mac).update(canonicalJson(head)).digest();

/** The keystore as a file's text, encrypted under a fresh salt. Throws RangeError for an empty passphrase. */
export async function seal(keystore: Keystore, passphrase: string, deps: KeystoreDeps): Promise<string> {
  if (passphrase.length === 0) throw new RangeError("the passphrase is empty");
  const random = (length: number) => Uint8Array.from((deps.randomBytes ?? randomBytes)(length));
  const kdf = {
    name: "scrypt" as const,
    n: deps.scryptCost ?? DEFAULT_COST,
    r: 8,
    p: 1,
    salt: toHex(random(32)),
  };
  const iv = random(12);
  const head = { v: 2 as const, kdf, cipher: "aes-256-gcm" as const, iv: toHex(iv) };
  const { key, mac } = await derive(passphrase, kdf);
  const cipher = createCipheriv("aes-256-gcm", key, iv).setAAD(Buffer.from(canonicalJson(head)));
  const hexed = Object.entries(keystore.ring()).map(([name, all]) => [
    name,
    all.map(({ secret, createdAt }) => ({ secret: toHex(secret), createdAt })),
  ]);
  const plain = JSON.stringify({ purpose: keystore.purpose, keys: Object.fromEntries(hexed) });
  const data = Buffer.concat([cipher.update(plain, "utf8"), cipher.final()]);
  const sealed = {
    ...head,
    check: toHex(Uint8Array.from(checkOf(mac, head))),
    tag: toHex(Uint8Array.from(cipher.getAuthTag())),
    data: toHex(Uint8Array.from(data)),
  };
  return `${JSON.stringify({ ...sealed, checksum: hashJson(sealed) }, null, 2)}\n`;
}

const damaged = (path: string, why: string, cause?: unknown): CodedError =>
  new CodedError("KEYSTORE_DAMAGED", `The keystore ${path} is damaged: ${why}.`, { cause });

function parseFile(path: string, text: string): KeystoreFile {
  let parsed: KeystoreFile;
  try {
    parsed = fileSchema.parse(JSON.parse(text));
  } catch (error) {
    throw damaged(path, "it does not have a keystore's shape", error);
  }
  const { checksum, ...sealed } = parsed;
  if (hashJson(sealed) !== checksum) throw damaged(path, "its checksum does not fit");
  return parsed;
}

/** What a file's decrypted text holds. Keys of version 1 were only ever made by a development start. */
function keystoreOf(v: 1 | 2, plain: unknown): Keystore {
  if (v === 1) {
    const single = Object.entries(contents1.parse(plain)).map(([name, hex]) => [
      name,
      [{ secret: fromHex(hex) }],
    ]);
    return new Keystore(Object.fromEntries(single), "development");
  }
  const { purpose, keys } = contents2.parse(plain);
  const ring = Object.entries(keys).map(([name, all]): [string, Generation[]] => [
    name,
    all.map(({ secret, createdAt }) => generationOf(fromHex(secret), createdAt)),
  ]);
  return new Keystore(Object.fromEntries(ring), purpose);
}

/** The keystore in a file's text; `path` is for its words. Throws CodedError KEYSTORE_PASSPHRASE_WRONG or KEYSTORE_DAMAGED. */
export async function unseal(path: string, text: string, passphrase: string): Promise<Keystore> {
  const { v, kdf, cipher, iv, check, tag, data } = parseFile(path, text);
  const head = { v, kdf, cipher, iv };
  const { key, mac } = await derive(passphrase, kdf).catch((error: unknown) => {
    throw damaged(path, "its key derivation cannot run", error);
  });
  if (!timingSafeEqual(checkOf(mac, head), fromHex(check))) throw new CodedError("KEYSTORE_PASSPHRASE_WRONG");
  try {
    const decipher = createDecipheriv(cipher, key, fromHex(iv)).setAAD(Buffer.from(canonicalJson(head)));
    decipher.setAuthTag(fromHex(tag));
    const plain = Buffer.concat([decipher.update(fromHex(data)), decipher.final()]).toString("utf8");
    return keystoreOf(v, JSON.parse(plain));
  } catch (error) {
    throw damaged(path, "its contents fail authentication", error);
  }
}
