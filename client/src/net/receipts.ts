/**
 * Receipts of accepted commands (R9, protocol.md 5). Owns: checking their signature, keeping the last rounds' ones.
 * Does not own: comparing them with a finished journal (the verify page reads `of`).
 */
import { verifyEd25519 } from "@meme-rounds/shared-schema/crypto";
import type { Accepted } from "@meme-rounds/shared-schema/messages";
import { acceptedBytes } from "@meme-rounds/shared-schema/receipt";

/** What of a round a receipt is checked with. */
export interface ReceiptRound {
  roundId: string;
  roundTag: string;
  receiptKey: string;
}

export interface Receipts {
  /** False when the signature is not the round's; nothing is kept then. */
  take(round: ReceiptRound, receipt: Accepted): boolean;
  of(roundId: string): Accepted[];
}

const PREFIX = "mr:receipts:";
const INDEX = "mr:receipts";
const MAX_ROUNDS = 10;
const MAX_PER_ROUND = 500;

export function createReceipts(deps: {
  storage: Pick<Storage, "getItem" | "setItem" | "removeItem">;
}): Receipts {
  const { storage } = deps;
  const read = <T>(key: string): T[] => {
    try {
      return JSON.parse(storage.getItem(key) ?? "[]") as T[];
    } catch {
      return []; // Written by something else: as good as nothing.
    }
  };

  return {
    take(round, receipt) {
      const { seq, at, hash, sig } = receipt;
      if (!verifyEd25519(acceptedBytes(round.roundTag, seq, at, hash), sig, round.receiptKey)) return false;
      const key = PREFIX + round.roundId;
      const kept = read<Accepted>(key);
      if (kept.some((one) => one.ref === receipt.ref)) return true;
      const rounds = read<string>(INDEX).filter((id) => id !== round.roundId);
      for (const old of rounds.splice(0, Math.max(0, rounds.length - MAX_ROUNDS + 1)))
        storage.removeItem(PREFIX + old);
      try {
        storage.setItem(INDEX, JSON.stringify([...rounds, round.roundId]));
        storage.setItem(key, JSON.stringify([...kept, receipt].slice(-MAX_PER_ROUND)));
      } catch {
        // Storage is full: a receipt is proof for later, the command itself stands.
      }
      return true;
    },
    of: (roundId) => read<Accepted>(PREFIX + roundId),
  };
}
