/**
 * Paying one round out (M3). Owns: the order read -> plan -> co-sign -> store -> ledger -> send -> tell,
 * and that every step can be done again. Does not own: when it is tried again (worker.ts), looking after what was sent
 * (look-after.ts). Nothing is rebuilt after an unclear answer: what was stored first is sent again, byte for byte.
 */
import { utf8 } from "@meme-rounds/shared-schema/bytes";
import { canonicalJson, sha256Hex } from "@meme-rounds/shared-schema/hash";
import { computeOutcome } from "@meme-rounds/shared-schema/payout";
import type { Entry } from "@meme-rounds/shared-schema/records";
import { replay } from "@meme-rounds/shared-schema/reducer";
import type { RoundState } from "@meme-rounds/shared-schema/round-state";
import {
  amountsDue,
  operatorOutpoints,
  outpointOf,
  type SettlementLimits,
  type SettlementPlan,
} from "@meme-rounds/shared-schema/settlement";
import { type Planned, planSettlement, replanSettlement } from "@meme-rounds/shared-schema/settlement-plan";
import type { BroadcastResult, ChainPort } from "../../chain/index.ts";
import type { Logger } from "../../infra/logger.ts";
import type { AuditorClient } from "../auditor-client.ts";
import type { CarryBook } from "../carry.ts";
import { FloatEmpty, type HotWallet } from "../hot-wallet.ts";
import { AuditorRefusal } from "../wire.ts";
import { basisOf, paymentsOf } from "./basis.ts";
import { withAncestors } from "./dead.ts";
import { collectSignatures, type OperatorKeys, type SignedTx, signSettlement } from "./sign.ts";
import type { SettlementStore, StoredSettlement } from "./store.ts";

export interface SettleDeps {
  chain: ChainPort;
  store: SettlementStore;
  carry: CarryBook;
  wallet: HotWallet;
  auditor: AuditorClient;
  /** Of the key that a round's first record names. Throws KEYSTORE_KEY_MISSING. */
  keysOf(operatorKey: string): OperatorKeys;
  readJournal(roundId: string): Promise<Entry[]>;
  /** Raw transaction of a deposit as it was accepted, hex. */
  depositTx(txid: string): Promise<string | undefined>;
  /** M5: the round's journal and link are on their way to the chain. Throws while they are not and must be waited for. */
  anchor?(roundId: string): Promise<void>;
  /** What the round's settlement costs: bytes, and sat of miner fees. */
  onSent?(roundId: string, cost: { bytes: number; sats: number }): Promise<void>;
  /** The round's settlement has been sent, or there was nothing to send. */
  onSettled(roundId: string): Promise<void>;
  limits?: SettlementLimits;
  logger: Logger;
  /** Called after every wait, so that tests can crash at each. */
  step?(name: string): void;
}

/** Not now: the same again later will do. */
export class SettleLater extends Error {
  override readonly name = "SettleLater";
}

/** Under which name the coins of a plan are reserved. */
export const ownerOf = (roundId: string, version: number): string => `settle:${roundId}:${version}`;
const RESERVE_TRIES = 5;

export class Settler {
  private readonly deps: SettleDeps;

  constructor(deps: SettleDeps) {
    this.deps = deps;
  }

  /**
   * Settles a finished round, or goes on where an earlier try stopped. Idempotent. What is in `out` (txids) is known to
   * be on the network and not sent again. Throws SettleLater when the journal, the auditor, the float, the ledger or
   * the network is not ready, AuditorRefusal when the auditor says no.
   */
  async settle(roundId: string, out: ReadonlySet<string> = new Set()): Promise<void> {
    const had = await this.step("stored", () => this.deps.store.read(roundId));
    const isSent = had?.state === "sent" || had?.state === "mined";
    if (isSent && had.told) return;
    const state = await this.finished(roundId);
    if (!isSent) {
      const plan = had?.plan ?? (await this.plan(state));
      if (plan === undefined) return await this.nothingLeft(state, 0);
      const signed = had?.signed ?? (await this.sign(state, plan));
      const { anchor } = this.deps;
      if (anchor) await this.step("anchored", () => anchor(roundId));
      await this.send(plan, signed, out);
    }
    if (!had?.told) await this.finish(state);
  }

  /**
   * M3: plans again without deposits that proved dead, as the next version, and goes on with that. The caller has
   * seen that each is dead; the auditor looks for itself. When none is left, the caller has also seen that no
   * reorganisation will bring one back.
   */
  async settleWithout(roundId: string, lost: readonly string[]): Promise<void> {
    const state = await this.finished(roundId);
    const had = await this.step("stored", () => this.deps.store.read(roundId));
    if (had?.plan === undefined) return;
    const { plan: previous } = had;
    // Another worker may have planned without them by now.
    const fresh = lost.filter((outpoint) => !previous.lost.includes(outpoint));
    if (fresh.length > 0 && (await this.plan(state, { previous, lost: fresh })) === undefined)
      return await this.nothingLeft(state, previous.version);
    await this.settle(roundId);
  }

  /** No deposit to settle: none counted, or all of them died. What was reserved up to `version` is free again. */
  private async nothingLeft(state: RoundState, version: number): Promise<void> {
    const { store, wallet } = this.deps;
    const { roundId } = state.open;
    for (let one = 1; one <= version; one++)
      await this.step("release", () => wallet.release(ownerOf(roundId, one)));
    await this.step("nothing", () => store.nothing(roundId));
    await this.finish(state);
  }

  /** What follows once everything was sent, or there was nothing to send; done again until it was told. */
  private async finish(state: RoundState): Promise<void> {
    const { store, carry, onSettled, onSent, logger } = this.deps;
    const { arena, roundId } = state.open;
    const stored = await this.step("stored", () => store.read(roundId));
    const { plan, signed = [] } = stored ?? {};
    // E11: a carry's coin is given on once it is mined (look-after.ts), since until then its transaction may be planned
    // again. Coins that were not spent at all move on at once.
    if (stored?.txids.length === 0 || computeOutcome(state).kind === "void")
      await this.step("carry moves on", () => carry.movedOn(arena, roundId));
    if (onSent !== undefined && plan !== undefined) {
      const bytes = signed.reduce((sum, { rawHex }) => sum + rawHex.length / 2, 0);
      const sats = plan.txs.reduce((sum, { minerFee }) => sum + minerFee, 0);
      await this.step("count", () => onSent(roundId, { bytes, sats }));
    }
    await this.step("tell", () => onSettled(roundId));
    await this.step("told", () => store.told(roundId));
    logger.info({ roundId, transactions: signed.length }, "a round was paid out");
  }

  private async finished(roundId: string): Promise<RoundState> {
    const entries = await this.step("journal", () => this.deps.readJournal(roundId));
    const state = entries.length === 0 ? undefined : replay(entries);
    if (state?.phase.kind !== "final") throw new SettleLater(`the journal of ${roundId} has no end yet`);
    return state;
  }

  /** Does `work`; then is a place to crash. Nothing that could be lost happens between one step and the next. */
  private async step<T>(name: string, work: () => Promise<T>): Promise<T> {
    const done = await work();
    this.deps.step?.(name);
    return done;
  }

  /** A plan with its coins reserved, stored; undefined when no deposit is left to settle. */
  private async plan(
    state: RoundState,
    again?: { previous: SettlementPlan; lost: readonly string[] },
  ): Promise<SettlementPlan | undefined> {
    const { store, wallet, carry, chain, limits } = this.deps;
    const { roundId } = state.open;
    const basis = basisOf(state, await this.step("carry", () => carry.claimedBy(roundId)));
    const txids = [...new Set(basis.deposits.map(({ txid }) => txid))];
    const standing = await this.step("deposits", () => chain.statuses(txids));
    const mined = new Set(
      basis.deposits.filter(({ txid }) => standing.get(txid)?.state === "mined").map(outpointOf),
    );
    const feeSatPerKb = await this.step("fee rate", () => chain.feeRate());
    const owner = ownerOf(roundId, (again?.previous.version ?? 0) + 1);
    for (let tries = RESERVE_TRIES; tries > 0; tries--) {
      const had = (await this.step("reserved", () => wallet.reservedFor(owner))) ?? [];
      // What an earlier try reserved comes first: it may stand in a plan already. Free coins follow when it is too little.
      const operatorCoins = [...had, ...(await this.step("free coins", () => wallet.free()))];
      const options = { ...basis, operatorCoins, feeSatPerKb, mined, ...(limits ? { limits } : {}) };
      const planned: Planned = again
        ? replanSettlement(options, again.previous, again.lost)
        : planSettlement(options);
      if (planned.ok) {
        const used = new Set(operatorOutpoints(planned.plan));
        const taken = operatorCoins.filter((coin) => used.has(outpointOf(coin)));
        const isOurs = await this.step("reserve", () => wallet.take(owner, taken));
        if (isOurs !== undefined) return await this.step("plan", () => store.plan(planned.plan));
        continue; // another round took one of the coins between looking and reserving
      }
      if (planned.code === "NOTHING_TO_SETTLE") return undefined;
      if (planned.code === "FLOAT_EMPTY") throw new SettleLater(new FloatEmpty(planned.sats).message);
      throw new Error(`round ${roundId} cannot be settled: ${planned.code}`);
    }
    throw new SettleLater("the operator's coins were taken by other rounds");
  }

  /**
   * M3: transactions with deposits were mined in another form (twins.ts). The round goes on with that form: what hangs
   * on it is signed anew over the txids that are.
   */
  async adopt(
    roundId: string,
    stored: StoredSettlement,
    twins: ReadonlyMap<number, SignedTx>,
  ): Promise<void> {
    if (stored.plan === undefined) return;
    await this.sign(await this.finished(roundId), stored.plan, { before: stored.txids, twins });
    await this.settle(roundId);
  }

  private async sign(
    state: RoundState,
    plan: SettlementPlan,
    mined: { before: readonly string[]; twins: ReadonlyMap<number, SignedTx> } = {
      before: [],
      twins: new Map(),
    },
  ): Promise<SignedTx[]> {
    const { auditor, store, keysOf, depositTx } = this.deps;
    const { operatorKey, auditorKey } = state.open;
    const keys = keysOf(operatorKey);
    try {
      const lost = plan.lost.map((outpoint) => outpoint.slice(0, 64));
      const lostTxs = await this.step("evidence", () => withAncestors(lost, depositTx));
      const twins = [...mined.twins].map(([tx, { rawHex }]) => ({ tx, rawHex }));
      const request = { plan, collectSignatures: collectSignatures(plan, keys.round), lostTxs, twins };
      const signatures = await this.step("cosign", () => auditor.cosign(request));
      const claimed = await this.step("carry keys", () => this.deps.carry.claimedBy(plan.roundId));
      const carryKeys = new Map(claimed.map((coin) => [coin.roundId, coin.auditorKey]));
      const ofCarry = (roundId: string): string => carryKeys.get(roundId) ?? auditorKey;
      const signed = signSettlement(plan, keys, { publicKey: auditorKey, ofCarry, signatures }, mined.twins);
      const { payouts, carry } = paymentsOf(plan, signed, auditorKey);
      const outcome = computeOutcome(state);
      const due = outcome.kind === "result" ? outcome.result : { returned: amountsDue(outcome) };
      const payoutHash = sha256Hex(utf8(canonicalJson(due)));
      const owed = { payouts, carry, payoutHash };
      await this.step("sign", () => store.sign(plan, signed, owed, mined.before));
      return signed;
    } catch (error) {
      if (error instanceof AuditorRefusal) {
        const { code, message } = error;
        await this.step("refused", () => store.refused(plan.roundId, `${code}: ${message}`));
      }
      throw error;
    }
  }

  /**
   * Sends the stored bytes, parents first. Anything but a clear yes is asked again later, with the same bytes; what
   * does not hang on it is sent all the same.
   */
  private async send(
    plan: SettlementPlan,
    signed: readonly SignedTx[],
    out: ReadonlySet<string>,
  ): Promise<void> {
    const { chain, store, logger } = this.deps;
    const { roundId } = plan;
    const stuck = new Map<number, BroadcastResult["outcome"]>();
    for (const [at, tx] of signed.entries()) {
      if (out.has(tx.txid)) continue;
      const { inputs = [] } = plan.txs[at] ?? {};
      if (inputs.some((input) => input.kind === "pot" && stuck.has(input.tx))) continue;
      const result = await this.step(`broadcast ${at}`, () => chain.broadcast(tx, { witnesses: 2 }));
      if (result.outcome === "seen") continue;
      const { state } = await this.step(`status ${at}`, () => chain.status(tx.txid));
      if (state === "seen" || state === "mined") continue;
      stuck.set(at, result.outcome);
      if (result.outcome === "pending") continue;
      logger.error({ roundId, txid: tx.txid, result }, "the network refuses a settlement");
      await this.step("refused", () => store.refused(roundId, `network: ${JSON.stringify(result)}`));
    }
    const [why] = stuck.values();
    if (why !== undefined) throw new SettleLater(`the settlement of ${roundId} was not seen yet: ${why}`);
    await this.step("sent", () => store.sent(roundId));
  }

  /** The carry's coin is in a block: the next rounds get it. Idempotent. */
  async handOnMined(roundId: string, stored: StoredSettlement): Promise<void> {
    const state = await this.finished(roundId);
    if (computeOutcome(state).kind === "void") return;
    await this.step("carry", () => this.deps.carry.consumed(state.open.arena, roundId, stored.carry));
  }
}
