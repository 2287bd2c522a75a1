/**
 * Deposits (M1): is this transaction a deposit of this player in this round, and does it count at the freeze?
 * Owns: the checks, the claim of an outpoint in the cluster, waiting for the network. Does not own: the journal.
 */
import { LockingScript, Transaction } from "@bsv/sdk";
import { type Refusal, refuse } from "@meme-rounds/shared-schema/errors";
import { entryIdOf, escrowScript } from "@meme-rounds/shared-schema/escrow";
import type { Network } from "@meme-rounds/shared-schema/records";
import { minerFeeOf } from "@meme-rounds/shared-schema/settlement";
import { type BroadcastResult, type ChainPort, verifyInputScripts } from "../chain/index.ts";
import type { Logger } from "../infra/logger.ts";
import type { Redis } from "../infra/redis.ts";
import { mapLimited } from "./parallel.ts";
import { type ReadOutput, type ReadTransaction, readTransaction } from "./transaction.ts";

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
/** M1: above this many sat the network's first word is not enough; no conflict may show up for so long, ms. */
const LARGE_SATS = 20_000;
const WATCH_MS = 5_000;
const WATCH_POLL_MS = 1_000;
/** M1: the freeze comes at most 10 s after the close; the record itself needs a moment too. */
const JUDGE_MS = 8_000;
const PARALLEL = 16;
const MAX_INPUTS = 100;
/** A longer parent script is none that a wallet makes, and could be made to take long. */
const MAX_SCRIPT_BYTES = 10_000;
/** A fee above this, or above 20 times what the rate asks, is a slip of the payer's. */
const GENEROUS_FEE = 10_000;
/** A claim outlives its round by far; the escrow script names the round, so it cannot be used in another. */
const CLAIM_SECONDS = 7 * 86_400;

const claimKey = (txid: string, vout: number): string => `mr:payment:claim:${txid}:${vout}`;

export class Deposits {
  private readonly deps: DepositDeps;

  constructor(deps: DepositDeps) {
    this.deps = deps;
  }

  /**
   * M1. Output 0 must be the round's escrow for `playKey`, byte for byte; the amount within the rules (sat); version 1;
   * every parent known and every script valid; then the network must have seen it. The same transaction of the
   * same player in the same round gets the same answer again. Throws UNAVAILABLE when the chain cannot be read.
   */
  async accept(terms: DepositTerms, playKey: string, txHex: string): Promise<DepositVerdict> {
    const tx = readTransaction(txHex);
    if (tx === undefined) return refuse("DEPOSIT_MALFORMED");
    const amount = this.checkShape(terms, playKey, tx);
    if (typeof amount !== "number") return amount;
    const sources = await this.sourcesOf(tx);
    if (sources === undefined) return refuse("DEPOSIT_INPUTS_UNKNOWN");
    const wrong = (await this.checkFee(tx, sources)) ?? checkScripts(tx, sources);
    if (wrong !== undefined) return wrong;
    if (!(await this.claim(terms.roundId, playKey, tx.txid))) return refuse("DEPOSIT_CLAIMED");

    const good: AcceptedDeposit = { ok: true, txid: tx.txid, vout: 0, sats: amount };
    const seen = this.untilSeen(tx, good);
    const late = seen
      .then((verdict) => this.watched(verdict))
      .catch((err: unknown): LateVerdict => {
        this.deps.logger.error({ err, txid: tx.txid }, "waiting for a deposit failed");
        return refuse("UNAVAILABLE");
      });
    const early = await Promise.race([late, this.deps.sleep(ANSWER_MS).then(() => undefined)]);
    return early ?? { ok: "pending", pending: late };
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

  /** The outputs it spends, from the network; undefined when one is not known there. */
  private async sourcesOf(tx: ReadTransaction): Promise<ReadOutput[] | undefined> {
    const parents = new Map<string, ReadTransaction | undefined>();
    const txids = [...new Set(tx.inputs.map(({ txid }) => txid))];
    await mapLimited(txids, PARALLEL, async (txid) => {
      const raw = await this.deps.chain.rawTx(txid);
      parents.set(txid, raw === undefined ? undefined : readTransaction(raw));
    });
    const sources = tx.inputs.map(({ txid, vout }) => parents.get(txid)?.outputs[vout]);
    return sources.every((source) => source !== undefined) ? sources : undefined;
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

  /** Sends the bytes, and the same bytes again after an unclear answer, until the network has spoken. */
  private async untilSeen(tx: ReadTransaction, good: AcceptedDeposit): Promise<LateVerdict> {
    const end = this.deps.now() + GIVE_UP_MS;
    for (;;) {
      const sent = await this.deps.chain.broadcast({ rawHex: tx.rawHex });
      if (sent.outcome === "seen") return good;
      const standing = sent.outcome === "pending" ? await this.standingOf(tx) : sent;
      if (standing === "seen") return good;
      if (standing === "conflict") return refuse("DEPOSIT_CONFLICT");
      if (standing !== undefined) return refusalOf(standing);
      if (this.deps.now() >= end) return refuse("UNAVAILABLE", "The network did not answer; send it again.");
      await this.deps.sleep(POLL_MS);
    }
  }

  /** M1: a large deposit counts when no competing transaction has shown up for a while. */
  private async watched(verdict: LateVerdict): Promise<LateVerdict> {
    if (!verdict.ok || verdict.sats <= LARGE_SATS) return verdict;
    for (const end = this.deps.now() + WATCH_MS; this.deps.now() < end; ) {
      await this.deps.sleep(WATCH_POLL_MS);
      const { state } = await this.deps.chain.status(verdict.txid);
      if (state === "mined") return verdict;
      if (state === "conflict" || state === "rejected") return refuse("DEPOSIT_CONFLICT");
    }
    return verdict;
  }

  /** After an unclear answer: a node that has mined another spend of the same coins takes ours for an orphan. */
  private async standingOf(tx: ReadTransaction): Promise<"seen" | "conflict" | undefined> {
    const { chain, logger } = this.deps;
    try {
      const { state } = await chain.status(tx.txid);
      if (state === "seen" || state === "mined") return "seen";
      const spenders = await mapLimited(tx.inputs, PARALLEL, ({ txid, vout }) => chain.spentBy(txid, vout));
      return spenders.some((by) => by !== undefined && by !== tx.txid) ? "conflict" : undefined;
    } catch (err) {
      logger.warn({ err, txid: tx.txid }, "no status of a deposit yet");
      return undefined;
    }
  }

  /**
   * M1, the freeze: outpoints of deposits that do not count, since the network refused them, knows a competing
   * transaction, or has lost them. Answers within 10 s. A deposit the network is merely silent about counts: it
   * had been seen when it was accepted, and a silent provider must not cost everybody the round.
   */
  async judge(deposits: readonly { txid: string; vout: number }[]): Promise<string[]> {
    const end = this.deps.now() + JUDGE_MS;
    const dropped = await mapLimited(deposits, PARALLEL, async ({ txid, vout }) =>
      (await this.isLost(txid, end)) ? [`${txid}:${vout}`] : [],
    );
    return dropped.flat();
  }

  private async isLost(txid: string, end: number): Promise<boolean> {
    for (;;) {
      let lost = false;
      try {
        const { state } = await this.within(this.deps.chain.status(txid), end);
        if (state === "conflict" || state === "rejected") return true;
        if (state !== "unknown") return false;
        lost = true;
      } catch (err) {
        this.deps.logger.warn({ err, txid }, "a deposit could not be judged");
      }
      if (this.deps.now() + POLL_MS >= end) return lost;
      await this.deps.sleep(POLL_MS);
    }
  }

  private async within<T>(answer: Promise<T>, end: number): Promise<T> {
    const late = this.deps.sleep(Math.max(0, end - this.deps.now())).then((): never => {
      throw new Error("the chain did not answer in time");
    });
    late.catch(() => undefined); // when the answer wins the race, nobody else looks at this one
    return await Promise.race([answer, late]);
  }
}

function refusalOf(result: Exclude<BroadcastResult, { outcome: "seen" | "pending" }>): Refusal {
  if (result.outcome === "conflict") return refuse("DEPOSIT_CONFLICT");
  if (result.code === "INPUTS") return refuse("DEPOSIT_INPUTS_UNKNOWN", result.reason);
  return refuse("DEPOSIT_REJECTED", result.reason);
}

function checkScripts(tx: ReadTransaction, sources: ReadOutput[]): Refusal | undefined {
  if (sources.some(({ script }) => script.length / 2 > MAX_SCRIPT_BYTES))
    return refuse("DEPOSIT_REJECTED", "It spends an output whose script is too long.");
  const verdict = verifyInputScripts(Transaction.fromHex(tx.rawHex), (_input, index) => {
    const source = sources[index];
    return source && { satoshis: source.sats, lockingScript: LockingScript.fromHex(source.script) };
  });
  return verdict.ok ? undefined : refuse("DEPOSIT_REJECTED", `Input ${verdict.input}: ${verdict.reason}`);
}
