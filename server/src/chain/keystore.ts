/**
 * Encrypted keystore files (M7). Owns: the file's format (scrypt + AES-256-GCM), its mode 0600, and keeping secrets out
 * of logs. Does not own: which service opens which file.
 */
import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  randomBytes,
  scrypt,
  timingSafeEqual,
} from "node:crypto";
import { link, open, readFile, rm } from "node:fs/promises";
import { inspect } from "node:util";
import { fromHex, toHex } from "@meme-rounds/shared-schema/bytes";
import { CodedError } from "@meme-rounds/shared-schema/errors";
import { canonicalJson, hashJson } from "@meme-rounds/shared-schema/hash";
import { ed25519 } from "@noble/curves/ed25519.js";
import { secp256k1 } from "@noble/curves/secp256k1.js";
import { z } from "zod";

/** The operator's keystore holds `operator` and `receipt`, the auditor's own one `auditor` and `auditorHead`. */
const CURVES = { operator: secp256k1, receipt: ed25519, auditor: secp256k1, auditorHead: ed25519 } as const;
const KEY_BYTES = 32;

export type KeyName = keyof typeof CURVES;

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
const headSchema = z.strictObject({
  v: z.literal(1),
  kdf: kdfSchema,
  cipher: z.literal("aes-256-gcm"),
  iv: hexOf(12),
});
const sealedSchema = headSchema.extend({
  /** Tells a wrong passphrase from a damaged file. */
  check: hexOf(32),
  tag: hexOf(16),
  data: z.string().regex(/^(?:[0-9a-f]{2})+$/),
});
const fileSchema = sealedSchema.extend({ checksum: hexOf(32) });
const key = hexOf(KEY_BYTES);
const secretsSchema = z.strictObject({
  operator: key.optional(),
  receipt: key.optional(),
  auditor: key.optional(),
  auditorHead: key.optional(),
});

type Secrets = Partial<Record<KeyName, Uint8Array>>;

/** An opened keystore. Printing, inspecting or serialising it shows the names of its keys only. */
export class Keystore {
  readonly #secrets: Secrets;

  constructor(secrets: Secrets) {
    this.#secrets = secrets;
  }

  names(): KeyName[] {
    return (Object.keys(CURVES) as KeyName[]).filter((name) => this.#secrets[name] !== undefined);
  }

  /** The 32-byte secret: a secp256k1 private key or an Ed25519 seed. Throws CodedError KEYSTORE_KEY_MISSING. */
  secretOf(name: KeyName): Uint8Array {
    const secret = this.#secrets[name];
    if (!secret)
      throw new CodedError("KEYSTORE_KEY_MISSING", `The keystore does not hold the key "${name}".`);
    return Uint8Array.from(secret);
  }

  /** Hex: compressed (33 bytes) for secp256k1, 32 bytes for Ed25519. Throws CodedError KEYSTORE_KEY_MISSING. */
  publicKeyOf(name: KeyName): string {
    return toHex(CURVES[name].getPublicKey(this.secretOf(name)));
  }

  toJSON(): { keystore: KeyName[] } {
    return { keystore: this.names() };
  }

  [inspect.custom](): string {
    return `Keystore(${this.names().join(", ")})`;
  }
}

export interface KeystoreDeps {
  randomBytes?: (length: number) => Uint8Array;
  /** scrypt's cost N; 2^17 by default (about 0.4 s and 128 MB). Tests take less. */
  scryptCost?: number;
}

const DEFAULT_COST = 2 ** 17;

/** Fresh secrets for the named keys. */
export function generateKeys(names: KeyName[], deps: Pick<KeystoreDeps, "randomBytes"> = {}): Secrets {
  const random = deps.randomBytes ?? randomBytes;
  const secrets: Secrets = {};
  for (const name of names) {
    const curve = CURVES[name];
    let secret = Uint8Array.from(random(KEY_BYTES));
    while (!curve.utils.isValidSecretKey(secret)) secret = Uint8Array.from(random(KEY_BYTES));
    secrets[name] = secret;
  }
  return secrets;
}

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

/** Writes a file of mode 0600 that is whole or not there, and never replaces one. */
async function writeNew(path: string, text: string, suffix: string): Promise<void> {
  const temporary = `${path}.${suffix}`;
  const file = await open(temporary, "wx", 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
    await link(temporary, path);
  } catch (error) {
    const exists = error instanceof Error && "code" in error && error.code === "EEXIST";
    throw exists ? new CodedError("KEYSTORE_EXISTS", undefined, { cause: error }) : error;
  } finally {
    await file.close();
    await rm(temporary, { force: true });
  }
}

/**
 * Encrypts `secrets` (32 bytes each) into a new file of mode 0600 and returns the opened keystore (M7). Throws CodedError
 * KEYSTORE_EXISTS rather than replace a file, RangeError for a key its curve does not take or an empty passphrase.
 */
export async function createKeystore(
  path: string,
  passphrase: string,
  secrets: Secrets,
  deps: KeystoreDeps = {},
): Promise<Keystore> {
  const random = deps.randomBytes ?? randomBytes;
  if (passphrase.length === 0) throw new RangeError("the passphrase is empty");
  const keystore = new Keystore(secrets);
  for (const name of keystore.names()) {
    if (!CURVES[name].utils.isValidSecretKey(keystore.secretOf(name)))
      throw new RangeError(`bad key "${name}"`);
  }
  const salt = toHex(Uint8Array.from(random(32)));
  const kdf = { name: "scrypt" as const, n: deps.scryptCost ?? DEFAULT_COST, r: 8, p: 1, salt };
  const iv = Uint8Array.from(random(12));
  const head = { v: 1 as const, kdf, cipher: "aes-256-gcm" as const, iv: toHex(iv) };
  const { key, mac } = await derive(passphrase, kdf);
  const cipher = createCipheriv("aes-256-gcm", key, iv).setAAD(Buffer.from(canonicalJson(head)));
  const plain = JSON.stringify(
    Object.fromEntries(keystore.names().map((name) => [name, toHex(keystore.secretOf(name))])),
  );
  const data = Buffer.concat([cipher.update(plain, "utf8"), cipher.final()]);
  const sealed = {
    ...head,
    check: toHex(Uint8Array.from(checkOf(mac, head))),
    tag: toHex(Uint8Array.from(cipher.getAuthTag())),
    data: toHex(Uint8Array.from(data)),
  };
  const file = JSON.stringify({ ...sealed, checksum: hashJson(sealed) }, null, 2);
  await writeNew(path, `${file}\n`, toHex(Uint8Array.from(random(6))));
  return keystore;
}

const damaged = (path: string, why: string, cause?: unknown): CodedError =>
  new CodedError("KEYSTORE_DAMAGED", `The keystore ${path} is damaged: ${why}.`, { cause });

function parseFile(path: string, text: string): z.infer<typeof fileSchema> {
  let parsed: z.infer<typeof fileSchema>;
  try {
    parsed = fileSchema.parse(JSON.parse(text));
  } catch (error) {
    throw damaged(path, "it does not have a keystore's shape", error);
  }
  const { checksum, ...sealed } = parsed;
  if (hashJson(sealed) !== checksum) throw damaged(path, "its checksum does not fit");
  return parsed;
}

/**
 * Opens a keystore (M7). Throws CodedError KEYSTORE_PASSPHRASE_WRONG or KEYSTORE_DAMAGED, and the file system's own error
 * when there is no such file.
 */
export async function openKeystore(path: string, passphrase: string): Promise<Keystore> {
  const { v, kdf, cipher, iv, check, tag, data } = parseFile(path, await readFile(path, "utf8"));
  const head = { v, kdf, cipher, iv };
  const { key, mac } = await derive(passphrase, kdf).catch((error: unknown) => {
    throw damaged(path, "its key derivation cannot run", error);
  });
  if (!timingSafeEqual(checkOf(mac, head), fromHex(check))) throw new CodedError("KEYSTORE_PASSPHRASE_WRONG");
  try {
    const decipher = createDecipheriv(cipher, key, fromHex(iv)).setAAD(Buffer.from(canonicalJson(head)));
    decipher.setAuthTag(fromHex(tag));
    const plain = Buffer.concat([decipher.update(fromHex(data)), decipher.final()]).toString("utf8");
    const hexes = secretsSchema.parse(JSON.parse(plain));
    const entries = Object.entries(hexes).map(([name, hex]) => [name, fromHex(hex)]);
    return new Keystore(Object.fromEntries(entries));
  } catch (error) {
    throw damaged(path, "its contents fail authentication", error);
  }
}
