/**
 * A key out of a passphrase. Owns: how a passphrase becomes bytes, and how much work guessing one costs.
 * Does not own: what is sealed with the key (backup-file.ts, the client's keystore).
 */

/** The part of the browser's (and Node's) crypto that sealing needs. */
export type WebCrypto = Pick<typeof globalThis.crypto, "subtle" | "getRandomValues">;

/** Iterations of PBKDF2-SHA256 for what is sealed today. */
export const PASSPHRASE_ROUNDS = 600_000;

/** The same passphrase from every keyboard: NFKC, without blanks at the ends. */
const bytesOf = (passphrase: string): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(new TextEncoder().encode(passphrase.normalize("NFKC").trim()));

/** AES-256-GCM key, which cannot be read out. */
export async function passphraseKey(
  passphrase: string,
  kdf: { salt: Uint8Array; iterations: number },
  { subtle }: Pick<WebCrypto, "subtle">,
) {
  const bytes = bytesOf(passphrase);
  const base = await subtle.importKey("raw", bytes, "PBKDF2", false, ["deriveKey"]);
  bytes.fill(0);
  return await subtle.deriveKey(
    { name: "PBKDF2", hash: "SHA-256", salt: Uint8Array.from(kdf.salt), iterations: kdf.iterations },
    base,
    { name: "AES-GCM", length: 256 },
    false,
    ["encrypt", "decrypt"],
  );
}
