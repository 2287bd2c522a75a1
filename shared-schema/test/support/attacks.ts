/**
 * What attacks on an escrow start from: keys, transactions that may and that may not open it, and the dice. FUZZ_SEED
 * repeats a run. Owns no assertion.
 */
import { toHex } from "@meme-rounds/shared-schema/bytes";
import { publicKeyOf } from "@meme-rounds/shared-schema/crypto";
import { entryIdOf, escrowScript } from "@meme-rounds/shared-schema/escrow";
import { hash256 } from "@meme-rounds/shared-schema/hash";
import { p2pkhScript } from "@meme-rounds/shared-schema/lock";
import { FINAL_SEQUENCE, type PlainTx, preimages } from "@meme-rounds/shared-schema/sighash";
import { settleUnlock, signPreimage } from "@meme-rounds/shared-schema/unlock";
import fc from "fast-check";
import { opens as opensAt } from "./interpret.ts";

export const SEED = Number(process.env.FUZZ_SEED ?? Date.now() % 0x7fffffff);

export const opens = (tx: PlainTx, unlocking: string): boolean => opensAt(tx, 0, unlocking);

const keyOf = (fill: number) => {
  const secret = new Uint8Array(32).fill(fill);
  return { secret, publicKey: publicKeyOf(secret) };
};
export const [operator, auditor, player] = [keyOf(1), keyOf(2), keyOf(3)];
export const DEADLINE = 1_800_000_000;
export const scriptFor = (deadline: number): string =>
  escrowScript({
    entryId: entryIdOf("devchain", "main-1799913600"),
    operatorKey: operator.publicKey,
    auditorKey: auditor.publicKey,
    playKey: player.publicKey,
    deadline,
  });
export const SCRIPT = scriptFor(DEADLINE);

export const txOf = (how: {
  locktime: number;
  script?: string;
  sequence?: number;
  sats?: number;
  version?: number;
}): PlainTx => ({
  version: how.version ?? 1,
  inputs: [
    {
      txid: "ab".repeat(32),
      vout: 1,
      sequence: how.sequence ?? FINAL_SEQUENCE - 1,
      sats: 5_000,
      script: how.script ?? SCRIPT,
    },
    {
      txid: "cd".repeat(32),
      vout: 3,
      sequence: FINAL_SEQUENCE,
      sats: 700,
      script: p2pkhScript(player.publicKey),
    },
  ],
  outputs: [{ sats: how.sats ?? 4_000, script: p2pkhScript(player.publicKey) }],
  locktime: how.locktime,
});

export const push = (hex: string): string => {
  const length = hex.length / 2;
  if (length < 0x4c) return toHex(Uint8Array.of(length)) + hex;
  return length <= 0xff
    ? `4c${toHex(Uint8Array.of(length))}${hex}`
    : `4d${toHex(Uint8Array.of(length & 0xff, length >> 8))}${hex}`;
};

/** The script reads the hash as a positive number and adds 1 to its last byte; both ends must allow it. */
const isReadable = (preimage: Uint8Array): boolean => {
  const hash = hash256(preimage);
  return [hash[0], hash[31]].every((byte) => byte !== undefined && byte >= 0x01 && byte <= 0x7e);
};

/** A transaction whose preimage the script can check: what refuses it is then the rule, not the form of a hash. */
export function readable(how: Omit<Parameters<typeof txOf>[0], "sats">): PlainTx {
  for (let sats = 4_000; sats > 3_000; sats--) {
    const tx = txOf({ ...how, sats });
    if (isReadable(preimages(tx)(0))) return tx;
  }
  throw new Error("no amount makes it readable");
}

/** The player's signature over `tx` as it is. */
export const playerSignature = (tx: PlainTx): string => signPreimage(preimages(tx)(0), player.secret);

/** The refund's unlocking script with any preimage; the player's signature is always good. */
export function refundWith(tx: PlainTx, preimage: Uint8Array, signature = playerSignature(tx)): string {
  return `${push(signature)}${push(player.publicKey)}${push(toHex(preimage))}00`;
}

/** What the player would like to do, and may not: the script must say no even to the true preimage. */
export const FORBIDDEN: Record<string, PlainTx> = {
  "a second before": readable({ locktime: DEADLINE - 1 }),
  "without a lock time": readable({ locktime: 0 }),
  "with a block height": readable({ locktime: 950_000 }),
  "with a final sequence": readable({ locktime: DEADLINE, sequence: FINAL_SEQUENCE }),
  "in version 2, early": readable({ locktime: DEADLINE - 1, version: 2 }),
};
export const ALLOWED = readable({ locktime: DEADLINE });
export const TXS = [...Object.values(FORBIDDEN), ALLOWED];

export const settled = (tx: PlainTx): string => {
  const signed = ({ secret, publicKey }: typeof player) => ({
    signature: signPreimage(preimages(tx)(0), secret),
    publicKey,
  });
  return settleUnlock(signed(operator), signed(auditor));
};

/** Runs a property with this run's seed; the failing case is shrunk and named. */
export const fuzz = <T>(runs: number, arbitrary: fc.Arbitrary<T>, holds: (value: T) => boolean): void =>
  fc.assert(fc.property(arbitrary, holds), { seed: SEED, numRuns: runs });
