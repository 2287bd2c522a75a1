/**
 * The encrypted backup file of a play wallet (docs/BACKUP.md). Owns: its format, sealing and opening it.
 * Does not own: what a wallet does with the content, words for people. Wallet and `npm run reclaim` both run it.
 */
import { z } from "zod";
import { fromHex, toHex, utf8 } from "./bytes.ts";
import { canonicalJson, hashJson } from "./hash.ts";
import { PASSPHRASE_ROUNDS, passphraseKey, type WebCrypto } from "./passphrase.ts";
import { type Network, networkSchema } from "./records.ts";

/** What is inside. `words` is absent where the key is older than the words, or came as a bare key. */
export interface BackupContent {
  wif: string;
  words?: string;
  /** Deposits with what a refund is built from (M9); their reader judges them one by one. */
  deposits: unknown[];
}

export const BACKUP_FORMAT = "meme-rounds-backup";
/** A file of somebody else's making must not keep a phone busy for minutes. */
const MOST_ROUNDS = 5_000_000;
const KEY_NAME = "PBKDF2-SHA256";
const CIPHER_NAME = "AES-256-GCM";

const hexOf = (bytes: number) => z.string().regex(new RegExp(`^[0-9a-f]{${bytes * 2}}$`));
const headSchema = z.strictObject({
  format: z.literal(BACKUP_FORMAT),
  version: z.literal(2),
  network: networkSchema,
  address: z.string().max(64),
  createdAt: z.iso.datetime(),
  kdf: z.strictObject({
    name: z.literal(KEY_NAME),
    iterations: z.number().int().min(PASSPHRASE_ROUNDS).max(MOST_ROUNDS),
    salt: hexOf(16),
  }),
  cipher: z.strictObject({ name: z.literal(CIPHER_NAME), iv: hexOf(12) }),
});
const fileSchema = headSchema.extend({
  sealed: z.string().regex(/^(?:[0-9a-f]{2})+$/),
  /** sha256 of the canonical JSON of all the rest: tells damage from a wrong passphrase. */
  sum: hexOf(32),
});
const contentSchema = z.object({
  wif: z.string(),
  words: z.string().optional(),
  deposits: z.array(z.unknown()),
});

type Head = z.infer<typeof headSchema>;

/** What the cipher vouches for besides the content: nothing of the head can be changed. */
const headBytes = (head: Head): Uint8Array<ArrayBuffer> => Uint8Array.from(utf8(canonicalJson(head)));

/** The file's text. `createdAt` in ms. */
export async function sealBackup(
  content: BackupContent,
  about: { network: Network; address: string; createdAt: number },
  passphrase: string,
  crypto: WebCrypto,
): Promise<string> {
  const salt = crypto.getRandomValues(new Uint8Array(16));
  const iv = crypto.getRandomValues(new Uint8Array(12));
  const iterations = PASSPHRASE_ROUNDS;
  const head: Head = {
    format: BACKUP_FORMAT,
    version: 2,
    network: about.network,
    address: about.address,
    createdAt: new Date(about.createdAt).toISOString(),
    kdf: { name: KEY_NAME, iterations, salt: toHex(salt) },
    cipher: { name: CIPHER_NAME, iv: toHex(iv) },
  };
  const key = await passphraseKey(passphrase, { salt, iterations }, crypto);
  const plain = Uint8Array.from(new TextEncoder().encode(JSON.stringify(content)));
  const bytes = await crypto.subtle.encrypt(
    { name: "AES-GCM", iv, additionalData: headBytes(head) },
    key,
    plain,
  );
  plain.fill(0);
  const file = { ...head, sealed: toHex(new Uint8Array(bytes)) };
  return JSON.stringify({ ...file, sum: hashJson(file) }, undefined, 2);
}

export type OpenedBackup =
  | { ok: true; network: Network; address: string; content: BackupContent }
  /** `version`: a file of a later program; `damaged`: not as it was saved. */
  | { ok: false; why: "version" | "damaged" | "passphrase" };

/** True for what claims to be an encrypted backup, of whatever version. */
export const isSealedBackup = (value: object): boolean => {
  const { format, version } = value as { format?: unknown; version?: unknown };
  return format === BACKUP_FORMAT && version !== 1;
};

/** Opens a parsed file. Never throws for what is in it. */
export async function openBackup(
  value: object,
  passphrase: string,
  crypto: Pick<WebCrypto, "subtle">,
): Promise<OpenedBackup> {
  if ("version" in value && typeof value.version === "number" && value.version > 2)
    return { ok: false, why: "version" };
  const parsed = fileSchema.safeParse(value);
  if (!parsed.success) return { ok: false, why: "damaged" };
  const { sum, ...file } = parsed.data;
  if (hashJson(file) !== sum) return { ok: false, why: "damaged" };
  const { sealed, ...head } = file;
  const { iterations, salt } = head.kdf;
  const key = await passphraseKey(passphrase, { salt: fromHex(salt), iterations }, crypto);
  let plain: ArrayBuffer;
  try {
    plain = await crypto.subtle.decrypt(
      { name: "AES-GCM", iv: Uint8Array.from(fromHex(head.cipher.iv)), additionalData: headBytes(head) },
      key,
      Uint8Array.from(fromHex(sealed)),
    );
  } catch {
    return { ok: false, why: "passphrase" }; // The sum held: it is the key that does not fit.
  }
  try {
    const content = contentSchema.parse(JSON.parse(new TextDecoder().decode(plain)));
    const { wif, words, deposits } = content;
    return {
      ok: true,
      network: head.network,
      address: head.address,
      content: { wif, deposits, ...(words === undefined ? {} : { words }) },
    };
  } catch {
    return { ok: false, why: "damaged" }; // Sealed rightly, but not by this program.
  }
}
