/**
 * Taking a deposit back alone (M2, M9). Owns: which output of a deposit is the escrow, what became of it, when it opens,
 * the refund transaction. Does not own: the network, files, words for people. Pure: command line and browser run it.
 */
import { toHex } from "./bytes.ts";
import { publicKeyOf } from "./crypto.ts";
import { type EscrowTerms, escrowScript } from "./escrow.ts";
import { extendedTxBytes, FINAL_SEQUENCE, type PlainTx, rawTxBytes, txidOf, varIntSize } from "./sighash.ts";
import { pushesOf, readRawTx } from "./tx-read.ts";
import { refundUnlock } from "./unlock.ts";

/** What a wallet keeps of a deposit. */
export interface KeptDeposit {
  roundId: string;
  txid: string;
  /** Raw transaction, hex. */
  tx: string;
  escrow: EscrowTerms;
}

/** The escrow output of a deposit. */
export interface EscrowCoin {
  txid: string;
  vout: number;
  /** sat. */
  sats: number;
  /** Locking script, hex. */
  script: string;
  /** Earliest refund, unix s. */
  deadline: number;
}

/** M8. */
const RATES = { least: 1, most: 500 };

/** sat/KB within 1..500. */
export const clampRate = (satPerKb: number): number => Math.min(RATES.most, Math.max(RATES.least, satPerKb));

/** The escrow in a kept deposit, made anew from its terms; a string says why there is none in it. */
export function escrowCoinOf(deposit: KeptDeposit): EscrowCoin | string {
  const tx = readRawTx(deposit.tx);
  if (tx === undefined) return "the deposit's transaction cannot be read";
  if (tx.txid !== deposit.txid) return "the deposit's transaction has another txid than it is said to have";
  let script: string;
  try {
    script = escrowScript(deposit.escrow);
  } catch (error) {
    if (error instanceof Error) return `the deposit's terms cannot be right: ${error.message}`;
    throw error;
  }
  const vout = tx.outputs.findIndex((output) => output.script === script);
  const sats = tx.outputs[vout]?.sats;
  if (sats === undefined) return "no output of the deposit's transaction is locked by its terms";
  return { txid: tx.txid, vout, sats, script, deadline: deposit.escrow.deadline };
}

/**
 * What a transaction did with an escrow it spends (raw hex): `settled` by operator and auditor, `refunded` by the
 * player. undefined when it does not spend it, or in neither way.
 */
export function spendingOf(coin: EscrowCoin, spenderHex: string): "settled" | "refunded" | undefined {
  const input = readRawTx(spenderHex)?.inputs.find(
    ({ txid, vout }) => txid === coin.txid && vout === coin.vout,
  );
  if (input === undefined) return undefined;
  const pushes = pushesOf(input.unlocking) ?? [];
  if (pushes.length === 5 && pushes[4] === "01") return "settled";
  return pushes.length === 4 && pushes[3] === "" ? "refunded" : undefined;
}

/** A transaction with this lock time is taken into a block only when the median time past is later, unix s. */
export const isOpen = (coin: EscrowCoin, mtp: number): boolean => mtp > coin.deadline;

export interface Refund {
  txid: string;
  rawHex: string;
  /** With what it spends, for broadcasters that do not look it up. */
  efHex: string;
  /** sat that arrive. */
  sats: number;
  /** sat. */
  fee: number;
}

/** signature, key, preimage (header, script, tail) and the branch number, each with its push. */
const refundUnlockBytes = (scriptBytes: number): number =>
  1 + 73 + 1 + 33 + 3 + 4 + 32 + 32 + 36 + varIntSize(scriptBytes) + scriptBytes + 8 + 4 + 32 + 4 + 4 + 1;

/**
 * The refund of an escrow to `toScript` (hex), signed. Deterministic: the same arguments give the same txid. Whether the
 * network takes it yet is isOpen's to say. Returns undefined when the fee would eat it all. Throws a RangeError when the
 * secret is not the escrow's.
 */
export function buildRefund(
  coin: EscrowCoin,
  playKey: string,
  how: { secret: Uint8Array; toScript: string; satPerKb: number },
): Refund | undefined {
  const { secret, toScript } = how;
  if (publicKeyOf(secret) !== playKey) throw new RangeError("the deposit is another key's");
  const unlock = refundUnlockBytes(coin.script.length / 2);
  const bytes = 10 + 40 + varIntSize(unlock) + unlock + 9 + toScript.length / 2;
  const fee = Math.ceil((bytes * clampRate(how.satPerKb)) / 1000);
  const sats = coin.sats - fee;
  if (sats <= 0) return undefined;
  const { txid, vout, script } = coin;
  const plain: PlainTx = {
    version: 1,
    inputs: [{ txid, vout, sats: coin.sats, script, sequence: FINAL_SEQUENCE - 1 }],
    outputs: [{ sats, script: toScript }],
    locktime: coin.deadline,
  };
  const { tx, unlocking } = refundUnlock(plain, 0, { secret, publicKey: playKey });
  const raw = rawTxBytes(tx, [unlocking]);
  return {
    txid: txidOf(raw),
    rawHex: toHex(raw),
    efHex: toHex(extendedTxBytes(tx, [unlocking])),
    sats,
    fee,
  };
}
