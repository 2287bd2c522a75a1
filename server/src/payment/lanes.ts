/**
 * Keeping the operator's coins in good order (M7). Owns: splitting a big coin into equal lanes, so that rounds do not
 * wait for each other's change; gathering crumbs and coins of older keys; topping up on the devchain. Does not own:
 * reservations (hot-wallet.ts). One such transaction at a time, in the whole cluster: `mr:wallet:order` holds its bytes,
 * written in one step with the reservation of its coins, before it is sent.
 */
import { toHex } from "@meme-rounds/shared-schema/bytes";
import { addressOf, publicKeyOf } from "@meme-rounds/shared-schema/crypto";
import {
  inputSize,
  minerFeeOf,
  type OperatorCoin,
  settlementSize,
  sumOf,
} from "@meme-rounds/shared-schema/settlement";
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
import { type Redis, runScript, script } from "../infra/redis.ts";
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
const ownerOf = (txid: string): string => `order:${txid}`;
/** So many crumbs together are worth a transaction. */
const CRUMBS = 40;
const MAX_INPUTS = 200;
/** M5: what spends its coins meanwhile hangs on it. */
const FINAL_BLOCKS = 6;

/** KEYS order. ARGV its text. Another process may have ended it and begun the next. */
const END = script(
  "wallet.order.end",
  `if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
   return 1`,
);

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
    const free = await wallet.watch();
    if (faucet !== undefined && sumOf(await wallet.unreserved()) < wallet.options.lowSats)
      await faucet(addressOf(wallet.currentKey(), wallet.options.network), wallet.options.lowSats * 2);
    const pending = await this.deps.redis.get(ORDER);
    if (pending === null) await this.begin(free);
    else await this.follow(pending);
  }

  private async begin(free: readonly OperatorCoin[]): Promise<void> {
    const { lanes, laneSats } = this.options;
    const own = this.deps.wallet.changeScript();
    // Anybody may pay dust to the operator: what costs more than it brings must not stand in the way.
    const cost = minerFeeOf(inputSize("operator"), await this.deps.chain.feeRate());
    const worth = free.filter(({ sats }) => sats > 2 * cost);
    const foreign = worth.filter(({ script }) => script !== own);
    const crumbs = worth.filter(({ sats }) => sats < CRUMB_SATS);
    const standing = free.filter(({ sats }) => sats >= laneSats / 2).length;
    const big = free.filter(({ sats }) => sats >= 4 * laneSats).at(-1);
    if (foreign.length > 0) {
      // Half of them at a time: the others can be spent meanwhile.
      const some = foreign.slice(0, Math.min(MAX_INPUTS, Math.ceil(foreign.length / 2)));
      return await this.arrange(some, Math.min(lanes, Math.max(1, Math.floor(sumOf(some) / laneSats))));
    }
    if (crumbs.length >= CRUMBS) return await this.arrange(crumbs.slice(0, MAX_INPUTS), 1);
    if (big === undefined || standing >= lanes / 2) return;
    return await this.arrange([big], Math.min(lanes, Math.floor(big.sats / laneSats)));
  }

  /** Spends `coins` into `count` coins of the current key: all but the last of one lane each. */
  private async arrange(coins: readonly OperatorCoin[], count: number): Promise<void> {
    const { wallet, chain, logger } = this.deps;
    const script = wallet.changeScript();
    const size = settlementSize(
      coins.map(() => ({ kind: "operator" as const })),
      Array.from({ length: count }, () => ({ script })),
    );
    const whole = sumOf(coins) - minerFeeOf(size, await chain.feeRate());
    const last = whole - (count - 1) * this.options.laneSats;
    if (last < 1) return; // not worth its fee
    const outputs = Array.from({ length: count }, (_, at) => ({
      sats: at < count - 1 ? this.options.laneSats : last,
      script,
    }));
    const order = this.signed(coins, outputs);
    const note = { key: ORDER, text: JSON.stringify(order) };
    if ((await wallet.take(ownerOf(order.txid), coins, note)) === undefined) return; // others were quicker
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

  /** The same bytes until they are in a block for good; then the next may begin. */
  private async follow(pending: string): Promise<void> {
    const { chain, redis, wallet } = this.deps;
    const order = orderSchema.parse(JSON.parse(pending));
    const status = await chain.status(order.txid);
    if (status.state === "mined") {
      if ((await chain.tip()).height - status.height + 1 < FINAL_BLOCKS) return;
      await wallet.spent(ownerOf(order.txid));
      await runScript(redis, END, [ORDER], [pending]);
    } else if (status.state !== "seen") await chain.broadcast(order);
  }
}
