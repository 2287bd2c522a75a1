/**
 * Sending to two broadcasters at a time. Owns: when the second one is asked, what both answers come to, asking again
 * about an orphan and about who spent the coins. Does not own: sending again later, which is the caller's. Nothing here
 * ends a transaction but a clear refusal or a rival; an unclear answer stays `pending`, and nothing is ever rebuilt.
 */
import { counter } from "../infra/metrics.ts";
import type { ArcClient } from "./arc-client.ts";
import type { BroadcastResult, ChainLogger } from "./port.ts";
import type { createRivals } from "./rivals.ts";
import { bothSaid } from "./two-broadcasters.ts";
import type { ReadInput } from "./tx-reader.ts";
import type { WocClient } from "./woc-client.ts";

export interface Sent {
  txid: string;
  /** Extended where the parents are known. */
  bytes: Uint8Array;
  rawHex: string;
  inputs: ReadInput[];
}

interface BroadcasterDeps {
  arc: ArcClient;
  arc2?: ArcClient | undefined;
  woc: Pick<WocClient, "broadcast" | "status" | "waitMs">;
  rivalsOf: ReturnType<typeof createRivals>;
  sleep: (ms: number) => Promise<void>;
  logger?: ChainLogger;
}

/** A second opinion that nobody insists on is not worth a longer wait for WhatsOnChain's turn. */
const MAX_WAIT_MS = 1_000;
/** A node that misses a parent has mostly just not heard of it yet: so long before each new look. */
const RECHECK_MS = [200, 400, 800];
const IS_ORPHAN = /orphan|missing.?inputs|missingorspent/i;

export function createBroadcaster(deps: BroadcasterDeps) {
  const { arc, arc2, woc, rivalsOf, sleep, logger } = deps;
  const outcomes = counter("mr_chain_broadcasts_total", "What broadcasters answered", ["by", "outcome"]);
  const counted = async (
    by: "arc" | "second",
    answer: Promise<BroadcastResult>,
  ): Promise<BroadcastResult> => {
    const result = await answer;
    outcomes.inc({ by, outcome: result.outcome });
    return result;
  };

  /** Both words, or the first one's where the second has nothing to add. */
  const ask = async ({ txid, bytes, rawHex }: Sent, witnesses?: 1 | 2): Promise<BroadcastResult> => {
    const first = counted("arc", arc.broadcast(txid, bytes));
    const second = () => counted("second", arc2 ? arc2.broadcast(txid, bytes) : woc.broadcast(txid, rawHex));
    const isWorthIt = witnesses === undefined && woc.waitMs() < MAX_WAIT_MS;
    if (arc2 || witnesses === 2 || isWorthIt) return bothSaid(...(await Promise.all([first, second()])));
    const said = await first;
    return said.outcome === "pending" ? bothSaid(said, await second()) : said;
  };

  /** Up to three looks whether an orphan has found its parent. */
  const recheck = async (said: BroadcastResult): Promise<BroadcastResult> => {
    for (const ms of RECHECK_MS) {
      await sleep(ms);
      try {
        const { state } = await woc.status(said.txid);
        if (state === "seen" || state === "mined") return { outcome: "seen", txid: said.txid, witnesses: 1 };
      } catch (err) {
        logger?.warn({ err, txid: said.txid }, "nobody knows more of an orphan");
        return said;
      }
    }
    return said;
  };

  return async (sent: Sent, witnesses?: 1 | 2): Promise<BroadcastResult> => {
    let said = await ask(sent, witnesses);
    const isOrphan = said.outcome === "pending" && IS_ORPHAN.test(said.reason);
    if (isOrphan) said = await recheck(said);
    const named = said.outcome === "conflict" ? said.competing : [];
    if (said.outcome !== "conflict" && !(isOrphan && said.outcome === "pending")) return said;
    const { competing, lostTo, mined } = await rivalsOf(sent.txid, sent.inputs, named);
    if (mined) return { outcome: "seen", txid: sent.txid, witnesses: 1 };
    if (lostTo) return { outcome: "conflict", txid: sent.txid, competing, lostTo };
    return said.outcome === "conflict" ? { ...said, competing } : said;
  };
}
