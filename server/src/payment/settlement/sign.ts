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
import { keyHash, keyHashesOf } from "@meme-rounds/shared-schema/lock";
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
  /** For scripts (hex) of its own coins and of carries: keys rotate (M7). Throws when none of its keys fits. */
  forScript(script: string): SigningKey;
}

/** The key that a lock (script, hex) asks for. */
type ForScript = (script: string) => SigningKey;

const needsTwo = (kind: PlannedTx["inputs"][number]["kind"]): boolean => kind !== "operator";

/** One signature per input that takes operator and auditor; null for the operator's own coins. */
function twoKeySignatures(planned: PlannedTx, tx: PlainTx, forScript: ForScript): (string | null)[] {
  const preimageOf = preimages(tx);
  return planned.inputs.map(({ kind, script }, at) => {
    if (!needsTwo(kind)) return null;
    const { secret, sign } = forScript(script);
    return signPreimage(preimageOf(at), secret, sign);
  });
}

/** The operator's signatures of the collects, for the auditor; an empty list for every other transaction. */
export const collectSignatures = (plan: SettlementPlan, round: SigningKey): Signatures =>
  plan.txs.map((planned) =>
    planned.kind === "collect" ? twoKeySignatures(planned, transactionOf(planned), () => round) : [],
  );

const unlockOf = (kind: string, operator: KeySignature, auditor: KeySignature): string =>
  kind === "deposit" ? settleUnlock(operator, auditor) : twoKeyUnlock(operator, auditor);

function given(signature: string | null | undefined, what: string): string {
  if (typeof signature === "string") return signature;
  throw new AuditorRefusal("SIGNATURES_WRONG", `${what} is not signed`);
}

/** Of many signatures the first and last are verified: the network verifies all, and a wrong one moves no money. */
function probe(
  tx: PlainTx,
  signatures: readonly (string | null)[],
  keyAt: (at: number) => string,
  whose: string,
): void {
  const signed = signatures.flatMap((signature, at) => (signature === null ? [] : [{ at, signature }]));
  const preimageOf = preimages(tx);
  for (const { at, signature } of new Set([signed.at(0), signed.at(-1)].filter((one) => one !== undefined)))
    if (!verifyPreimage(preimageOf(at), { signature, publicKey: keyAt(at) }))
      throw new AuditorRefusal("SIGNATURES_WRONG", `${whose} signature of input ${at} does not verify`);
}

export interface Cosigned {
  signatures: Signatures;
  /** Every transaction of the plan with its pots' txids filled in. */
  transactions: PlainTx[];
}

/**
 * M4: the auditor's half of the whole set. `forScript` finds the key of each lock where the auditor has had more than
 * one; `mined` are txids of transactions that are in a block in another form than ours, by index. Throws AuditorRefusal
 * SIGNATURES_WRONG when the operator's half does not fit.
 */
export function auditorSignatures(
  plan: SettlementPlan,
  operator: { publicKey: string; collectSignatures: Signatures },
  auditor: SigningKey,
  forScript: ForScript = () => auditor,
  mined: ReadonlyMap<number, string> = new Map(),
): Cosigned {
  const publicKeys = new Map<SigningKey, string>();
  const publicOf = (script: string): string => {
    const key = forScript(script);
    const had = publicKeys.get(key) ?? publicKeyOf(key.secret);
    publicKeys.set(key, had);
    return had;
  };
  const txids: (string | undefined)[] = [];
  const transactions: PlainTx[] = [];
  const signatures = plan.txs.map((planned, index) => {
    const tx = transactionOf(planned, txids);
    transactions.push(tx);
    const mine = twoKeySignatures(planned, tx, forScript);
    txids[index] = mined.get(index);
    if (planned.kind !== "collect" || txids[index] !== undefined) return mine;
    const theirs = operator.collectSignatures[index] ?? [];
    probe(tx, theirs, () => operator.publicKey, "the operator's");
    const unlocking = planned.inputs.map(({ kind, script }, at) =>
      unlockOf(
        kind,
        { signature: given(theirs[at], `input ${at} of collect ${index}`), publicKey: operator.publicKey },
        { signature: given(mine[at], `input ${at} of collect ${index}`), publicKey: publicOf(script) },
      ),
    );
    txids[index] = txidOf(rawTxBytes(tx, unlocking));
    return mine;
  });
  return { signatures, transactions };
}

/**
 * The transactions to send, in order. `ofCarry` gives the auditor's key in carries of older keys; its key of this round
 * by default. Of `mined`, which are in a block in another form than ours, the bytes stay as they are. Throws
 * AuditorRefusal when the auditor's half does not fit.
 */
export function signSettlement(
  plan: SettlementPlan,
  operator: OperatorKeys,
  auditor: { publicKey: string; signatures: Signatures; ofCarry?: (roundId: string) => string },
  mined: ReadonlyMap<number, SignedTx> = new Map(),
): SignedTx[] {
  const txids: string[] = [];
  const operatorKey = publicKeyOf(operator.round.secret);
  return plan.txs.map((planned, index) => {
    const twin = mined.get(index);
    if (twin !== undefined) {
      txids.push(twin.txid);
      return twin;
    }
    const tx = transactionOf(planned, txids);
    const preimageOf = preimages(tx);
    const theirs = auditor.signatures[index] ?? [];
    const auditorKeyAt = (at: number): string => {
      const input = planned.inputs[at];
      const older = input?.kind === "carry" ? auditor.ofCarry?.(input.roundId) : undefined;
      return older ?? auditor.publicKey;
    };
    probe(tx, theirs, auditorKeyAt, "the auditor's");
    const unlocking = planned.inputs.map(({ kind, script }, at) => {
      const isRounds = kind === "deposit" || kind === "pot";
      const { secret, sign } = isRounds ? operator.round : operator.forScript(script);
      const publicKey = isRounds ? operatorKey : publicKeyOf(secret);
      const mine = { signature: signPreimage(preimageOf(at), secret, sign), publicKey };
      if (!needsTwo(kind)) return p2pkhUnlock(mine);
      const signature = given(theirs[at], `input ${at} of transaction ${index}`);
      return unlockOf(kind, mine, { signature, publicKey: auditorKeyAt(at) });
    });
    const raw = rawTxBytes(tx, unlocking);
    const txid = txidOf(raw);
    txids.push(txid);
    return { txid, rawHex: toHex(raw), efHex: toHex(extendedTxBytes(tx, unlocking)) };
  });
}

/** The key of a lock among all generations of a keystore's key; each is made once. Throws when none fits. */
export function keyByScript(
  whose: "operator" | "auditor",
  publicKeys: readonly string[],
  secretFor: (publicKey: string) => Uint8Array,
  sign: DigestSigner,
): ForScript {
  const byHash = new Map(publicKeys.map((key) => [keyHash(key), { secret: secretFor(key), sign }]));
  return (script) => {
    const key = byHash.get(keyHashesOf(script)?.[whose] ?? "");
    if (key === undefined) throw new Error(`a coin is locked to none of the ${whose}'s keys`);
    return key;
  };
}

/** The operator's keys as a keystore holds them. `publicKeys` are all generations. */
export const operatorKeys = (
  roundKey: string,
  publicKeys: readonly string[],
  secretFor: (publicKey: string) => Uint8Array,
  sign: DigestSigner,
): OperatorKeys => ({
  round: { secret: secretFor(roundKey), sign },
  forScript: keyByScript("operator", publicKeys, secretFor, sign),
});
