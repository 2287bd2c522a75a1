/** What a person brings back: a key, or a backup file with deposits in it. Owns: reading either. Pure. */
import { publicKeyOf } from "@meme-rounds/shared-schema/crypto";
import { escrowCoinOf } from "@meme-rounds/shared-schema/refund";
import { fromWif } from "@meme-rounds/shared-schema/wif";
import type { KeptDeposit } from "./book.ts";

export interface Restored {
  secret: Uint8Array;
  /** Deposits of this key whose terms hold; none from a bare key. */
  deposits: KeptDeposit[];
}

const textOf = (value: unknown, name: string): string | undefined => {
  const found: unknown = Object.entries(Object(value)).find(([key]) => key === name)?.[1];
  return typeof found === "string" ? found : undefined;
};

/** True for what escrowCoinOf can judge. */
function isDeposit(value: unknown, playKey: string): value is KeptDeposit {
  if (typeof value !== "object" || value === null) return false;
  const one = value as Partial<KeptDeposit>;
  const isShaped = [one.roundId, one.txid, one.tx, one.state].every((part) => typeof part === "string");
  if (!isShaped || typeof one.escrow !== "object" || one.escrow?.playKey !== playKey) return false;
  return typeof escrowCoinOf(value as KeptDeposit) !== "string";
}

/** Undefined for what is neither a WIF nor a backup file. */
export function readRestored(typed: string): Restored | undefined {
  const text = typed.trim();
  let file: unknown;
  if (text.startsWith("{")) {
    try {
      file = JSON.parse(text);
    } catch {
      return undefined;
    }
  }
  const secret = fromWif(file === undefined ? text : (textOf(file, "wif") ?? ""));
  if (secret === undefined) return undefined;
  const listed: unknown = Object(file).deposits;
  const playKey = publicKeyOf(secret);
  const deposits = Array.isArray(listed) ? listed.filter((one) => isDeposit(one, playKey)) : [];
  return { secret, deposits };
}
