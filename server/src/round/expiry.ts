/**
 * The 12 h rule (M4): a round with a result that no settlement was signed for by round end + 12 h becomes void, with
 * the reason in its journal and everything back to everybody. Owns: finding such rounds, the `void` after the `result`.
 * Does not own: whether something was signed. The auditor says so, and from its word on signs no result any more
 * (payment.giveUp), so that no late signature can cross the void. Every step can be done again after a crash.
 */
import { decide } from "@meme-rounds/shared-schema/decide";
import { seal } from "@meme-rounds/shared-schema/records";
import { apply, replay } from "@meme-rounds/shared-schema/reducer";
import type { RoundState } from "@meme-rounds/shared-schema/round-state";
import { expiryOf } from "@meme-rounds/shared-schema/rules";
import { type Lease, releaseLease, takeLease } from "../infra/leases.ts";
import type { Logger } from "../infra/logger.ts";
import type { Redis } from "../infra/redis.ts";
import type { ArchivedRound, RoundDirectory } from "./directory.ts";
import { appendJournal, readJournal } from "./journal-store.ts";
import type { AnalyticsPort, PaymentPort } from "./ports.ts";
import { archivedOf } from "./snapshot.ts";

export interface ExpiryDeps {
  redis: Redis;
  directory: RoundDirectory;
  payment: Pick<PaymentPort, "unsettled" | "giveUp" | "enqueueSettlement">;
  analytics: Pick<AnalyticsPort, "roundVoided">;
  verify(bytes: Uint8Array, sigHex: string, publicKeyHex: string): boolean;
  logger: Logger;
  now(): number;
}

const EVERY_MS = 60_000;
/** Reading a large journal takes a while; nobody else needs the lease of a round this old. */
const LEASE_MS = 120_000;

export class RoundExpiry {
  private readonly arena: string;
  private readonly deps: ExpiryDeps;
  private timer: NodeJS.Timeout | undefined;
  private turn: Promise<void> = Promise.resolve();
  private stopped = false;

  constructor(options: { arena: string }, deps: ExpiryDeps) {
    this.arena = options.arena;
    this.deps = deps;
  }

  start(): void {
    const loop = async () => {
      await this.sweep().catch((err: unknown) =>
        this.deps.logger.error({ err }, "unsettled rounds were not looked at"),
      );
      if (!this.stopped) this.timer = setTimeout(next, EVERY_MS);
    };
    const next = () => {
      this.turn = loop();
    };
    next();
  }

  async stop(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.timer);
    await this.turn;
  }

  /** One look at every round that is not settled. One that fails does not keep the others waiting. */
  async sweep(): Promise<void> {
    const { payment, directory, logger, now } = this.deps;
    for (const roundId of await payment.unsettled()) {
      if (!roundId.startsWith(`${this.arena}-`)) continue;
      const round = await directory.finished(roundId);
      if (round?.outcome !== "closed" || now() < expiryOf(round.closesAt)) continue;
      await this.expire(round).catch((err: unknown) =>
        logger.error({ err, roundId }, "a round without a settlement could not be voided"),
      );
    }
  }

  private async expire(before: ArchivedRound): Promise<void> {
    const { redis, payment, directory, analytics, logger } = this.deps;
    const { roundId } = before;
    const lease = await takeLease(redis, `round:${roundId}`, LEASE_MS);
    if (lease === undefined) return;
    try {
      if (!(await payment.giveUp(roundId))) return;
      const state = await this.voided(roundId, lease);
      await payment.giveUp(roundId); // a worker may have planned the result while the journal still had it
      const archived = archivedOf(state);
      await analytics.roundVoided(before, archived, state);
      await directory.finish(archived);
      await payment.enqueueSettlement(roundId);
      logger.error({ roundId }, "no settlement was signed within 12 hours: the round is void");
    } finally {
      await releaseLease(redis, lease);
    }
  }

  /** The round with its `void` in the journal. */
  private async voided(roundId: string, lease: Lease): Promise<RoundState> {
    const { redis, verify, now } = this.deps;
    const state = replay(await readJournal(redis, roundId));
    if (state.phase.kind === "final" && state.phase.outcome.kind === "void") return state;
    const decision = decide(state, { kind: "expire" }, now(), verify);
    if (!decision.ok) throw new Error(`the round cannot expire: ${decision.code}`);
    const entry = seal(state.head, now(), decision.draft);
    await appendJournal(redis, lease, roundId, [{ entry }]);
    apply(state, entry);
    return state;
  }
}
