/**
 * The auditor's signed heads of the journals that were seen live (M4, protocol.md 5). Owns: checking their signature,
 * keeping some of the last rounds' ones. Does not own: comparing them with a finished journal (the verify page reads
 * `of`). A head covers every record before it, so one in ten seconds is as good as all.
 */
import { isGenuineHead, type SignedHead, signedHeadSchema } from "@meme-rounds/shared-schema/receipt";

/** What of a round a head is checked with. */
export interface HeadRound {
  roundId: string;
  roundTag: string;
  auditorHeadKey: string;
}

export interface Heads {
  /** False when it is not the auditor's word on this round; nothing is kept then. */
  take(round: HeadRound, head: SignedHead): boolean;
  /** Oldest first. */
  of(roundId: string): SignedHead[];
  /** The key that those heads were checked with. */
  keyOf(roundId: string): string | undefined;
}

const PREFIX = "mr:heads:";
const KEY_PREFIX = "mr:headkey:";
const INDEX = "mr:heads";
const MAX_ROUNDS = 10;
const MAX_PER_ROUND = 100;
const EVERY_MS = 10_000;

export function createHeads(deps: { storage: Pick<Storage, "getItem" | "setItem" | "removeItem"> }): Heads {
  const { storage } = deps;
  const read = <T>(key: string): T[] => {
    try {
      return JSON.parse(storage.getItem(key) ?? "[]") as T[];
    } catch {
      return []; // Written by something else: as good as nothing.
    }
  };
  let newest: { roundId: string; auditorTime: number } | undefined;

  return {
    take({ roundId, roundTag, auditorHeadKey }, { seq, hash, auditorTime, sig }) {
      if (newest?.roundId === roundId && auditorTime < newest.auditorTime + EVERY_MS) return true;
      const head = { seq, hash, auditorTime, sig };
      if (!signedHeadSchema.safeParse(head).success || !isGenuineHead(roundTag, head, auditorHeadKey))
        return false;
      newest = { roundId, auditorTime };
      const kept = read<SignedHead>(PREFIX + roundId);
      if (kept.some((one) => one.auditorTime === auditorTime)) return true;
      const rounds = read<string>(INDEX).filter((id) => id !== roundId);
      for (const old of rounds.splice(0, Math.max(0, rounds.length - MAX_ROUNDS + 1)))
        for (const prefix of [PREFIX, KEY_PREFIX]) storage.removeItem(prefix + old);
      try {
        storage.setItem(INDEX, JSON.stringify([...rounds, roundId]));
        storage.setItem(PREFIX + roundId, JSON.stringify([...kept, head].slice(-MAX_PER_ROUND)));
        storage.setItem(KEY_PREFIX + roundId, auditorHeadKey);
      } catch {
        // Storage is full: a head is proof for later, the round goes on without.
      }
      return true;
    },
    of: (roundId) => read<SignedHead>(PREFIX + roundId),
    keyOf: (roundId) => storage.getItem(KEY_PREFIX + roundId) ?? undefined,
  };
}
