/**
 * Deposits (M1): is this transaction a deposit of this player in this round? Owns: the order of checks, the claim of an
 * outpoint in the cluster, waiting for the network. Does not own: what it spends (sources.ts, scripts.ts), trust in unmined ones
 * (limits.ts), whether it counts at the freeze (judge.ts), the journal.
 */
import { type Refusal, refuse } from "@meme-rounds/shared-schema/errors";
import { entryIdOf, escrowScript } from "@meme-rounds/shared-schema/escrow";
import type { Network } from "@meme-rounds/shared-schema/records";
import { minerFeeOf } from "@meme-rounds/shared-schema/settlement";
import type { BroadcastResult, ChainPort } from "../../chain/index.ts";
import type { Logger } from "../../infra/logger.ts";
import type { Redis } from "../../infra/redis.ts";
import { mapLimited } from "../parallel.ts";
import { type ReadOutput, type ReadTransaction, readSent } from "../transaction.ts";
import { keepAncestors } from "./ancestors.ts";
import { type Deposited, judgeDeposits } from "./judge.ts";
import { DepositLimits } from "./limits.ts";
import { checkScripts } from "./scripts.ts";
import { sourcesOf } from "./sources.ts";
import { DepositTxs } from "./txs.ts";

export type { Deposited } from "./judge.ts";

/** What of a round a deposit is judged by. */
export interface DepositTerms {
  network: Network;
  roundId: string;
  operatorKey: string;
  auditorKey: string;
  /** unix s. */
  deadline: number;
  /** sat. */
  minDepositSats: number;
  maxDepositSats: number;
}

export interface AcceptedDeposit {
  ok: true;
  txid: string;
  vout: number;
  /** sat. */
  sats: number;
}

export type LateVerdict = AcceptedDeposit | Refusal;
/** `pending` resolves when the network has answered after all; it never rejects. */
export type DepositVerdict = LateVerdict | { ok: "pending"; pending: Promise<LateVerdict> };

/** Who deposits. */
export interface Depositor {
  playKey: string;
  identity: string;
  /** Asked once the transaction is known to be a deposit, before any coin moves (I6). */
  admit?(deposit: AcceptedDeposit): Promise<Refusal | undefined>;
}

export interface DepositOptions {
  /** M1: so much unmined value at most in one round, sat. */
  unminedCapSats: number;
}

export interface DepositDeps {
  redis: Redis;
  chain: ChainPort;
  logger: Logger;
  now(): number;
  sleep(ms: number): Promise<void>;
}

/** The network's answer is waited for so long before the player is told to wait (protocol.md 9). */
const ANSWER_MS = 5_000;
/** After this the same bytes may be sent again by the player. */
const GIVE_UP_MS = 120_000;
const POLL_MS = 300;
/** M1: above this many sat one broadcaster's word is not enough; no conflict may show up for so long, ms. */
const LARGE_SATS = 20_000;
const WITNESSES = 2;
const WATCH_MS = 5_000;
const WATCH_POLL_MS = 1_000;
const PARALLEL = 16;
const MAX_INPUTS = 100;
/** A fee above this, or above 20 times what the rate asks, is a slip of the payer's. */
const GENEROUS_FEE = 10_000;
/** A claim outlives its round by far; the escrow script names the round, so it cannot be used in another. */
const CLAIM_SECONDS = 7 * 86_400;

const claimKey = (txid: string, vout: number): string => `mr:payment:claim:${txid}:${vout}`;

export class Deposits {
  private readonly options: DepositOptions;
  private readonly deps: DepositDeps;
  private readonly limits: DepositLimits;
  private readonly txs: DepositTxs;

  constructor(options: DepositOptions, deps: DepositDeps) {
    this.options = options;
    this.deps = deps;
    this.limits = new DepositLimits(deps.redis);
    this.txs = new DepositTxs(deps.redis);
  }

  /**
   * M1. Output 0 must be the round's escrow for the play key, byte for byte; the amount within the rules (sat);
   * version 1; every parent proven or known and every script valid; then the network must have seen it. The same
   * transaction of the same player in the same round gets the same answer again. Throws UNAVAILABLE when the chain
   * cannot be read.
   */
  async accept(terms: DepositTerms, who: Depositor, txHex: string): Promise<DepositVerdict> {
    const sent = readSent(txHex);
    if (sent === undefined) return refuse("DEPOSIT_MALFORMED");
    const { tx } = sent;
    const amount = this.checkShape(terms, who.playKey, tx);
    if (typeof amount !== "number") return amount;
    const sources = await sourcesOf(sent, this.deps.chain);
    if (!Array.isArray(sources)) return sources;
    const wrong =
      (await this.checkFee(tx, sources)) ??
      checkScripts(tx, sources) ??
      (await keepAncestors(sent, this.deps.chain, this.txs));
    if (wrong !== undefined) return wrong;
    if (!(await this.claim(terms.roundId, who.playKey, tx.txid))) return refuse("DEPOSIT_CLAIMED");
    const good: AcceptedDeposit = { ok: true, txid: tx.txid, vout: 0, sats: amount };
    const refused = (await who.admit?.(good)) ?? (await this.checkTrust(terms.roundId, who.identity, good));
    if (refused !== undefined) return refused;
    await this.txs.keep(tx.txid, tx.rawHex); // before it is sent: what the network forgets can be sent again

    const late = this.untilSeen(tx, good)
      .catch((err: unknown): LateVerdict => {
        this.deps.logger.error({ err, txid: tx.txid }, "waiting for a deposit failed");
        return refuse("UNAVAILABLE");
      })
      .then(async (verdict) => {
        if (!verdict.ok && verdict.code !== "UNAVAILABLE")
          await this.limits.free(terms.roundId, [tx.txid]).catch((err: unknown) => {
            this.deps.logger.error({ err, txid: tx.txid }, "a refused deposit still counts as unmined");
          });
        return verdict;
      });
    const early = await Promise.race([late, this.deps.sleep(ANSWER_MS).then(() => undefined)]);
    return early ?? { ok: "pending", pending: late };
  }

  /** M1: a mined deposit needs no trust; of unmined ones a round takes so much, and from some identities none. */
  private async checkTrust(
    roundId: string,
    identity: string,
    { txid, sats }: AcceptedDeposit,
  ): Promise<Refusal | undefined> {
    const { chain } = this.deps;
    const isMined = async (): Promise<boolean> => (await chain.status(txid)).state === "mined";
    if (await this.limits.isBarred(identity))
      return (await isMined()) ? undefined : refuse("DEPOSIT_MINED_ONLY");
    const take = (): Promise<boolean> => this.limits.take(roundId, txid, sats, this.options.unminedCapSats);
    if (await take()) return undefined;
    const standing = await chain.statuses(await this.limits.unmined(roundId));
    const mined = [...standing].filter(([, { state }]) => state === "mined").map(([one]) => one);
    await this.limits.free(roundId, mined);
    if ((await take()) || (await isMined())) return undefined;
    return refuse("DEPOSIT_CAP_REACHED");
  }

  private checkShape(terms: DepositTerms, playKey: string, tx: ReadTransaction): number | Refusal {
    const { network, roundId, operatorKey, auditorKey, deadline } = terms;
    const entryId = entryIdOf(network, roundId);
    const first = tx.outputs[0];
    if (first?.script !== escrowScript({ entryId, operatorKey, auditorKey, playKey, deadline }))
      return refuse("DEPOSIT_SCRIPT_WRONG");
    if (first.sats < terms.minDepositSats) return refuse("DEPOSIT_AMOUNT_LOW");
    if (first.sats > terms.maxDepositSats) return refuse("DEPOSIT_AMOUNT_HIGH");
    // Under version 2 strangers can change the txid, and with it the outpoint that we would have credited.
    if (tx.version !== 1) return refuse("DEPOSIT_REJECTED", "The transaction must be of version 1.");
    if (tx.inputs.length === 0) return refuse("DEPOSIT_MALFORMED");
    if (tx.inputs.length > MAX_INPUTS)
      return refuse("DEPOSIT_REJECTED", `The transaction has more than ${MAX_INPUTS} inputs.`);
    const outpoints = new Set(tx.inputs.map(({ txid, vout }) => `${txid}:${vout}`));
    if (outpoints.size !== tx.inputs.length) return refuse("DEPOSIT_MALFORMED");
    return first.sats;
  }

  private async checkFee(tx: ReadTransaction, sources: ReadOutput[]): Promise<Refusal | undefined> {
    const sum = (items: ReadOutput[]): number => items.reduce((total, { sats }) => total + sats, 0);
    const fee = sum(sources) - sum(tx.outputs);
    const asked = minerFeeOf(tx.rawHex.length / 2, await this.deps.chain.feeRate());
    if (fee < 0) return refuse("DEPOSIT_REJECTED", "It spends more than its inputs hold.");
    if (fee > Math.max(GENEROUS_FEE, 20 * asked))
      return refuse("DEPOSIT_REJECTED", `Its miner fee of ${fee} sat is far above the ${asked} sat needed.`);
    return undefined;
  }

  /** Once in the cluster: true for the first, and again for the same player in the same round. */
  private async claim(roundId: string, playKey: string, txid: string): Promise<boolean> {
    const key = claimKey(txid, 0);
    const mine = `${roundId}|${playKey}`;
    if ((await this.deps.redis.set(key, mine, "EX", CLAIM_SECONDS, "NX")) === "OK") return true;
    return (await this.deps.redis.get(key)) === mine;
  }

  /** Sends the bytes, and the same bytes again after an unclear answer, until the network has said enough. */
  private async untilSeen(tx: ReadTransaction, good: AcceptedDeposit): Promise<LateVerdict> {
    const end = this.deps.now() + GIVE_UP_MS;
    let watchUntil: number | undefined;
    for (;;) {
      const standing = await this.ask(tx, good.sats > LARGE_SATS);
      if (typeof standing === "object") return standing;
      if (standing === "mined" || (standing !== "silent" && good.sats <= LARGE_SATS)) return good;
      const now = this.deps.now();
      if (standing !== "silent") watchUntil ??= now + WATCH_MS;
      if (standing === "witnessed" && watchUntil !== undefined && now >= watchUntil) return good;
      if (now >= end) return refuse("UNAVAILABLE", "The network did not answer; send it again.");
      await this.deps.sleep(watchUntil === undefined ? POLL_MS : WATCH_POLL_MS);
    }
  }

  /** One more try: what the network says of the transaction now; `witnessed` when two broadcasters have seen it. */
  private async ask(
    tx: ReadTransaction,
    isLarge: boolean,
  ): Promise<"silent" | "seen" | "witnessed" | "mined" | Refusal> {
    const sent = await this.deps.chain.broadcast({ rawHex: tx.rawHex }, { witnesses: isLarge ? 2 : 1 });
    if (sent.outcome !== "seen" && sent.outcome !== "pending") return refusalOf(sent);
    if (sent.outcome === "seen" && !isLarge) return "seen";
    const standing = await this.standingOf(tx);
    if (standing === "mined") return "mined";
    if (standing === "conflict") return refuse("DEPOSIT_CONFLICT");
    if (sent.outcome === "seen") return sent.witnesses >= WITNESSES ? "witnessed" : "seen";
    return standing ?? "silent";
  }

  /** A node that has mined another spend of the same coins takes ours for an orphan: then the inputs are asked about. */
  private async standingOf(tx: ReadTransaction): Promise<"seen" | "mined" | "conflict" | undefined> {
    const { chain, logger } = this.deps;
    try {
      const { state } = await chain.status(tx.txid);
      if (state === "seen" || state === "mined" || state === "conflict") return state;
      const spenders = await mapLimited(tx.inputs, PARALLEL, ({ txid, vout }) => chain.spentBy(txid, vout));
      return spenders.some((by) => by !== undefined && by !== tx.txid) ? "conflict" : undefined;
    } catch (err) {
      logger.warn({ err, txid: tx.txid }, "no status of a deposit yet");
      return undefined;
    }
  }

  /** M1, the freeze: outpoints that do not count; whoever they are of may use mined deposits only for 7 days. */
  async judge(deposits: readonly Deposited[]): Promise<string[]> {
    const dropped = new Set(await judgeDeposits(deposits, this.deps));
    for (const { txid, vout, identity } of deposits)
      if (dropped.has(`${txid}:${vout}`)) await this.limits.bar(identity);
    return [...dropped];
  }
}

function refusalOf(result: Exclude<BroadcastResult, { outcome: "seen" | "pending" }>): Refusal {
  if (result.outcome === "conflict") return refuse("DEPOSIT_CONFLICT");
  if (result.code === "INPUTS") return refuse("DEPOSIT_INPUTS_UNKNOWN", result.reason);
  return refuse("DEPOSIT_REJECTED", result.reason);
}
