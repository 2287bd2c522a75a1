/**
 * When a settlement takes too long (M3, M4). Owns: the metrics that wake somebody up well before players may take
 * their deposits back. Does not own: doing anything about it.
 */
import type { Entry } from "@meme-rounds/shared-schema/records";
import type { Logger } from "../../infra/logger.ts";
import { gauge } from "../../infra/metrics.ts";
import type { AuditorClient } from "../auditor-client.ts";
import type { SettlementStore } from "./store.ts";

export interface AlarmDeps {
  store: SettlementStore;
  readJournal(roundId: string): Promise<Entry[]>;
  auditor: Pick<AuditorClient, "keys">;
  logger: Logger;
  /** ms. */
  now(): number;
}

/** A round that is not paid so long after its end needs a person: the auditor stops signing 16 h later. */
const URGENT_MS = 6 * 3_600_000;

export class SettlementAlarms {
  private readonly deps: AlarmDeps;
  private readonly ends = new Map<string, number>();
  private readonly oldest = gauge(
    "mr_settlement_oldest_seconds",
    "Age of the oldest round that is not paid out, s",
  );
  private readonly disputed = gauge("mr_settlement_disputed", "Rounds whose settlement was refused");
  private readonly near = gauge("mr_settlement_deadline_near", "1 while a round is unpaid 6 h after its end");
  private readonly auditorUp = gauge("mr_auditor_up", "1 while the auditor answers");

  constructor(deps: AlarmDeps) {
    this.deps = deps;
  }

  /** Asks the auditor for a sign of life, and looks at every round that is not final. */
  async sweep(): Promise<void> {
    const { store, logger, now } = this.deps;
    this.auditorUp.set(await this.isAuditorUp());
    let oldest = 0;
    let disputed = 0;
    const open = await store.openRounds();
    for (const roundId of open) {
      const view = await store.view(roundId);
      if (view?.refusal !== undefined) disputed++;
      if (view?.state === "sent" || view?.state === "mined") continue;
      const age = now() - (await this.endOf(roundId));
      oldest = Math.max(oldest, age);
      if (age > URGENT_MS) logger.error({ roundId, age, refusal: view?.refusal }, "a round is not paid out");
    }
    for (const roundId of this.ends.keys()) if (!open.includes(roundId)) this.ends.delete(roundId);
    this.oldest.set(Math.round(oldest / 1_000));
    this.disputed.set(disputed);
    this.near.set(oldest > URGENT_MS ? 1 : 0);
  }

  private async isAuditorUp(): Promise<0 | 1> {
    try {
      await this.deps.auditor.keys();
      return 1;
    } catch (err) {
      this.deps.logger.warn({ err }, "the auditor gives no sign of life");
      return 0;
    }
  }

  private async endOf(roundId: string): Promise<number> {
    const had = this.ends.get(roundId);
    if (had !== undefined) return had;
    const first = (await this.deps.readJournal(roundId))[0]?.record;
    const end = first?.kind === "open" ? first.body.closesAt : this.deps.now();
    this.ends.set(roundId, end);
    return end;
  }
}
