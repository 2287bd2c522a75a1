/**
 * What a person brings back: words, a key, or a backup file with deposits in it; and the file that is saved.
 * Owns: reading each, and a sentence for each that cannot be read. Does not own: the sealed format (shared schema).
 */
import { publicKeyOf } from "@meme-rounds/shared-schema/crypto";
import type { WebCrypto } from "@meme-rounds/shared-schema/passphrase";
import type { Network } from "@meme-rounds/shared-schema/records";
import { escrowCoinOf } from "@meme-rounds/shared-schema/refund";
import { fromWif, isWifOf, toWif } from "@meme-rounds/shared-schema/wif";
import type { Backup } from "../app/vault-model.ts";
import type { KeptDeposit } from "./book.ts";
import type { KeyContent } from "./keystore.ts";
import { readWords, wordsOf } from "./mnemonic.ts";

export type Restored =
  | {
      ok: true;
      content: KeyContent;
      /** Deposits of this key whose terms hold; none from words or a bare key. */
      deposits: KeptDeposit[];
    }
  /** `needsPassphrase`: it is a sealed file, and the passphrase is missing or wrong. */
  | { ok: false; message: string; needsPassphrase?: true };

interface ReadHow {
  /** Undefined while it is not known which network this page plays on. */
  network: Network | undefined;
  passphrase?: string | undefined;
  crypto: Pick<WebCrypto, "subtle">;
}

const NEITHER =
  "This is neither 12 words, nor a private key, nor a backup file. A key begins with K, L or c and has 52 characters.";
const DAMAGED = "This backup file is damaged or not complete. Take another copy of it, or your words.";

const no = (message: string): Restored => ({ ok: false, message });

/** True for what escrowCoinOf can judge. */
function isDeposit(value: unknown, playKey: string): value is KeptDeposit {
  if (typeof value !== "object" || value === null) return false;
  const one = value as Partial<KeptDeposit>;
  const isShaped = [one.roundId, one.txid, one.tx, one.state].every((part) => typeof part === "string");
  if (!isShaped || typeof one.escrow !== "object" || one.escrow?.playKey !== playKey) return false;
  return typeof escrowCoinOf(value as KeptDeposit) !== "string";
}

const wrongNetwork = (theirs: Network | undefined, ours: Network | undefined): Restored | undefined =>
  theirs === undefined || ours === undefined || theirs === ours
    ? undefined
    : no(`This backup is of the network "${theirs}", and this page plays on "${ours}". Nothing was changed.`);

function fromKey(wif: string, listed: unknown, network: Network | undefined, unreadable: string): Restored {
  const secret = fromWif(wif);
  if (secret === undefined) return no(unreadable);
  if (network !== undefined && !isWifOf(wif, network))
    return no(`This key is of another network than "${network}", on which this page plays.`);
  const playKey = publicKeyOf(secret);
  const deposits = Array.isArray(listed) ? listed.filter((one) => isDeposit(one, playKey)) : [];
  return { ok: true, content: { secret }, deposits };
}

async function fromFile(file: object, { network, passphrase, crypto }: ReadHow): Promise<Restored> {
  const { format, version, network: theirs, wif, deposits } = file as Record<string, unknown>;
  if (format !== "meme-rounds-backup") return no("This file is not a backup of this game.");
  if (version === 1) {
    if (typeof wif !== "string") return no(DAMAGED);
    return wrongNetwork(theirs as Network, network) ?? fromKey(wif, deposits, network, DAMAGED);
  }
  if (passphrase === undefined || passphrase === "")
    return { ok: false, needsPassphrase: true, message: "This backup needs its passphrase." };
  const { openBackup } = await import("@meme-rounds/shared-schema/backup-file");
  const opened = await openBackup(file, passphrase, crypto);
  if (!opened.ok) {
    if (opened.why === "damaged") return no(DAMAGED);
    if (opened.why === "version")
      return no("A newer version of this page made this file. Reload the page and try again.");
    return { ok: false, needsPassphrase: true, message: "This is not the passphrase of this backup file." };
  }
  const { content } = opened;
  const read =
    wrongNetwork(opened.network, network) ?? fromKey(content.wif, content.deposits, network, DAMAGED);
  if (!read.ok || content.words === undefined) return read;
  const words = await readWords(content.words, crypto);
  // Words of another key than the file's would be no backup of it: the key is what counts.
  if (!words.ok || publicKeyOf(words.key.secret) !== publicKeyOf(read.content.secret)) return read;
  return { ...read, content: words.key };
}

/** Reads what was typed, or the text of a file. */
export async function readRestored(typed: string, how: ReadHow): Promise<Restored> {
  const text = typed.trim();
  if (text.startsWith("{")) {
    let file: unknown;
    try {
      file = JSON.parse(text);
    } catch {
      return no(DAMAGED);
    }
    return await fromFile(Object(file), how);
  }
  if (fromWif(text) !== undefined) return fromKey(text, [], how.network, NEITHER);
  if (!/[\s,;]/.test(text)) return no(NEITHER);
  const words = await readWords(text, how.crypto);
  return words.ok ? { ok: true, content: words.key, deposits: [] } : words;
}

/** The file to save: key, words where it has some, deposits, sealed with the passphrase. `createdAt` in ms. */
export async function makeBackup(
  content: KeyContent,
  about: { network: Network; address: string; createdAt: number; deposits: KeptDeposit[] },
  passphrase: string,
  crypto: WebCrypto,
): Promise<Backup> {
  const { secret, entropy } = content;
  const { sealBackup } = await import("@meme-rounds/shared-schema/backup-file");
  const inside = {
    wif: toWif(secret, about.network),
    ...(entropy && { words: await wordsOf(entropy) }),
    deposits: about.deposits,
  };
  return {
    fileName: `meme-rounds-${about.address.slice(0, 8)}.json`,
    json: await sealBackup(inside, about, passphrase, crypto),
  };
}
