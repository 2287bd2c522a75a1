/**
 * Paying one round out (M3). Owns: the order read -> plan -> co-sign -> store -> send -> hand the carry on, and that
 * every step can be done again. Does not own: when it is tried again (worker.ts). Nothing is rebuilt after an unclear
 * answer: what was stored first is sent again, byte for byte.
 */

import { utf8 } from "@meme-rounds/shared-schema/bytes";
import { canonicalJson, sha256Hex } from "@meme-rounds/shared-schema/hash";
import { computeOutcome, droppedOutpoints } from "@meme-rounds/shared-schema/payout";
import type { Entry } from "@meme-rounds/shared-schema/records";
import { replay } from "@meme-rounds/shared-schema/reducer";
import type { RoundState } from "@meme-rounds/shared-schema/round-state";
import {
  amountsDue,
  type CarryCoin,
  type DepositCoin,
  planSettlement,
  type SettledOutcome,
  type SettlementBasis,
  type SettlementPlan,
} from "@meme-rounds/shared-schema/settlement";
import type { ChainPort } from "../../chain/index.ts";
import type { Logger } from "../../infra/logger.ts";
import type { AuditorClient } from "../auditor-client.ts";
import type { CarryBook } from "../carry.ts";
import { AuditorRefusal, outpointText } from "../wire.ts";
import type { OperatorFloat } from "./float.ts";
import { type SignedSettlement, signSettlement } from "./sign.ts";
import type { SettledPayout, SettlementStore, StoredSettlement } from "./store.ts";

export interface SettleDeps {
  chain: ChainPort;
  store: SettlementStore;
  carry: CarryBook;
  float: OperatorFloat;
  auditor: AuditorClient;
  operatorSecret: Uint8Array;
  readJournal(roundId: string): Promise<Entry[]>;
  /** The round's settlement has been sent, or there was nothing to send. */
  onSettled(roundId: string): Promise<void>;
  logger: Logger;
  /** Called between steps, so that tests can crash at each. */
  step?(name: string): void;
}

/** Not now: the same again later will do. */
export class SettleLater extends Error {
  override readonly name = "SettleLater";
}

/** All deposits that count, as coins. */
export function depositCoinsOf(state: RoundState): DepositCoin[] {
  const dropped = droppedOutpoints(state);
  return [...state.players.values()].flatMap(({ playKey, deposits }) =>
    deposits
      .filter((deposit) => !dropped.has(outpointText(deposit)))
      .map(({ txid, vout, sats }) => ({ txid, vout, sats, playKey })),
  );
}

/** What a finished journal's state owes, without the coins behind its carry. */
function basisOf(state: RoundState, carryCoins: readonly CarryCoin[]): SettlementBasis {
  const outcome: SettledOutcome = computeOutcome(state);
  return { open: state.open, deposits: depositCoinsOf(state), outcome, carryCoins };
}

/** Which output pays whom (protocol.md 6), and the carry's coin. */
function owedBy(plan: SettlementPlan, txid: string): { payouts: SettledPayout[]; carry?: CarryCoin } {
  const payouts: SettledPayout[] = [];
  let carry: CarryCoin | undefined;
  for (const [vout, output] of plan.outputs.entries()) {
    if (output.kind === "payout") payouts.push({ playKey: output.playKey, sats: output.sats, txid, vout });
    if (output.kind === "carry") carry = { roundId: plan.roundId, txid, vout, sats: output.sats };
  }
  return { payouts, ...(carry ? { carry } : {}) };
}

const RESERVE_TRIES = 5;
/** M5. */
const FINAL_BLOCKS = 6;

export class Settler {
  private readonly deps: SettleDeps;

  constructor(deps: SettleDeps) {
    this.deps = deps;
  }

  /**
   * Settles a finished round, or goes on where an earlier try stopped. Idempotent. Throws SettleLater when the
   * journal, the auditor, the float or the network is not ready, AuditorRefusal when the auditor says no.
   */
  async settle(roundId: string): Promise<void> {
    const entries = await this.deps.readJournal(roundId);
    const state = entries.length === 0 ? undefined : replay(entries);
    if (state?.phase.kind !== "final") throw new SettleLater(`the journal of ${roundId} has no end yet`);
    this.step("read");
    const had = await this.deps.store.read(roundId);
    if (had?.state === "sent" || had?.state === "mined") return await this.handOn(state, had);

    const plan = had?.plan ?? (await this.plan(state));
    this.step("planned");
    if (plan === undefined) {
      await this.deps.store.final(roundId);
      return await this.handOn(state, await this.deps.store.read(roundId));
    }
    const signed = had?.signed ?? (await this.sign(state, plan));
    this.step("signed");
    await this.send(roundId, signed);
    this.step("sent");
    await this.handOn(state, await this.deps.store.read(roundId));
  }

  private step(name: string): void {
    this.deps.step?.(name);
  }

  /** Plan and reserved coins, stored in one step; undefined when no deposit is left to settle. */
  private async plan(state: RoundState): Promise<SettlementPlan | undefined> {
    const { store, float, carry, chain } = this.deps;
    const basis = basisOf(state, await carry.claimedBy(state.open.roundId));
    const feeSatPerKb = await chain.feeRate();
    for (let tries = RESERVE_TRIES; tries > 0; tries--) {
      const planned = planSettlement({ ...basis, operatorCoins: await float.free(), feeSatPerKb });
      this.step("computed");
      if (planned.ok) {
        const stands = await store.plan(planned.plan);
        if (stands !== undefined) return stands;
        continue; // another round took one of the coins between looking and reserving
      }
      if (planned.code === "NOTHING_TO_SETTLE") return undefined;
      if (planned.code !== "FLOAT_EMPTY")
        throw new Error(`round ${state.open.roundId} cannot be settled: ${planned.code}`);
      await float.keepUp();
    }
    throw new SettleLater("the operator's float does not cover the miner fee");
  }

  private async sign(state: RoundState, plan: SettlementPlan): Promise<SignedSettlement> {
    const { auditor, store, operatorSecret } = this.deps;
    const { roundId } = plan;
    try {
      const signatures = await auditor.cosign(roundId, plan);
      this.step("cosigned");
      const publicKey = state.open.auditorKey;
      const signed = signSettlement(plan, operatorSecret, { publicKey, signatures });
      const { payouts, carry } = owedBy(plan, signed.txid);
      const outcome = computeOutcome(state);
      const due = outcome.kind === "result" ? outcome.result : amountsDue(outcome);
      const payoutHash = sha256Hex(utf8(canonicalJson(due)));
      await store.sign(roundId, signed, { payouts, carry, payoutHash });
      return signed;
    } catch (error) {
      if (error instanceof AuditorRefusal) await store.refused(roundId, `${error.code}: ${error.message}`);
      throw error;
    }
  }

  /** Sends the stored bytes. Anything but a clear yes is asked again later, with the same bytes. */
  private async send(roundId: string, signed: SignedSettlement): Promise<void> {
    const { chain, store, logger } = this.deps;
    const result = await chain.broadcast(signed);
    this.step("broadcast");
    if (result.outcome === "seen") return await store.sent(roundId);
    const { state } = await chain.status(signed.txid);
    if (state === "seen" || state === "mined") return await store.sent(roundId);
    const { outcome } = result;
    if (outcome !== "pending") {
      logger.error({ roundId, txid: signed.txid, result }, "the network refuses a settlement");
      await store.refused(roundId, `network: ${JSON.stringify(result)}`);
    }
    throw new SettleLater(`the settlement of ${roundId} was not seen yet: ${outcome}`);
  }

  /** E11: the next rounds get the carry, once its coin is on its way. */
  private async handOn(state: RoundState, done: StoredSettlement | undefined): Promise<void> {
    const { arena, roundId } = state.open;
    const outcome = computeOutcome(state);
    if (outcome.kind === "result") await this.deps.carry.consumed(arena, roundId, done?.carry);
    else await this.deps.carry.movedOn(arena, roundId);
    this.step("carried");
    await this.deps.onSettled(roundId);
    this.step("told");
  }

  /**
   * M3, M5: looks after a settlement until it is final: mined frees its coins, six blocks end it, and whatever the
   * network has lost (also by a reorganisation) is sent again, the same bytes. A round that never got so far is
   * settled now.
   */
  async lookAfter(roundId: string): Promise<void> {
    const { store, chain } = this.deps;
    const stored = await store.read(roundId);
    const isOut = stored?.state === "sent" || stored?.state === "mined";
    if (!isOut || stored.signed === undefined) return await this.settle(roundId);
    const status = await chain.status(stored.signed.txid);
    if (status.state === "mined") {
      if (stored.state === "sent") {
        await this.settle(roundId); // whoever sent it may have died before handing the carry on
        await store.mined(roundId, stored.plan);
      }
      const { height } = await chain.tip();
      if (height - status.height + 1 >= FINAL_BLOCKS) await store.final(roundId);
    } else {
      if (stored.state === "mined") await store.sent(roundId);
      if (status.state !== "seen") await chain.broadcast(stored.signed);
    }
  }
}
