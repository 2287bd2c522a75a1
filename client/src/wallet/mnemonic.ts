/**
 * A key as words (BIP-39, English; docs/BACKUP.md). Owns: making words, reading typed ones with a sentence for every
 * mistake, the path from words to the play key. Does not own: where the key lies (keystore.ts). The word list is
 * loaded when words are first needed.
 */
import { derive, masterKeyOf } from "@meme-rounds/shared-schema/hd-key";
import type { WebCrypto } from "@meme-rounds/shared-schema/passphrase";

/** BIP-44 with BSV's coin type: other wallets that know it find the same address first. */
export const PLAY_PATH = "m/44'/236'/0'/0/0";

/** A key and the entropy its words stand for. */
export interface WordKey {
  secret: Uint8Array;
  entropy: Uint8Array;
}

export type ReadWords = { ok: true; key: WordKey } | { ok: false; message: string };

const LENGTHS = [12, 15, 18, 21, 24];
const ENTROPY_BYTES = 16;
const SEED_ROUNDS = 2_048;

const load = async () => {
  const [{ entropyToMnemonic, mnemonicToEntropy }, { wordlist }] = await Promise.all([
    import("@scure/bip39"),
    import("@scure/bip39/wordlists/english.js"),
  ]);
  return { entropyToMnemonic, mnemonicToEntropy, wordlist };
};

/** The seed of a phrase (64 bytes). The wallet itself uses no passphrase here. */
export async function seedOf(
  phrase: string,
  { subtle }: Pick<WebCrypto, "subtle">,
  passphrase = "",
): Promise<Uint8Array> {
  const encode = (text: string) => Uint8Array.from(new TextEncoder().encode(text.normalize("NFKD")));
  const base = await subtle.importKey("raw", encode(phrase), "PBKDF2", false, ["deriveBits"]);
  const how = {
    name: "PBKDF2",
    hash: "SHA-512",
    salt: encode(`mnemonic${passphrase}`),
    iterations: SEED_ROUNDS,
  };
  return new Uint8Array(await subtle.deriveBits(how, base, 512));
}

/** The words of an entropy. Rejects where the word list cannot be loaded. */
export async function wordsOf(entropy: Uint8Array): Promise<string> {
  const { entropyToMnemonic, wordlist } = await load();
  return entropyToMnemonic(entropy, wordlist);
}

async function keyOf(
  entropy: Uint8Array,
  phrase: string,
  crypto: Pick<WebCrypto, "subtle">,
): Promise<WordKey> {
  const seed = await seedOf(phrase, crypto);
  const master = masterKeyOf(seed);
  const { secret } = derive(master, PLAY_PATH);
  for (const bytes of [seed, master.secret, master.chainCode]) bytes.fill(0);
  return { secret, entropy };
}

/** A new key with 12 words. Rejects where the word list cannot be loaded. */
export async function makeWordKey(crypto: WebCrypto): Promise<WordKey> {
  const entropy = crypto.getRandomValues(new Uint8Array(ENTROPY_BYTES));
  return await keyOf(entropy, await wordsOf(entropy), crypto);
}

const isOneOff = (a: string, b: string): boolean => {
  if (Math.abs(a.length - b.length) > 1) return false;
  let [at, to] = [0, 0];
  while (at < a.length && a[at] === b[at]) at++;
  while (to < Math.min(a.length, b.length) - at && a[a.length - 1 - to] === b[b.length - 1 - to]) to++;
  return Math.max(a.length, b.length) - at - to <= 1;
};

/** Words of the list that were perhaps meant. */
function nearTo(word: string, wordlist: readonly string[]): string {
  // The first four letters of a word of this list are no other word's.
  const near = wordlist.filter(
    (one) => (word.length >= 4 && one.startsWith(word.slice(0, 4))) || isOneOff(word, one),
  );
  return near.length > 0 && near.length <= 3
    ? ` Did you mean ${near.map((one) => `"${one}"`).join(" or ")}?`
    : "";
}

/** Reads a typed phrase; case, blanks, line ends, commas and numbering do not matter. */
export async function readWords(typed: string, crypto: Pick<WebCrypto, "subtle">): Promise<ReadWords> {
  const words = typed
    .normalize("NFKD")
    .toLowerCase()
    .split(/[\s,;]+/)
    .map((word) => word.replace(/^\d{1,2}[.)]?/, ""))
    .filter((word) => word !== "");
  const { mnemonicToEntropy, wordlist } = await load();
  const known = new Set(wordlist);
  const foreign = words.filter((word) => !known.has(word));
  const no = (message: string): ReadWords => ({ ok: false, message });
  if (words.length > 2 && foreign.length > words.length / 2)
    return no("These words are not of the English list. This wallet makes and reads English words only.");
  const [first] = foreign;
  if (first !== undefined)
    return no(
      `Word ${words.indexOf(first) + 1}, "${first.slice(0, 20)}", is not in the list.${nearTo(first, wordlist)}`,
    );
  if (!LENGTHS.includes(words.length))
    return no(`These are ${words.length} words. A phrase of this wallet has 12.`);
  const phrase = words.join(" ");
  try {
    return { ok: true, key: await keyOf(mnemonicToEntropy(phrase, wordlist), phrase, crypto) };
  } catch {
    return no("All words are known, but together they are no key: one is another word, or in another place.");
  }
}
