/**
 * From an unsigned plan to the bytes that are sent. Owns: the operator's and the auditor's signatures over a plan and
 * putting them together. Does not own: whether a plan should be signed. Deterministic: the same plan, the same txid.
 */
import { toHex } from "@meme-rounds/shared-schema/bytes";
import { publicKeyOf } from "@meme-rounds/shared-schema/crypto";
import { type SettlementPlan, transactionOf } from "@meme-rounds/shared-schema/settlement";
import { extendedTxBytes, preimages, rawTxBytes, txidOf } from "@meme-rounds/shared-schema/sighash";
import {
  p2pkhUnlock,
  settleUnlock,
  signPreimage,
  twoKeyUnlock,
  verifyPreimage,
} from "@meme-rounds/shared-schema/unlock";
import { AuditorRefusal, type Signatures } from "../wire.ts";

export interface SignedSettlement {
  txid: string;
  rawHex: string;
  /** Extended format: the network need not have our parents at hand. */
  efHex: string;
}

/** M4: the auditor's half: one signature per deposit and carry, null for the operator's own coins. */
export function auditorSignatures(plan: SettlementPlan, secret: Uint8Array): Signatures {
  const preimageOf = preimages(transactionOf(plan));
  return plan.inputs.map((input, at) =>
    input.kind === "operator" ? null : signPreimage(preimageOf(at), secret),
  );
}

/**
 * The whole transaction. Throws AuditorRefusal when the auditor's half does not fit; of its signatures the first and
 * last are verified, since the network verifies all and a wrong one costs nothing but time.
 */
export function signSettlement(
  plan: SettlementPlan,
  operatorSecret: Uint8Array,
  auditor: { publicKey: string; signatures: Signatures },
): SignedSettlement {
  const tx = transactionOf(plan);
  const preimageOf = preimages(tx);
  const operatorKey = publicKeyOf(operatorSecret);
  const signed = plan.inputs.flatMap((input, at) => (input.kind === "operator" ? [] : [at]));
  const probes = new Set([signed[0], signed.at(-1)]);
  const unlocking = plan.inputs.map((input, at) => {
    const preimage = preimageOf(at);
    const operator = { signature: signPreimage(preimage, operatorSecret), publicKey: operatorKey };
    if (input.kind === "operator") return p2pkhUnlock(operator);
    const signature = auditor.signatures[at];
    if (typeof signature !== "string")
      throw new AuditorRefusal("UNAVAILABLE", `the auditor left input ${at} unsigned`);
    const cosigner = { signature, publicKey: auditor.publicKey };
    if (probes.has(at) && !verifyPreimage(preimage, cosigner))
      throw new AuditorRefusal("UNAVAILABLE", `the auditor's signature of input ${at} does not verify`);
    return input.kind === "deposit" ? settleUnlock(operator, cosigner) : twoKeyUnlock(operator, cosigner);
  });
  const raw = rawTxBytes(tx, unlocking);
  return { txid: txidOf(raw), rawHex: toHex(raw), efHex: toHex(extendedTxBytes(tx, unlocking)) };
}
