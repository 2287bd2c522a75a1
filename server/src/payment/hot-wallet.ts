/**
 * The operator's own coins (M7). Owns: `mr:wallet:*`: which coin is reserved for what, lanes of equal coins, sweeping
 * coins of older keys, the alarms. Does not own: what the coins are spent on.
 *
 * Who needs coins reserves them under a name of its own; the same name gets the same coins again, so that work begun
 * before a crash goes on with what it had. Coins stay reserved until the transaction that spends them is final: one
 * that a reorganisation throws out of the chain would otherwise be offered to somebody else.
 */
import { addressOf } from "@meme-rounds/shared-schema/crypto";
import { p2pkhScript } from "@meme-rounds/shared-schema/lock";
import type { Network } from "@meme-rounds/shared-schema/records";
import { type OperatorCoin, sumOf } from "@meme-rounds/shared-schema/settlement";
import { z } from "zod";
import type { ChainPort } from "../chain/index.ts";
import type { Logger } from "../infra/logger.ts";
import { gauge } from "../infra/metrics.ts";
import { type Redis, runScript, script } from "../infra/redis.ts";
import { outpointText } from "./wire.ts";

export interface HotWalletOptions {
  network: Network;
  /** Below this many free sat an alarm goes off. */
  lowSats: number;
  /** Above this many sat in all an alarm goes off: more than is needed lies in a hot wallet. */
  capSats: number;
}

export interface HotWalletDeps {
  redis: Redis;
  chain: Pick<ChainPort, "utxosOfAddress">;
  /** All of the operator's public keys, the current one last. */
  operatorKeys(): readonly string[];
  logger: Logger;
}

export class FloatEmpty extends Error {
  override readonly name = "FloatEmpty";
  /** sat. */
  readonly missing: number;

  constructor(missing: number) {
    super(`the operator's free coins are ${missing} sat short`);
    this.missing = missing;
  }
}

/** `height` is absent while it is unmined. */
export type WalletCoin = OperatorCoin & { height?: number };

const RESERVED = "mr:wallet:reserved";
const ownerKey = (owner: string): string => `mr:wallet:owner:${owner}`;
const TRIES = 10;
/** Smaller coins are used last: one costs a good part of what it brings, sat. */
export const CRUMB_SATS = 5_000;

const coinsSchema = z.array(
  z.object({
    txid: z.string(),
    vout: z.number().int().nonnegative(),
    sats: z.number().int().positive(),
    script: z.string(),
  }),
);

/**
 * KEYS reserved, owner, and perhaps a note. ARGV owner, text of the note, "first" or "more", then outpoint and coin (JSON)
 * of each. Adds the coins to what the owner has, all or nothing; those it has already are no matter. With "first", an
 * owner that has any gets no others. The note is written with them, and must not stand yet. Returns all the owner has
 * now, or nil when a coin is somebody else's, or the note is.
 */
const TAKE = script(
  "wallet.take",
  `local text = redis.call('GET', KEYS[2])
   if text and ARGV[3] == 'first' then return text end
   local had = cjson.decode(text or '[]')
   if KEYS[3] and redis.call('EXISTS', KEYS[3]) == 1 then return nil end
   for i = 4, #ARGV, 2 do
     local by = redis.call('HGET', KEYS[1], ARGV[i])
     if by and by ~= ARGV[1] then return nil end
   end
   for i = 4, #ARGV, 2 do
     if redis.call('HSETNX', KEYS[1], ARGV[i], ARGV[1]) == 1 then had[#had + 1] = cjson.decode(ARGV[i + 1]) end
   end
   text = #had == 0 and '[]' or cjson.encode(had)
   redis.call('SET', KEYS[2], text)
   if KEYS[3] then redis.call('SET', KEYS[3], ARGV[2]) end
   return text`,
);
/** KEYS reserved, owner. ARGV outpoints. */
const FREE = script(
  "wallet.free",
  `for i = 1, #ARGV do redis.call('HDEL', KEYS[1], ARGV[i]) end
   redis.call('DEL', KEYS[2])
   return 1`,
);

export class HotWallet {
  readonly options: HotWalletOptions;
  private readonly deps: HotWalletDeps;
  private readonly total = gauge("mr_float_sats", "The operator's coins, free and reserved, sat");
  private readonly low = gauge("mr_float_low", "1 while the free coins are below the low-water mark");
  private readonly overCap = gauge("mr_float_over_cap", "1 while more than the cap lies in the hot wallet");

  private was = { low: false, over: false };

  constructor(options: HotWalletOptions, deps: HotWalletDeps) {
    this.options = options;
    this.deps = deps;
  }

  /** Where change and new coins go: the current key's script, hex. */
  changeScript(): string {
    return p2pkhScript(this.currentKey());
  }

  currentKey(): string {
    const key = this.deps.operatorKeys().at(-1);
    if (key === undefined) throw new Error("the keystore holds no operator key");
    return key;
  }

  /** Every unspent coin of every key, smallest first, but crumbs last. */
  async coins(): Promise<WalletCoin[]> {
    const found = await Promise.all(
      this.deps.operatorKeys().map(async (key) => {
        const utxos = await this.deps.chain.utxosOfAddress(addressOf(key, this.options.network));
        return utxos.map((utxo) => ({ ...utxo, script: p2pkhScript(key) }));
      }),
    );
    return found
      .flat()
      .sort(
        (a, b) =>
          Number(a.sats < CRUMB_SATS) - Number(b.sats < CRUMB_SATS) ||
          a.sats - b.sats ||
          (outpointText(a) < outpointText(b) ? -1 : 1),
      );
  }

  /**
   * Coins that nobody has reserved and that are in a block. An unmined coin may be the change of a settlement that is
   * planned again, and whatever spends it would die with it.
   */
  async free(): Promise<OperatorCoin[]> {
    return (await this.unreserved())
      .filter(({ height }) => height !== undefined)
      .map(({ txid, vout, sats, script: lock }) => ({ txid, vout, sats, script: lock }));
  }

  /** Coins that nobody has reserved, mined or not. */
  async unreserved(): Promise<WalletCoin[]> {
    const [coins, reserved] = await Promise.all([this.coins(), this.deps.redis.hkeys(RESERVED)]);
    const taken = new Set(reserved);
    return coins.filter((coin) => !taken.has(outpointText(coin)));
  }

  /**
   * Coins of at least `sats` in all, kept for `owner`; the same owner gets the same coins again, whatever it asks for.
   * One coin where one suffices. Throws FloatEmpty.
   */
  async reserve(owner: string, sats: number): Promise<OperatorCoin[]> {
    for (let tries = TRIES; tries > 0; tries--) {
      const had = await this.reservedFor(owner);
      if (had !== undefined) return had;
      const chosen = choose(await this.free(), sats);
      if (!Array.isArray(chosen)) throw new FloatEmpty(chosen.missing);
      const stands = await this.add(owner, chosen, "first");
      if (stands !== undefined) return stands;
    }
    throw new FloatEmpty(sats);
  }

  /**
   * Reserves exactly these coins, beside those the owner has already. Returns all it has then; undefined, and nothing
   * is reserved, when one of them is somebody else's. A reservation only grows: what was planned with it stays covered.
   * A `note` is stored in the same step, and stands in the way when there is one: what is to be sent with the coins.
   */
  take(
    owner: string,
    coins: readonly OperatorCoin[],
    note?: { key: string; text: string },
  ): Promise<OperatorCoin[] | undefined> {
    return this.add(owner, coins, "more", note);
  }

  private async add(
    owner: string,
    coins: readonly OperatorCoin[],
    how: "first" | "more",
    note?: { key: string; text: string },
  ): Promise<OperatorCoin[] | undefined> {
    const args = coins.flatMap(({ txid, vout, sats, script: lock }) => [
      outpointText({ txid, vout }),
      JSON.stringify({ txid, vout, sats, script: lock }),
    ]);
    const keys = [RESERVED, ownerKey(owner), ...(note ? [note.key] : [])];
    const stands = await runScript(this.deps.redis, TAKE, keys, [owner, note?.text ?? "", how, ...args]);
    return typeof stands === "string" ? coinsSchema.parse(JSON.parse(stands)) : undefined;
  }

  async reservedFor(owner: string): Promise<OperatorCoin[] | undefined> {
    const text = await this.deps.redis.get(ownerKey(owner));
    return text === null ? undefined : coinsSchema.parse(JSON.parse(text));
  }

  /** Nothing that spends them was ever sent: they are free again. */
  async release(owner: string): Promise<void> {
    await this.end(owner);
  }

  /** What spends them is final: nothing need be kept for it. */
  async spent(owner: string): Promise<void> {
    await this.end(owner);
  }

  private async end(owner: string): Promise<void> {
    const coins = (await this.reservedFor(owner)) ?? [];
    await runScript(this.deps.redis, FREE, [RESERVED, ownerKey(owner)], coins.map(outpointText));
  }

  /** Looks how much there is and sets the alarms. Returns the free coins. */
  async watch(): Promise<OperatorCoin[]> {
    const { lowSats, capSats } = this.options;
    const [coins, free] = [await this.coins(), await this.free()];
    const isLow = sumOf(free) < lowSats;
    const isOver = sumOf(coins) > capSats;
    this.total.set(sumOf(coins));
    this.low.set(isLow ? 1 : 0);
    this.overCap.set(isOver ? 1 : 0);
    // Once each time it begins: this is looked at every few seconds.
    if (isLow && !this.was.low)
      this.deps.logger.warn({ free: sumOf(free), lowSats }, "the operator's float is low");
    if (isOver && !this.was.over)
      this.deps.logger.warn({ total: sumOf(coins), capSats }, "too much lies in the hot wallet");
    this.was = { low: isLow, over: isOver };
    return free;
  }
}

/** The smallest coin that suffices, else several, largest first. */
function choose(free: readonly OperatorCoin[], sats: number): OperatorCoin[] | { missing: number } {
  const single = free.find((coin) => coin.sats >= sats);
  if (single !== undefined) return [single];
  const chosen: OperatorCoin[] = [];
  for (const coin of free.toSorted((a, b) => b.sats - a.sats)) {
    chosen.push(coin);
    if (sumOf(chosen) >= sats) return chosen;
  }
  return { missing: sats - sumOf(chosen) };
}
