/**
 * Where transactions stand. Owns: whose word counts when providers differ. ARC's, except where it is known to stay
 * behind: what it has never heard of, and a conflict that a block has settled. Does not own: anything about sending.
 */
import type { ArcClient } from "./arc-client.ts";
import type { ChainLogger, TxStatus } from "./port.ts";
import type { WocClient } from "./woc-client.ts";

interface StatusesDeps {
  arcs: readonly Pick<ArcClient, "status">[];
  woc: Pick<WocClient, "status" | "statuses">;
  logger?: ChainLogger;
}

/** txids in one question to WhatsOnChain, and single questions to ARC at a time. */
const BULK = 20;
const PARALLEL = 8;

export function createStatuses({ arcs, woc, logger }: StatusesDeps) {
  /** The first ARC that knows it; undefined when none answers. */
  const arcSays = async (txid: string): Promise<TxStatus | undefined> => {
    let said: TxStatus | undefined;
    for (const arc of arcs) {
      try {
        said = await arc.status(txid);
        if (said.state !== "unknown") return said;
      } catch (err) {
        logger?.warn({ err, txid }, "ARC gives no status");
      }
    }
    return said;
  };

  const status = async (txid: string): Promise<TxStatus> => {
    const first = await arcSays(txid);
    if (first !== undefined && first.state !== "unknown" && first.state !== "conflict") return first;
    if (first?.state !== "conflict") return await woc.status(txid);
    try {
      const second = await woc.status(txid);
      return second.state === "mined" ? second : first;
    } catch (err) {
      logger?.warn({ err, txid }, "nobody else was there to ask about a conflict");
      return first;
    }
  };

  const tried = async <T>(answer: Promise<T>, what: object): Promise<T | undefined> => {
    try {
      return await answer;
    } catch (err) {
      logger?.warn({ err, ...what }, "no status");
      return undefined;
    }
  };

  /** WhatsOnChain in bulk, and ARC for what it does not know. */
  const statuses = async (txids: readonly string[]): Promise<Map<string, TxStatus>> => {
    const found = new Map<string, TxStatus>();
    for (let from = 0; from < txids.length; from += BULK) {
      const part = txids.slice(from, from + BULK);
      for (const [txid, said] of (await tried(woc.statuses(part), { asked: part.length })) ?? [])
        found.set(txid, said);
    }
    const open = [...new Set(txids)].filter((txid) => (found.get(txid)?.state ?? "unknown") === "unknown");
    for (let from = 0; from < open.length; from += PARALLEL)
      await Promise.all(
        open.slice(from, from + PARALLEL).map(async (txid) => {
          const said = await tried(status(txid), { txid });
          if (said) found.set(txid, said);
        }),
      );
    return found;
  };

  return { status, statuses };
}
