/**
 * Transactions of the ledger on their way to the chain (M5, M6). Owns: `mr:outbox:*`, the ledger's list `mr:ledger:<arena>`,
 * the count of costs, all written in the one step before anything is sent; sending, and sending again until six blocks
 * are on top. Does not own: making transactions. What is stored first stands: the same bytes, whatever is made later.
 *
 * `mr:outbox:<id>` is a hash: txid, raw, ef, at (ms), state stored | seen | mined | final. `mr:outbox:open` holds the ids in the
 * order they were made, so that parents go before children. `mr:ledger:<arena>` lists the links, oldest first;
 * `mr:ledger:rounds` gives a round's place in it. `mr:cost:<roundId>` counts bytes and sat by what they were for.
 */
import { z } from "zod";
import type { ChainPort, TxStatus } from "../../chain/index.ts";
import type { Logger } from "../../infra/logger.ts";
import { counter, gauge } from "../../infra/metrics.ts";
import { type Redis, runScript, script } from "../../infra/redis.ts";
import type { HotWallet } from "../hot-wallet.ts";
import type { BuiltTx } from "./build.ts";

const OPEN = "mr:outbox:open";
const ORDER = "mr:outbox:order";
const ROUNDS = "mr:ledger:rounds";
const outboxKey = (id: string): string => `mr:outbox:${id}`;
const ledgerKey = (arena: string): string => `mr:ledger:${arena}`;
const costKey = (roundId: string): string => `mr:cost:${roundId}`;

/** M5. */
const FINAL_BLOCKS = 6;
/** ms after which a transaction the network has not seen is reported (M5). */
export const STUCK_MS = 3_600_000;

/** s that a final transaction's id is remembered. */
const REMEMBER_S = 30 * 86_400;

/** What a cost was for. */
export type CostKind = "journal" | "link" | "media";
const costsSchema = z.record(z.string(), z.coerce.number().int());

/** One output of the covenant, as the ledger remembers it. */
const ledgerEntrySchema = z.object({
  kind: z.enum(["genesis", "link", "handover"]),
  seq: z.number().int().nonnegative(),
  txid: z.string(),
  bodyHash: z.string(),
  operatorKey: z.string(),
  /** Of a link. */
  roundId: z.string().optional(),
  journalHash: z.string().optional(),
  journalTxid: z.string().optional(),
});
export type LedgerEntry = z.infer<typeof ledgerEntrySchema>;

/** Transactions that are stored together or not at all, in the order they are to be sent. */
export interface Put {
  txs: readonly { id: string; built: BuiltTx }[];
  /** Appended to the arena's list, which must still be `length` long. */
  ledger?: { arena: string; length: number; entries: readonly LedgerEntry[] };
  /** The round that pays, and what for. */
  cost?: { roundId: string; kind: CostKind };
}

/**
 * KEYS open, order, cost, ledger, rounds, then one per transaction. ARGV cost kind, bytes, sats, ledger length or -1, number
 * of transactions n, at, then n times id, txid, raw, ef, then the ledger's entries, each with its round or ''. Stores all
 * or nothing. Returns 'had' when the first of them stands already, 'moved' when the ledger is not as long as that.
 */
const PUT = script(
  "outbox.put",
  `if redis.call('EXISTS', KEYS[6]) == 1 then return 'had' end
   local length = tonumber(ARGV[4])
   if length >= 0 and redis.call('LLEN', KEYS[4]) ~= length then return 'moved' end
   local n = tonumber(ARGV[5])
   for i = 0, n - 1 do
     local at = 7 + 4 * i
     redis.call('HSET', KEYS[6 + i], 'txid', ARGV[at + 1], 'raw', ARGV[at + 2], 'ef', ARGV[at + 3],
       'at', ARGV[6], 'state', 'stored')
     redis.call('ZADD', KEYS[1], redis.call('INCR', KEYS[2]), ARGV[at])
   end
   for i = 7 + 4 * n, #ARGV, 2 do
     redis.call('RPUSH', KEYS[4], ARGV[i])
     if ARGV[i + 1] ~= '' then redis.call('HSET', KEYS[5], ARGV[i + 1], redis.call('LLEN', KEYS[4]) - 1) end
   end
   if ARGV[1] ~= '' then
     redis.call('HINCRBY', KEYS[3], ARGV[1] .. 'Bytes', ARGV[2])
     redis.call('HINCRBY', KEYS[3], ARGV[1] .. 'Sats', ARGV[3])
   end
   return 'stored'`,
);
/** KEYS entry. ARGV state. Only while it is not final. */
const MARK = script(
  "outbox.mark",
  `if redis.call('HEXISTS', KEYS[1], 'raw') == 1 then redis.call('HSET', KEYS[1], 'state', ARGV[1]) end
   return 1`,
);
/** KEYS entry, open. ARGV id, s to remember it. The chain has it for good; what is left says so to a late put. */
const FINAL = script(
  "outbox.final",
  `redis.call('HDEL', KEYS[1], 'raw', 'ef')
   redis.call('HSET', KEYS[1], 'state', 'final')
   redis.call('EXPIRE', KEYS[1], ARGV[2])
   redis.call('ZREM', KEYS[2], ARGV[1])
   return 1`,
);

export interface OutboxDeps {
  redis: Redis;
  chain: Pick<ChainPort, "broadcast" | "statuses" | "tip">;
  wallet: Pick<HotWallet, "spent">;
  logger: Logger;
  now(): number;
}

interface Waiting {
  id: string;
  txid: string;
  /** ms. */
  at: number;
  state: string;
}

export class Outbox {
  private readonly deps: OutboxDeps;
  private readonly stuck = gauge(
    "mr_ledger_stuck",
    "Ledger transactions that the network has not seen for 1 h",
  );
  private readonly unfinished = gauge("mr_ledger_unfinished", "Ledger transactions under six blocks");
  private readonly bytes = counter("mr_chain_bytes_total", "Bytes put on chain, by what for", ["what"]);
  private readonly sats = counter("mr_chain_fee_sats_total", "Miner fees of data on chain, sat", ["what"]);

  constructor(deps: OutboxDeps) {
    this.deps = deps;
  }

  /** The write-ahead. `had`: the first of them stands, with whatever bytes; `moved`: look at the ledger again. */
  async put({ txs, ledger, cost }: Put): Promise<"stored" | "had" | "moved"> {
    const bytes = txs.reduce((sum, { built }) => sum + built.bytes, 0);
    const sats = txs.reduce((sum, { built }) => sum + built.sats, 0);
    const keys = [
      OPEN,
      ORDER,
      costKey(cost?.roundId ?? ""),
      ledgerKey(ledger?.arena ?? ""),
      ROUNDS,
      ...txs.map(({ id }) => outboxKey(id)),
    ];
    const args = [
      cost?.kind ?? "",
      bytes,
      sats,
      ledger?.length ?? -1,
      txs.length,
      this.deps.now(),
      ...txs.flatMap(({ id, built }) => [id, built.txid, built.rawHex, built.efHex]),
      ...(ledger?.entries ?? []).flatMap((entry) => [JSON.stringify(entry), entry.roundId ?? ""]),
    ];
    const answer = z
      .enum(["stored", "had", "moved"])
      .parse(await runScript(this.deps.redis, PUT, keys, args));
    if (answer === "stored") {
      const what = cost?.kind ?? "link";
      this.bytes.inc({ what }, bytes);
      this.sats.inc({ what }, sats);
    }
    return answer;
  }

  /** txid of what stands under this id. */
  async txidOf(id: string): Promise<string | undefined> {
    return (await this.deps.redis.hget(outboxKey(id), "txid")) ?? undefined;
  }

  /** The arena's links, the last one at the end; its length is what the next put must name. */
  async tip(arena: string): Promise<{ length: number; last: LedgerEntry | undefined }> {
    const key = ledgerKey(arena);
    const [length, last] = [await this.deps.redis.llen(key), await this.deps.redis.lindex(key, -1)];
    return { length, last: last === null ? undefined : ledgerEntrySchema.parse(JSON.parse(last)) };
  }

  /** True when the network has it, as far as is known here; what is final is. */
  async isOut(id: string): Promise<boolean> {
    const state = await this.deps.redis.hget(outboxKey(id), "state");
    return state === null || state !== "stored";
  }

  /** When it was stored (ms), while the network does not have it; infinity otherwise. */
  async waitingSince(id: string): Promise<number> {
    const [state, at] = await this.deps.redis.hmget(outboxKey(id), "state", "at");
    return state === "stored" ? Number(at) : Number.POSITIVE_INFINITY;
  }

  /** Sends the stored bytes once. Whatever the answer, the sweep looks after them. */
  async send(id: string): Promise<boolean> {
    const [raw, ef, txid] = await this.deps.redis.hmget(outboxKey(id), "raw", "ef", "txid");
    if (!raw || !ef) return true;
    const result = await this.deps.chain.broadcast({ rawHex: raw, efHex: ef });
    if (result.outcome === "seen") {
      await this.mark(id, "seen");
      return true;
    }
    const log = result.outcome === "pending" ? "info" : "error";
    this.deps.logger[log]({ id, txid, result }, "a ledger transaction was not seen yet");
    return false;
  }

  /** Looks after everything that is not final: parents first, the same bytes again where the network has none. */
  async sweep(): Promise<void> {
    const { redis, chain, now } = this.deps;
    const waiting = await this.waiting(await redis.zrange(OPEN, 0, -1));
    const standing = waiting.length > 0 ? await chain.statuses(waiting.map(({ txid }) => txid)) : new Map();
    const height = waiting.length > 0 ? (await chain.tip()).height : 0;
    let stuck = 0;
    for (const one of waiting)
      if (!(await this.lookAfter(one, standing.get(one.txid), height)) && now() - one.at >= STUCK_MS) {
        stuck += 1;
        this.deps.logger.error({ id: one.id, txid: one.txid }, "a ledger transaction is stuck");
      }
    this.stuck.set(stuck);
    this.unfinished.set(waiting.length);
  }

  /** False while the network does not have it. */
  private async lookAfter(one: Waiting, status: TxStatus | undefined, height: number): Promise<boolean> {
    if (status?.state === "mined") {
      if (height - status.height + 1 >= FINAL_BLOCKS) await this.end(one.id);
      else if (one.state !== "mined") await this.mark(one.id, "mined");
      return true;
    }
    if (status?.state === "seen") {
      if (one.state !== "seen") await this.mark(one.id, "seen");
      return true;
    }
    if (status === undefined) return one.state !== "stored";
    if (one.state !== "stored") await this.mark(one.id, "stored");
    return await this.send(one.id);
  }

  private async end(id: string): Promise<void> {
    await this.deps.wallet.spent(id);
    await runScript(this.deps.redis, FINAL, [outboxKey(id), OPEN], [id, REMEMBER_S]);
  }

  private async mark(id: string, state: "stored" | "seen" | "mined"): Promise<void> {
    await runScript(this.deps.redis, MARK, [outboxKey(id)], [state]);
  }

  private async waiting(ids: readonly string[]): Promise<Waiting[]> {
    const found: Waiting[] = [];
    for (const id of ids) {
      const [txid, at, state] = await this.deps.redis.hmget(outboxKey(id), "txid", "at", "state");
      if (txid && at && state) found.push({ id, txid, at: Number(at), state });
    }
    return found;
  }
}

/** What the ledger says of a round, for those who only read. */
export interface LedgerView {
  link: { txid: string; seq: number; outpoint: string; operatorKey: string };
  journalTxid?: string;
  /** Of the journal as it was linked: a result that was given up at 12 h has a void behind it, and another link (M4). */
  journalHash: string;
  /** Its place in the arena's list. */
  at: number;
}

/** A round's newest link, once it is stored; undefined before. */
export async function ledgerOf(
  redis: Redis,
  arena: string,
  roundId: string,
): Promise<LedgerView | undefined> {
  const at = await redis.hget(ROUNDS, roundId);
  const text = at === null ? null : await redis.lindex(ledgerKey(arena), Number(at));
  if (at === null || text === null) return undefined;
  const entry = ledgerEntrySchema.parse(JSON.parse(text));
  const { txid, seq, operatorKey, journalTxid, journalHash = "" } = entry;
  const link = { txid, seq, outpoint: `${txid}:0`, operatorKey };
  return { link, journalHash, at: Number(at), ...(journalTxid === undefined ? {} : { journalTxid }) };
}

/** What a round has cost on chain so far: bytes and sat by what for. */
export const costOf = async (redis: Redis, roundId: string): Promise<Record<string, number>> =>
  costsSchema.parse(await redis.hgetall(costKey(roundId)));

/** Counts a round's settlement; the same figures again change nothing. `sats` is the miner fee. */
export async function countSettlement(
  redis: Redis,
  roundId: string,
  cost: { bytes: number; sats: number },
): Promise<void> {
  await redis.hset(costKey(roundId), { settlementBytes: cost.bytes, settlementSats: cost.sats });
}

/** M6: the ledger's list as a rebuild read it off the chain; nothing when there is one already. */
export async function restoreLedger(
  redis: Redis,
  arena: string,
  entries: readonly LedgerEntry[],
): Promise<void> {
  if ((await redis.exists(ledgerKey(arena))) === 1) return;
  const multi = redis.multi();
  for (const [at, entry] of entries.entries()) {
    multi.rpush(ledgerKey(arena), JSON.stringify(ledgerEntrySchema.parse(entry)));
    if (entry.roundId !== undefined) multi.hset(ROUNDS, entry.roundId, at);
  }
  await multi.exec();
}
