/**
 * Keeping the operator's coins in good order (M7). Owns: splitting a big coin into equal lanes, so that rounds do not
 * wait for each other's change; gathering crumbs and coins of older keys; topping up on the devchain. Does not own:
 * reservations (hot-wallet.ts). One such transaction at a time, stored in `mr:wallet:order` before it is sent.
 */
import { toHex } from "@meme-rounds/shared-schema/bytes";
import { addressOf, publicKeyOf } from "@meme-rounds/shared-schema/crypto";
import { minerFeeOf, type OperatorCoin, settlementSize, sumOf } from "@meme-rounds/shared-schema/settlement";
import {
  extendedTxBytes,
  FINAL_SEQUENCE,
  type PlainTx,
  preimages,
  rawTxBytes,
  txidOf,
} from "@meme-rounds/shared-schema/sighash";
import { p2pkhUnlock, signPreimage } from "@meme-rounds/shared-schema/unlock";
import { z } from "zod";
import type { ChainPort, createDevFaucet } from "../chain/index.ts";
import type { Logger } from "../infra/logger.ts";
import type { Redis } from "../infra/redis.ts";
import { CRUMB_SATS, type HotWallet } from "./hot-wallet.ts";
import type { SigningKey } from "./settlement/sign.ts";

export interface LanesOptions {
  /** How many coins are wanted. */
  lanes: number;
  /** sat of each. */
  laneSats: number;
}

export interface LanesDeps {
  redis: Redis;
  chain: ChainPort;
  wallet: HotWallet;
  /** For P2PKH scripts of the operator's coins. */
  forScript(script: string): SigningKey;
  /** The devchain's, to top up with; absent elsewhere. */
  faucet?: ReturnType<typeof createDevFaucet>;
  logger: Logger;
}

const ORDER = "mr:wallet:order";
const OWNER = "order";
/** So many crumbs together are worth a transaction. */
const CRUMBS = 40;
const MAX_INPUTS = 200;
/** M5: what spends its coins meanwhile hangs on it. */
const FINAL_BLOCKS = 6;

const orderSchema = z.object({ txid: z.string(), rawHex: z.string(), efHex: z.string() });

export class Lanes {
  private readonly options: LanesOptions;
  private readonly deps: LanesDeps;

  constructor(options: LanesOptions, deps: LanesDeps) {
    this.options = options;
    this.deps = deps;
  }

  /** Sets the alarms, tops up where there is a faucet, and puts the coins in order. To be called now and then. */
  async keepUp(): Promise<void> {
    const { wallet, faucet } = this.deps;
    let free = await wallet.watch();
    if (sumOf(free) < wallet.options.lowSats && faucet !== undefined) {
      await faucet(addressOf(wallet.currentKey(), wallet.options.network), wallet.options.lowSats * 2);
      free = await wallet.free();
    }
    const pending = await this.deps.redis.get(ORDER);
    if (pending !== null) return await this.follow(orderSchema.parse(JSON.parse(pending)));
    // Reserved by a process that died before it stored what to send: nothing was sent.
    if ((await wallet.reservedFor(OWNER)) !== undefined) await wallet.release(OWNER);
    await this.begin(free);
  }

  private async begin(free: readonly OperatorCoin[]): Promise<void> {
    const { lanes, laneSats } = this.options;
    const own = this.deps.wallet.changeScript();
    const foreign = free.filter(({ script }) => script !== own);
    const crumbs = free.filter(({ sats }) => sats < CRUMB_SATS);
    const standing = free.filter(({ sats }) => sats >= laneSats / 2).length;
    const big = free.filter(({ sats }) => sats >= 4 * laneSats).at(-1);
    if (foreign.length > 0) return await this.arrange(foreign.slice(0, MAX_INPUTS), 1);
    if (crumbs.length >= CRUMBS) return await this.arrange(crumbs.slice(0, MAX_INPUTS), 1);
    if (big === undefined || standing >= lanes / 2) return;
    return await this.arrange([big], Math.min(lanes, Math.floor(big.sats / laneSats)));
  }

  /** Spends `coins` into `count` coins of the current key: all but the last of one lane each. */
  private async arrange(coins: readonly OperatorCoin[], count: number): Promise<void> {
    const { wallet, chain, redis, logger } = this.deps;
    const script = wallet.changeScript();
    const size = settlementSize(
      coins.map(() => ({ kind: "operator" as const })),
      Array.from({ length: count }, () => ({ script })),
    );
    const whole = sumOf(coins) - minerFeeOf(size, await chain.feeRate());
    const last = whole - (count - 1) * this.options.laneSats;
    if (last < 1) return; // not worth its fee
    const taken = await wallet.take(OWNER, coins);
    if (taken === undefined) return;
    const outputs = Array.from({ length: count }, (_, at) => ({
      sats: at < count - 1 ? this.options.laneSats : last,
      script,
    }));
    const order = this.signed(taken, outputs);
    await redis.set(ORDER, JSON.stringify(order), "NX");
    logger.info(
      { txid: order.txid, coins: coins.length, into: count },
      "putting the operator's coins in order",
    );
    await chain.broadcast(order);
  }

  private signed(coins: readonly OperatorCoin[], outputs: { sats: number; script: string }[]) {
    const inputs = coins.map((coin) => ({ ...coin, sequence: FINAL_SEQUENCE }));
    const tx: PlainTx = { version: 1, inputs, outputs, locktime: 0 };
    const preimageOf = preimages(tx);
    const unlocking = coins.map(({ script }, at) => {
      const { secret, sign } = this.deps.forScript(script);
      return p2pkhUnlock({
        signature: signPreimage(preimageOf(at), secret, sign),
        publicKey: publicKeyOf(secret),
      });
    });
    const raw = rawTxBytes(tx, unlocking);
    return { txid: txidOf(raw), rawHex: toHex(raw), efHex: toHex(extendedTxBytes(tx, unlocking)) };
  }

  /** The same bytes until they are in a block; then the next may begin. */
  private async follow(order: z.infer<typeof orderSchema>): Promise<void> {
    const { chain, redis, wallet } = this.deps;
    const status = await chain.status(order.txid);
    if (status.state === "mined") {
      if ((await chain.tip()).height - status.height + 1 < FINAL_BLOCKS) return;
      await wallet.spent(OWNER);
      await redis.del(ORDER);
    } else if (status.state !== "seen") await chain.broadcast(order);
  }
}
