/**
 * Running a transaction's scripts. Owns: handing every input to the SDK's interpreter, and native signature checks in
 * it. Does not own: which coins exist (chain.ts), other checks (validate.ts).
 */
import {
  LockingScript,
  PublicKey,
  Script,
  Spend,
  type TransactionInput,
  type TransactionOutput,
  TransactionSignature,
  UnlockingScript,
} from "@bsv/sdk";
import type { Verifier } from "../../src/infra/ecdsa.ts";
import { createDigests } from "./digest.ts";
import type { WireTx } from "./wire.ts";

/** A coin as the checks need it. */
export interface SpentOutput {
  sats: number;
  script: Uint8Array;
}

export type ScriptVerdict = { ok: true } | { ok: false; input: number; reason: string };

const FAST_SCOPE = 0x41;

type Digests = ReturnType<typeof createDigests>;

/**
 * Lets a native check say yes before the SDK's own is asked, which is a hundred times slower; no is always the SDK's
 * word. An SDK that calls its method otherwise goes on without.
 */
function quicken(spend: Spend, native: Verifier, index: number, sats: number, digest: Digests): void {
  const own: unknown = Reflect.get(spend, "verifySignature");
  if (typeof own !== "function") return;
  const verifySignature = (signature: unknown, key: unknown, code: unknown): boolean => {
    if (
      signature instanceof TransactionSignature &&
      signature.scope === FAST_SCOPE &&
      key instanceof PublicKey &&
      code instanceof Script
    ) {
      const first = digest(index, sats, Uint8Array.from(code.toBinary()));
      const compact = Buffer.from([...signature.r.toArray("be", 32), ...signature.s.toArray("be", 32)]);
      if (native(first, compact.toString("hex"), key.toString())) return true;
    }
    return own.call(spend, signature, key, code) === true;
  };
  Object.defineProperty(spend, "verifySignature", { value: verifySignature });
}

/** Runs every input's scripts; reports the first that fails. `native` may be left out: the verdicts are the same. */
export function runScripts(tx: WireTx, spent: readonly SpentOutput[], native?: Verifier): ScriptVerdict {
  const inputs: TransactionInput[] = tx.inputs.map(({ txid, vout, sequence }) => ({
    sourceTXID: txid,
    sourceOutputIndex: vout,
    sequence,
  }));
  const outputs: TransactionOutput[] = tx.outputs.map(({ sats, script }) => ({
    satoshis: sats,
    lockingScript: LockingScript.fromBinary([...script]),
  }));
  const digest = createDigests(tx);
  for (const [index, input] of tx.inputs.entries()) {
    const source = spent[index];
    if (!source) return { ok: false, input: index, reason: "no source output" };
    try {
      const spend = new Spend({
        sourceTXID: input.txid,
        sourceOutputIndex: input.vout,
        sourceSatoshis: source.sats,
        lockingScript: LockingScript.fromBinary([...source.script]),
        transactionVersion: tx.version,
        otherInputs: inputs.filter((_, other) => other !== index),
        outputs,
        inputIndex: index,
        unlockingScript: UnlockingScript.fromBinary([...input.script]),
        inputSequence: input.sequence,
        lockTime: tx.lockTime,
      });
      if (native) quicken(spend, native, index, source.sats, digest);
      if (!spend.validate()) return { ok: false, input: index, reason: "evaluates to false" };
    } catch (error) {
      const reason = error instanceof Error ? (error.message.split("\n")[0] ?? "") : String(error);
      return { ok: false, input: index, reason };
    }
  }
  return { ok: true };
}
