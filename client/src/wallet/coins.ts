/**
 * The play wallet's coins. Owns: which coins can be spent now, choosing some for a payment, the fee of it. Pure.
 * Does not own: building a transaction (deposit.ts), asking the network, storing what was spent.
 */
import { varIntSize } from "@meme-rounds/shared-schema/sighash";
import { UNLOCK_BYTES } from "@meme-rounds/shared-schema/unlock";

export interface Coin {
  txid: string;
  vout: number;
  /** sat. */
  sats: number;
}

/** What this browser did that the network's listing may not show yet. */
export interface CoinNotes {
  /** outpoint -> when it was spent, ms. */
  spent: Record<string, number>;
  change: (Coin & { at: number })[];
}

export interface Selection {
  coins: Coin[];
  /** sat; 0: no change output. */
  change: number;
  /** sat. */
  fee: number;
}

/** The server takes a deposit of at most 100 inputs. */
const MAX_INPUTS = 100;
/** Inputs of a payment that empties the wallet: about 75 kB, well below what the server passes on. */
const MAX_SWEEP_INPUTS = 500;
/** What a listing does not show after this is believed, ms. */
const NOTE_MS = 10 * 60_000;
const P2PKH_BYTES = 25;

export const outpointOf = (coin: Pick<Coin, "txid" | "vout">): string => `${coin.txid}:${coin.vout}`;
export const sumOf = (coins: readonly { sats: number }[]): number =>
  coins.reduce((sum, { sats }) => sum + sats, 0);

/** M8: no rate above this is believed, whoever names it: a wrong one would give the player's coins to miners. */
const MAX_SAT_PER_KB = 500;

/** Miner fee in sat of so many bytes at sat/KB, rounded up (M8). */
export const feeOf = (bytes: number, satPerKb: number): number =>
  Math.ceil((bytes * Math.min(MAX_SAT_PER_KB, Math.max(1, satPerKb))) / 1000);

const outputSize = (scriptBytes: number): number => 8 + varIntSize(scriptBytes) + scriptBytes;

/** Bytes, at worst, of a transaction of P2PKH inputs. `scripts`: bytes of each output's script. */
function txSize(inputs: number, scripts: readonly number[]): number {
  const input = 40 + varIntSize(UNLOCK_BYTES.p2pkh) + UNLOCK_BYTES.p2pkh;
  const outputs = scripts.reduce((sum, bytes) => sum + outputSize(bytes), 0);
  return 8 + varIntSize(inputs) + inputs * input + varIntSize(scripts.length) + outputs;
}

/** Listed coins and own change, without what was spent here. */
export function spendable(listed: readonly Coin[], notes: CoinNotes): Coin[] {
  const all = new Map<string, Coin>();
  for (const { txid, vout, sats } of [...notes.change, ...listed])
    all.set(`${txid}:${vout}`, { txid, vout, sats });
  return [...all].filter(([outpoint]) => notes.spent[outpoint] === undefined).map(([, coin]) => coin);
}

/** Forgets notes that the listing now agrees with or has outlived. `now` in ms. */
export function prune(listed: readonly Coin[], notes: CoinNotes, now: number): CoinNotes {
  const seen = new Set(listed.map(outpointOf));
  const fresh = (at: number): boolean => now - at < NOTE_MS;
  return {
    spent: Object.fromEntries(Object.entries(notes.spent).filter(([, at]) => fresh(at))),
    change: notes.change.filter((coin) => fresh(coin.at) && !seen.has(outpointOf(coin))),
  };
}

/** Notes after a transaction of ours; `change` absent when it has none. */
export function noteSpent(
  notes: CoinNotes,
  spent: readonly Coin[],
  change: Coin | undefined,
  now: number,
): CoinNotes {
  return {
    spent: { ...notes.spent, ...Object.fromEntries(spent.map((coin) => [outpointOf(coin), now])) },
    change: change === undefined ? notes.change : [...notes.change, { ...change, at: now }],
  };
}

/** Notes after a transaction of ours that the network refused: its coins are back, its change never was. */
export function noteRefused(notes: CoinNotes, spent: readonly string[], txid: string): CoinNotes {
  return {
    spent: Object.fromEntries(Object.entries(notes.spent).filter(([outpoint]) => !spent.includes(outpoint))),
    change: notes.change.filter((coin) => coin.txid !== txid),
  };
}

/**
 * Coins for a payment of `sats` into a script of `scriptBytes` plus the fee: the smallest single coin that suffices,
 * else the largest first, as few as possible. Change that would cost more to spend than it holds goes to the miners.
 * undefined when the coins do not suffice.
 */
export function selectCoins(
  coins: readonly Coin[],
  wanted: { sats: number; scriptBytes: number; satPerKb: number },
): Selection | undefined {
  const { sats, scriptBytes, satPerKb } = wanted;
  const settle = (chosen: Coin[]): Selection | undefined => {
    const total = sumOf(chosen);
    const bare = feeOf(txSize(chosen.length, [scriptBytes]), satPerKb);
    if (total < sats + bare) return undefined;
    const fee = feeOf(txSize(chosen.length, [scriptBytes, P2PKH_BYTES]), satPerKb);
    const change = total - sats - fee;
    const costToSpend = feeOf(40 + 1 + UNLOCK_BYTES.p2pkh, satPerKb);
    return change > costToSpend
      ? { coins: chosen, change, fee }
      : { coins: chosen, change: 0, fee: total - sats };
  };
  const bySize = [...coins].sort((a, b) => a.sats - b.sats || (outpointOf(a) < outpointOf(b) ? -1 : 1));
  for (const coin of bySize) {
    const alone = coin.sats >= sats ? settle([coin]) : undefined;
    if (alone !== undefined) return alone;
  }
  const chosen: Coin[] = [];
  for (const coin of bySize.reverse().slice(0, MAX_INPUTS)) {
    chosen.push(coin);
    const selection = sumOf(chosen) >= sats ? settle([...chosen]) : undefined;
    if (selection !== undefined) return selection;
  }
  return undefined;
}

/**
 * All coins into one script of `scriptBytes`, at most the 500 largest; those that cost more to spend than they hold
 * stay. undefined when nothing would arrive. The sum that arrives is what the coins hold, less `fee`.
 */
export function selectSweep(
  coins: readonly Coin[],
  wanted: { scriptBytes: number; satPerKb: number },
): Selection | undefined {
  const { scriptBytes, satPerKb } = wanted;
  const costToSpend = feeOf(40 + 1 + UNLOCK_BYTES.p2pkh, satPerKb);
  const chosen = coins
    .filter(({ sats }) => sats > costToSpend)
    .sort((a, b) => b.sats - a.sats || (outpointOf(a) < outpointOf(b) ? -1 : 1))
    .slice(0, MAX_SWEEP_INPUTS);
  const fee = feeOf(txSize(chosen.length, [scriptBytes]), satPerKb);
  return sumOf(chosen) > fee ? { coins: chosen, change: 0, fee } : undefined;
}
