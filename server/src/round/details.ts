/**
 * Finished rounds as everybody may see them: archive, settlement and models in one. Owns: putting them together, what
 * moderators decided laid over them, and when that is for long. Does not own: any of the parts, the routes.
 */
import { CodedError } from "@meme-rounds/shared-schema/errors";
import type { RoundDetail } from "@meme-rounds/shared-schema/rest";
import { covered, memeIdsOf } from "./covered.ts";
import type { ArchivedRound, RoundDirectory } from "./directory.ts";
import type { ContentPort, PaymentPort, StandingPort } from "./ports.ts";

export interface DetailDeps {
  directory: RoundDirectory;
  payment: Pick<PaymentPort, "settlementOf">;
  content: Pick<ContentPort, "modelsOf" | "sculpturesOf"> & StandingPort;
}

export interface RoundDetails {
  /** Throws ROUND_LIVE for a round that is not over, ROUND_UNKNOWN for one that never was. */
  finished(roundId: string): Promise<ArchivedRound>;
  detailOf(round: ArchivedRound): Promise<RoundDetail>;
}

/**
 * True when nothing of it is awaited any more: every payout is in a block, every winner has its model. A moderator's word
 * and a chain that is reorganised may still change it.
 */
export function isLasting({ payouts, settlement, memesRanked }: RoundDetail): boolean {
  const isPaid = payouts.length === 0 || settlement === "mined";
  return isPaid && memesRanked.every(({ winner, model, takenDown }) => !winner || model || takenDown);
}

export function createDetails({ directory, payment, content }: DetailDeps): RoundDetails {
  return {
    async finished(roundId) {
      const round = await directory.finished(roundId);
      if (round) return round;
      const arena = roundId.slice(0, Math.max(0, roundId.lastIndexOf("-")));
      const unfinished = await directory.unfinished(arena);
      throw new CodedError(unfinished.includes(roundId) ? "ROUND_LIVE" : "ROUND_UNKNOWN");
    },
    async detailOf(round) {
      const [settlement, models, sculptures, standings] = await Promise.all([
        payment.settlementOf(round.roundId),
        content.modelsOf(round.roundId),
        content.sculpturesOf(round.roundId),
        content.standingOf(memeIdsOf(round)),
      ]);
      const byMeme = new Map(models.map((model) => [model.memeId, model]));
      const state = settlement?.state;
      const detail: RoundDetail = {
        ...round,
        settlement: state === "sent" || state === "mined" ? state : "pending",
        txids: settlement?.txids ?? [],
        settled: settlement?.payouts ?? [],
        memesRanked: round.memesRanked.map((meme) => {
          const model = byMeme.get(meme.memeId);
          if (model) return { ...meme, model, sculpture: "done" as const };
          const sculpture = sculptures[meme.memeId];
          return sculpture ? { ...meme, sculpture } : meme;
        }),
      };
      return covered(detail, standings);
    },
  };
}
