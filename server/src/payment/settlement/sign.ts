/**
 * From an unsigned plan to the bytes that are sent. Owns: the operator's and the auditor's signatures over a plan,
 * putting them together, and the txids that follow. Does not own: whether a plan should be signed.
 *
 * A payout spends pots of collects, so its signatures need the collects' txids, and those need both signatures of the
 * collects. The operator therefore signs the collects first; the auditor adds its own, knows the txids, and signs
 * everything in one go. Deterministic: the same plan, the same bytes.
 */
import { toHex } from "@meme-rounds/shared-schema/bytes";
import { publicKeyOf } from "@meme-rounds/shared-schema/crypto";
import { p2pkhScript } from "@meme-rounds/shared-schema/lock";
import { type PlannedTx, type SettlementPlan, transactionOf } from "@meme-rounds/shared-schema/settlement";
import {
  extendedTxBytes,
  type PlainTx,
  preimages,
  rawTxBytes,
  txidOf,
} from "@meme-rounds/shared-schema/sighash";
import {
  type DigestSigner,
  type KeySignature,
  p2pkhUnlock,
  settleUnlock,
  signPreimage,
  twoKeyUnlock,
  verifyPreimage,
} from "@meme-rounds/shared-schema/unlock";
import { AuditorRefusal, type Signatures } from "../wire.ts";

export interface SignedTx {
  txid: string;
  rawHex: string;
  /** Extended format: the network need not have our parents at hand. */
  efHex: string;
}

/** A key that signs: its secret, and the signer to use. */
export interface SigningKey {
  secret: Uint8Array;
  sign: DigestSigner;
}

/** All of the operator's keys: the round's own, and those its coins are locked to. */
export interface OperatorKeys {
  round: SigningKey;
  /** For P2PKH scripts (hex) of its coins. Throws when none of its keys fits. */
  forScript(script: string): SigningKey;
}

const needsTwo = (kind: PlannedTx["inputs"][number]["kind"]): boolean => kind !== "operator";

/** One signature per input that takes operator and auditor; null for the operator's own coins. */
function twoKeySignatures(planned: PlannedTx, tx: PlainTx, { secret, sign }: SigningKey): (string | null)[] {
  const preimageOf = preimages(tx);
  return planned.inputs.map(({ kind }, at) =>
    needsTwo(kind) ? signPreimage(preimageOf(at), secret, sign) : null,
  );
}

/** The operator's signatures of the collects, for the auditor; an empty list for every other transaction. */
export const collectSignatures = (plan: SettlementPlan, round: SigningKey): Signatures =>
  plan.txs.map((planned) =>
    planned.kind === "collect" ? twoKeySignatures(planned, transactionOf(planned), round) : [],
  );

const unlockOf = (kind: string, operator: KeySignature, auditor: KeySignature): string =>
  kind === "deposit" ? settleUnlock(operator, auditor) : twoKeyUnlock(operator, auditor);

function given(signature: string | null | undefined, what: string): string {
  if (typeof signature === "string") return signature;
  throw new AuditorRefusal("SIGNATURES_WRONG", `${what} is not signed`);
}

/** Of many signatures the first and last are verified: the network verifies all, and a wrong one moves no money. */
function probe(tx: PlainTx, signatures: readonly (string | null)[], publicKey: string, whose: string): void {
  const signed = signatures.flatMap((signature, at) => (signature === null ? [] : [{ at, signature }]));
  const preimageOf = preimages(tx);
  for (const { at, signature } of new Set([signed.at(0), signed.at(-1)].filter((one) => one !== undefined)))
    if (!verifyPreimage(preimageOf(at), { signature, publicKey }))
      throw new AuditorRefusal("SIGNATURES_WRONG", `${whose} signature of input ${at} does not verify`);
}

export interface Cosigned {
  signatures: Signatures;
  /** Every transaction of the plan with its pots' txids filled in. */
  transactions: PlainTx[];
}

/** M4: the auditor's half of the whole set. Throws AuditorRefusal SIGNATURES_WRONG when the operator's does not fit. */
export function auditorSignatures(
  plan: SettlementPlan,
  operator: { publicKey: string; collectSignatures: Signatures },
  auditor: SigningKey,
): Cosigned {
  const publicKey = publicKeyOf(auditor.secret);
  const txids: (string | undefined)[] = [];
  const transactions: PlainTx[] = [];
  const signatures = plan.txs.map((planned, index) => {
    const tx = transactionOf(planned, txids);
    transactions.push(tx);
    const mine = twoKeySignatures(planned, tx, auditor);
    if (planned.kind !== "collect") return mine;
    const theirs = operator.collectSignatures[index] ?? [];
    probe(tx, theirs, operator.publicKey, "the operator's");
    const unlocking = planned.inputs.map(({ kind }, at) =>
      unlockOf(
        kind,
        { signature: given(theirs[at], `input ${at} of collect ${index}`), publicKey: operator.publicKey },
        { signature: given(mine[at], `input ${at} of collect ${index}`), publicKey },
      ),
    );
    txids[index] = txidOf(rawTxBytes(tx, unlocking));
    return mine;
  });
  return { signatures, transactions };
}

/** The transactions to send, in order. Throws AuditorRefusal when the auditor's half does not fit. */
export function signSettlement(
  plan: SettlementPlan,
  operator: OperatorKeys,
  auditor: { publicKey: string; signatures: Signatures },
): SignedTx[] {
  const txids: string[] = [];
  const operatorKey = publicKeyOf(operator.round.secret);
  return plan.txs.map((planned, index) => {
    const tx = transactionOf(planned, txids);
    const preimageOf = preimages(tx);
    const theirs = auditor.signatures[index] ?? [];
    probe(tx, theirs, auditor.publicKey, "the auditor's");
    const unlocking = planned.inputs.map(({ kind, script }, at) => {
      if (!needsTwo(kind)) {
        const { secret, sign } = operator.forScript(script);
        return p2pkhUnlock({
          signature: signPreimage(preimageOf(at), secret, sign),
          publicKey: publicKeyOf(secret),
        });
      }
      const { secret, sign } = operator.round;
      const mine = { signature: signPreimage(preimageOf(at), secret, sign), publicKey: operatorKey };
      const signature = given(theirs[at], `input ${at} of transaction ${index}`);
      return unlockOf(kind, mine, { signature, publicKey: auditor.publicKey });
    });
    const raw = rawTxBytes(tx, unlocking);
    const txid = txidOf(raw);
    txids.push(txid);
    return { txid, rawHex: toHex(raw), efHex: toHex(extendedTxBytes(tx, unlocking)) };
  });
}

/** The operator's keys as a keystore holds them. `publicKeys` are all generations. */
export function operatorKeys(
  roundKey: string,
  publicKeys: readonly string[],
  secretFor: (publicKey: string) => Uint8Array,
  sign: DigestSigner,
): OperatorKeys {
  const byScript = new Map(publicKeys.map((key) => [p2pkhScript(key), key]));
  return {
    round: { secret: secretFor(roundKey), sign },
    forScript(script) {
      const key = byScript.get(script);
      if (key === undefined) throw new Error("a coin is locked to none of the operator's keys");
      return { secret: secretFor(key), sign };
    },
  };
}
