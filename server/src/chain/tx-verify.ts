/**
 * Script interpretation of a whole transaction. Owns: running every input through the interpreter. Does not own:
 * finality, fee, double spends: those need the chain.
 */
import { type LockingScript, Spend, type Transaction, type TransactionInput } from "@bsv/sdk";

/** The output an input spends. */
export interface SourceOutput {
  /** Satoshis. */
  satoshis: number;
  lockingScript: LockingScript;
}

export type ScriptVerdict = { ok: true } | { ok: false; input: number; reason: string };

/** The source output that the SDK's own input carries, when it carries its parent. */
const carriedSource = (input: TransactionInput): SourceOutput | undefined => {
  const output = input.sourceTransaction?.outputs[input.sourceOutputIndex];
  return output?.satoshis === undefined
    ? undefined
    : { satoshis: output.satoshis, lockingScript: output.lockingScript };
};

/**
 * Runs all inputs' scripts, each against the output that `sourceOf` gives (by default the parent the input carries).
 * Reports the first input that fails, or whose source is missing. Never throws for the transaction's sake.
 */
export function verifyInputScripts(
  tx: Transaction,
  sourceOf: (input: TransactionInput, index: number) => SourceOutput | undefined = carriedSource,
): ScriptVerdict {
  if (tx.inputs.length === 0) return { ok: false, input: 0, reason: "no inputs" };
  for (const [index, input] of tx.inputs.entries()) {
    const fail = (reason: string): ScriptVerdict => ({ ok: false, input: index, reason });
    const source = sourceOf(input, index);
    const sourceTXID = input.sourceTXID ?? input.sourceTransaction?.id("hex");
    if (!source || sourceTXID === undefined) return fail("the output it spends is not known");
    if (!input.unlockingScript) return fail("not signed");
    try {
      const spend = new Spend({
        sourceTXID,
        sourceOutputIndex: input.sourceOutputIndex,
        sourceSatoshis: source.satoshis,
        lockingScript: source.lockingScript,
        transactionVersion: tx.version,
        otherInputs: tx.inputs.filter((_, other) => other !== index),
        outputs: tx.outputs,
        inputIndex: index,
        unlockingScript: input.unlockingScript,
        inputSequence: input.sequence ?? 0xffffffff,
        lockTime: tx.lockTime,
      });
      if (!spend.validate()) return fail("evaluates to false");
    } catch (error) {
      return fail(error instanceof Error ? (error.message.split("\n")[0] ?? "") : String(error));
    }
  }
  return { ok: true };
}
