/**
 * All data about one person: as one file, and gone (I6). Owns: the order in which the services are asked, what is said
 * to stay. Does not own: any data; each service tells and forgets its own (infra/personal-data.ts).
 */
import { CodedError } from "@meme-rounds/shared-schema/errors";
import type { Deleted, exportAnswer } from "@meme-rounds/shared-schema/rest-me";
import type { z } from "zod";
import type { Person, PersonalData } from "../infra/personal-data.ts";
import type { PlayLimits } from "./play-limits.ts";

export interface Privacy {
  /** Everything off-chain that the services hold about this person. */
  exportOf(identity: string): Promise<z.input<typeof exportAnswer>>;
  /**
   * Deletes or anonymises it. Throws ACCOUNT_BUSY while a round that the person deposited in is not paid. May be
   * repeated after a crash: the sessions, by which it is asked for, go last.
   */
  forget(identity: string): Promise<Deleted>;
}

export interface PrivacyDeps {
  personOf(identity: string): Promise<Person>;
  /** In the order in which they forget: the sessions last. */
  parts(): readonly PersonalData[];
  limits: Pick<PlayLimits, "rounds" | "leave" | "stay">;
  /** Ids of rounds that are live or whose payments are not final. */
  unpaidRounds(): Promise<readonly string[]>;
  /** ms since the epoch. */
  now: () => number;
}

/** What deleting cannot or must not take away; docs/PRIVACY.md says the same at length. */
const KEPT: Deleted["kept"] = [
  {
    what: "The public record of your rounds on the blockchain",
    why: "Nobody can delete it: deposits, vouchers, entries, chat of finished rounds, receipts and payouts.",
  },
  {
    what: "Which play keys belong to your wallet's key",
    why: "A play key belongs to one identity for ever; without this a finished round could not be checked.",
  },
  {
    what: "That and when you accepted the terms",
    why: "Proof that the game was played by the rules; three years, without the signature's hash.",
  },
  {
    what: "Breaks, self-exclusion and a deposit limit",
    why: "They would be worth nothing if deleting lifted them: until they end, the limit for 24 hours.",
  },
  {
    what: "Lines of the admin log that name you",
    why: "Every action of an admin stays checkable; the log is chained and cannot be changed.",
  },
];

export function createPrivacy(deps: PrivacyDeps): Privacy {
  const { personOf, parts, limits, now } = deps;
  return {
    async exportOf(identity) {
      const person = await personOf(identity);
      const told: Record<string, unknown> = {};
      for (const part of parts()) told[part.name] = await part.exportOf(person);
      return {
        format: "meme-rounds-export" as const,
        version: 1 as const,
        madeAt: now(),
        identity,
        playKeys: [...person.playKeys],
        parts: told,
      };
    },

    async forget(identity) {
      // First no new deposits, then a look at those there are: one that slips in between is seen or refused.
      await limits.leave(identity);
      const [mine, unpaid] = await Promise.all([limits.rounds(identity), deps.unpaidRounds()]);
      if (mine.some((roundId) => unpaid.includes(roundId))) {
        await limits.stay(identity);
        throw new CodedError("ACCOUNT_BUSY");
      }
      const person = await personOf(identity);
      const removed: string[] = [];
      for (const part of parts()) {
        await part.forget(person);
        removed.push(part.name);
      }
      await limits.stay(identity);
      return { ok: true, removed, kept: KEPT };
    },
  };
}
