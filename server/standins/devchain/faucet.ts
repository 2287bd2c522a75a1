/**
 * The devchain's money. Owns: what a coinbase pays, and payments from the faucet. Does not own: judging and mining them.
 *
 * The first block's coinbase holds the faucet's coins, which anybody can spend and which count as mature at once, as a
 * chain's genesis is an exception. Every later reward is nobody's, so that no coinbase maturity needs to be kept.
 */
import type { Coins } from "./coins.ts";
import { readTx, scriptHashOf, type WireOutput, type WireTx, writeTx } from "./wire.ts";

/** Anybody can spend this script: the faucet's coins are locked by it, so that a faucet payment is valid like any other. */
const ANYONE = Uint8Array.of(0x51);
const ANYONE_HASH = scriptHashOf(ANYONE);
const NOBODY = Buffer.from(`76a914${"00".repeat(20)}88ac`, "hex");
const FAUCET_COINS = 64;
const FAUCET_COIN_SATS = 1_000_000_000_000;
const BLOCK_REWARD_SATS = 312_500_000;
/** A faucet payment has one input and two outputs; its size is below this many bytes for any address. */
const FAUCET_TX_BYTES = 200;
const FINAL_SEQUENCE = 0xffffffff;

/** The coinbase of a block at `height`; `minted` (blocks ever made) makes it unlike any other. */
export function coinbaseTx(height: number, minted: number): WireTx {
  const script = Buffer.alloc(10);
  script.writeUInt8(4, 0);
  script.writeUInt32LE(height, 1);
  script.writeUInt8(4, 5);
  script.writeUInt32LE(minted, 6);
  const reward: WireOutput = { sats: BLOCK_REWARD_SATS, script: NOBODY };
  const faucet = Array.from({ length: FAUCET_COINS }, () => ({ sats: FAUCET_COIN_SATS, script: ANYONE }));
  return readTx(
    writeTx({
      version: 1,
      inputs: [{ txid: "00".repeat(32), vout: 0xffffffff, script, sequence: FINAL_SEQUENCE }],
      outputs: height === 0 ? faucet : [reward],
      lockTime: 0,
    }),
  );
}

/**
 * A payment of `sats` to `script` from each faucet coin that is large enough, the longest unused first: a node may refuse
 * one whose chain of unmined transactions is too long. Throws RangeError for an amount the faucet cannot give.
 */
export function* faucetPayments(
  coins: Coins,
  script: Uint8Array,
  sats: number,
  feeSatPerKb: number,
): Generator<Uint8Array> {
  const most = FAUCET_COIN_SATS / 100;
  if (!Number.isInteger(sats) || sats < 1 || sats > most) throw new RangeError(`sats must be 1 to ${most}`);
  const fee = Math.ceil((FAUCET_TX_BYTES * feeSatPerKb) / 1000);
  for (const coin of [...coins.unspentOf(ANYONE_HASH)]) {
    const change = coin.sats - sats - fee;
    if (change < 1) continue;
    const input = { txid: coin.txid, vout: coin.vout, script: new Uint8Array(0), sequence: FINAL_SEQUENCE };
    const outputs = [
      { sats, script },
      { sats: change, script: ANYONE },
    ];
    yield writeTx({ version: 1, inputs: [input], outputs, lockTime: 0 });
  }
}
