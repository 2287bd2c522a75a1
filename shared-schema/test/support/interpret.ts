/** Runs the script interpreter over one input of a plain transaction. Owns no assertion. */
import { LockingScript, Spend, UnlockingScript } from "@bsv/sdk";
import type { PlainTx } from "../../src/sighash.ts";

/** True when `unlocking` (hex) opens input `index`; a script that throws does not. */
export function opens(tx: PlainTx, index: number, unlocking: string): boolean {
  const input = tx.inputs[index];
  if (input === undefined) throw new RangeError(`no input ${index}`);
  const spend = new Spend({
    sourceTXID: input.txid,
    sourceOutputIndex: input.vout,
    sourceSatoshis: input.sats,
    lockingScript: LockingScript.fromHex(input.script),
    transactionVersion: tx.version,
    otherInputs: tx.inputs
      .filter((_, at) => at !== index)
      .map((one) => ({
        sourceTXID: one.txid,
        sourceOutputIndex: one.vout,
        sequence: one.sequence,
      })),
    outputs: tx.outputs.map((one) => ({
      satoshis: one.sats,
      lockingScript: LockingScript.fromHex(one.script),
    })),
    inputIndex: index,
    unlockingScript: UnlockingScript.fromHex(unlocking),
    inputSequence: input.sequence,
    lockTime: tx.locktime,
  });
  try {
    return spend.validate();
  } catch {
    return false;
  }
}
