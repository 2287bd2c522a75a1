/**
 * Where the players' coins come from. Owns: one key fed by the faucet, and transactions that give each player coins of
 * its own, mined before anybody plays. Does not own: what the coins are spent on.
 */
import { toHex } from "@meme-rounds/shared-schema/bytes";
import { addressOf, publicKeyOf } from "@meme-rounds/shared-schema/crypto";
import { p2pkhScript } from "@meme-rounds/shared-schema/lock";
import type { Coin } from "@meme-rounds/shared-schema/settlement";
import {
  FINAL_SEQUENCE,
  type PlainTx,
  preimages,
  rawTxBytes,
  txidOf,
} from "@meme-rounds/shared-schema/sighash";
import { p2pkhUnlock, signPreimage } from "@meme-rounds/shared-schema/unlock";
import type { DevchainView } from "./chain-view.ts";

const FEE_SAT_PER_KB = 100;
const OUTPUTS = 1_000;

/** Signs a transaction whose inputs are all P2PKH coins of one key. */
export function signOwn(tx: PlainTx, secret: Uint8Array): { txid: string; rawHex: string } {
  const publicKey = publicKeyOf(secret);
  const preimageOf = preimages(tx);
  const raw = rawTxBytes(
    tx,
    tx.inputs.map((_, at) => p2pkhUnlock({ signature: signPreimage(preimageOf(at), secret), publicKey })),
  );
  return { txid: txidOf(raw), rawHex: toHex(raw) };
}

/** Makes a mined coin for every wish; the answer has them in the same order. `sats` each. */
export async function giveCoins(
  wishes: readonly { playKey: string; sats: number }[],
  secret: Uint8Array,
  chain: DevchainView,
): Promise<Coin[]> {
  const bank = publicKeyOf(secret);
  const script = p2pkhScript(bank);
  const coins: Coin[] = [];
  for (let from = 0; from < wishes.length; from += OUTPUTS) {
    const part = wishes.slice(from, from + OUTPUTS);
    const fee = Math.ceil(((200 + 34 * part.length) * FEE_SAT_PER_KB) / 1000);
    const total = part.reduce((sum, { sats }) => sum + sats, fee);
    const funds = await chain.faucet(addressOf(bank, "devchain"), total);
    const { txid, rawHex } = signOwn(
      {
        version: 1,
        inputs: [{ txid: funds.txid, vout: funds.vout, sequence: FINAL_SEQUENCE, sats: total, script }],
        outputs: part.map(({ playKey, sats }) => ({ sats, script: p2pkhScript(playKey) })),
        locktime: 0,
      },
      secret,
    );
    await chain.broadcast(rawHex);
    coins.push(...part.map(({ sats }, vout) => ({ txid, vout, sats })));
  }
  await chain.mine();
  return coins;
}
