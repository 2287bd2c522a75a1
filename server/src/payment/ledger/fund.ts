/**
 * Paying for the ledger's transactions. Owns: reserving coins of the hot wallet until they cover the fee. Does not own:
 * the wallet, or what is built. Nothing was stored or sent yet while coins are exchanged for others here.
 */
import type { OperatorCoin } from "@meme-rounds/shared-schema/settlement";
import type { HotWallet } from "../hot-wallet.ts";
import { type BuiltTx, isShort, type Short } from "./build.ts";

const TRIES = 8;

/**
 * Builds with coins reserved for `owner`: those it had before, where they still cover the fee. Throws FloatEmpty.
 */
export async function fund(
  wallet: Pick<HotWallet, "reserve" | "release">,
  owner: string,
  make: (coins: readonly OperatorCoin[]) => BuiltTx | Short,
): Promise<BuiltTx> {
  const free = make([]);
  if (!isShort(free)) throw new Error(`${owner} would cost nothing`);
  // One input more than none: what it weighs shows in the next try.
  let want = free.missing;
  for (let tries = TRIES; tries > 0; tries--) {
    const coins = await wallet.reserve(owner, want);
    const made = make(coins);
    if (!isShort(made)) return made;
    await wallet.release(owner);
    want = coins.reduce((sum, { sats }) => sum + sats, 0) + made.missing;
  }
  throw new Error(`no coins cover ${owner}`);
}
