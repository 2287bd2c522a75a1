/**
 * A deposit's way into the round (M1, I6): what its player may deposit, what the network took, then the journal.
 * Owns: the order of those, and giving back what a refused deposit had reserved. Does not own: any of the checks.
 */
import type { ClientMessage } from "@meme-rounds/shared-schema/messages";
import { ZERO_HASH } from "@meme-rounds/shared-schema/records";
import { deadlineOf } from "@meme-rounds/shared-schema/rules";
import type { Caller } from "../infra/http.ts";
import type { Logger } from "../infra/logger.ts";
import type { Answer, RoundActor } from "./actor.ts";
import type { AuthPort, PaymentPort } from "./ports.ts";

/** A deposit that arrives this close to the deadline would be judged after it: better not sent at all. */
const DEPOSIT_MARGIN_MS = 1_000;
/** After these it is not known whether the coins have moved: what was reserved stays so. */
const UNCLEAR: ReadonlySet<string> = new Set(["UNAVAILABLE", "INTERNAL", "DEPOSIT_PENDING"]);

export interface DepositDeskDeps {
  auth: Pick<AuthPort, "play">;
  payment: Pick<PaymentPort, "acceptDeposit">;
  logger: Logger;
  now(): number;
}

interface Moved {
  txid: string;
  vout: number;
  /** sat. */
  sats: number;
}

/** M1: nothing is broadcast that the rules would refuse; what the network took is journaled. `later`: a slow answer. */
export async function takeDeposit(
  { ref, tx }: ClientMessage<"deposit">,
  { playKey, identity }: Caller,
  later: (answer: Answer) => void,
  actor: RoundActor,
  deps: DepositDeskDeps,
): Promise<Answer> {
  const { play } = deps.auth;
  const terms = termsOf(actor.open);
  const probe = {
    kind: "deposit" as const,
    playKey,
    identity,
    txid: ZERO_HASH,
    vout: 0,
    sats: terms.minDepositSats,
  };
  const early = await actor.preview(probe, deps.now() + DEPOSIT_MARGIN_MS);
  if (early === "DEPOSITS_CLOSED" || early === "PHASE_WRONG") return actor.rejected(ref, early);
  await play.admit(identity, "deposit");

  let reserved: Moved | undefined;
  /** A refusal: gives back the reservation, unless the coins may have moved or count in the round already. */
  const settle = async (answer: Answer): Promise<Answer> => {
    if (answer.ok || reserved === undefined || UNCLEAR.has(answer.code)) return answer;
    const { txid } = reserved;
    const credited = await actor
      .read(({ players }) => players.get(playKey)?.deposits.some((one) => one.txid === txid))
      // The round is given up here: only the journal knows.
      .catch(() => true);
    if (!credited)
      // Not given back it counts for a day: that must not change what the player is told.
      await play
        .release(identity, reserved)
        .catch((err: unknown) => deps.logger.error({ err, txid }, "a refused deposit still counts"));
    return answer;
  };
  const credit = async ({ txid, vout, sats }: Moved): Promise<Answer> =>
    await settle(
      await actor.submit(
        { kind: "deposit", playKey, identity, txid, vout, sats },
        { playKey, ref, payload: { ref, tx } },
      ),
    );
  const who = {
    playKey,
    identity,
    async admit(deposit: Moved) {
      const refused = await play.reserve(identity, { ...deposit, roundId: terms.roundId });
      if (refused === undefined) reserved = deposit;
      return refused;
    },
  };
  const verdict = await deps.payment.acceptDeposit(terms, who, tx);
  if (verdict.ok === true) return await credit(verdict);
  if (verdict.ok === false) return await settle(actor.rejected(ref, verdict.code, verdict.message));
  verdict.pending
    .then(async (late) =>
      later(late.ok ? await credit(late) : await settle(actor.rejected(ref, late.code, late.message))),
    )
    .catch((err: unknown) => {
      deps.logger.error({ err }, "a pending deposit was not answered");
      later(actor.rejected(ref, "INTERNAL"));
    });
  return actor.rejected(ref, "DEPOSIT_PENDING");
}

function termsOf(open: RoundActor["open"]) {
  const { network, roundId, operatorKey, auditorKey, closesAt, rules } = open;
  return {
    network,
    roundId,
    operatorKey,
    auditorKey,
    deadline: deadlineOf(rules, closesAt),
    minDepositSats: rules.minDepositSats,
    maxDepositSats: rules.maxDepositSats,
  };
}
