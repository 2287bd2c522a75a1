/**
 * The escrow lock of a deposit (M2, protocol.md 8). Owns: its exact bytes, reading them back, entryId.
 * Does not own: spending it (unlock.ts) or judging a deposit (the payment service). Bytes only, no SDK.
 */
import { fromHex, toHex, utf8 } from "./bytes.ts";
import { sha256 } from "./hash.ts";
import { keyHash } from "./lock.ts";
import type { Network } from "./records.ts";

export interface EscrowTerms {
  /** 16 bytes, hex; see entryIdOf. */
  entryId: string;
  /** Compressed keys, hex. */
  operatorKey: string;
  auditorKey: string;
  playKey: string;
  /** Earliest refund, unix s. */
  deadline: number;
}

/** What the bytes of an escrow say: keys only as their hash160. */
export interface ParsedEscrow {
  entryId: string;
  operatorHash: string;
  auditorHash: string;
  playHash: string;
  /** unix s. */
  deadline: number;
}

/** Below this a lock time is a block height: any unix time would pass the comparison at once. */
const FIRST_UNIX_LOCKTIME = 500_000_000;
const LAST_LOCKTIME = 0xffffffff;

/** r = Gx makes the nonce 1, and this key (1/r mod n) turns the signature of z into s = z + 1: OP_PUSH_TX. */
const PUSH_TX_PREFIX = "3044022079be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f817980220";
const PUSH_TX_KEY = "038ff83d8cf12121491609c4939dc11c4aa35503508fe432dc5a5c1905608b9218";

/** The preimage on top of the stack is the one of this very input. */
const CHECK_PREIMAGE = `76aa011f7f8b7e26${PUSH_TX_PREFIX}7c7e01417e21${PUSH_TX_KEY}ad`;
/** The input is not final, or the network would not look at the lock time. */
const CHECK_SEQUENCE = "82012c947f77547f7c04ffffffff879169";
const LOCKTIME_AS_NUMBER = "01207f77547f7501007e81";

/** entryId of a round: sha256("MRE1" | network | roundId)[0..16], hex (protocol.md 1). */
export const entryIdOf = (network: Network, roundId: string): string =>
  toHex(sha256(utf8(`MRE1${network}${roundId}`)).slice(0, 16));

/** Push of a positive number as a minimal script number: 4 bytes until 2038, 5 from then on. */
function pushNumber(value: number): string {
  const bytes: number[] = [];
  for (let rest = value; rest > 0; rest = Math.floor(rest / 256)) bytes.push(rest % 256);
  if ((bytes.at(-1) ?? 0) >= 0x80) bytes.push(0);
  return toHex(Uint8Array.from([bytes.length, ...bytes]));
}

function assemble(parsed: ParsedEscrow): string {
  const { entryId, operatorHash, auditorHash, playHash, deadline } = parsed;
  return (
    `10${entryId}7563` +
    `76a914${operatorHash}88ad76a914${auditorHash}88ac67` +
    CHECK_PREIMAGE +
    CHECK_SEQUENCE +
    `${LOCKTIME_AS_NUMBER}${pushNumber(deadline)}a269` +
    `76a914${playHash}88ac68`
  );
}

/**
 * The locking script of a deposit, hex (M2). Throws a RangeError when the deadline is no unix time or a
 * field has the wrong length.
 */
export function escrowScript(terms: EscrowTerms): string {
  if (
    !Number.isInteger(terms.deadline) ||
    terms.deadline < FIRST_UNIX_LOCKTIME ||
    terms.deadline > LAST_LOCKTIME
  )
    throw new RangeError("the deadline must be a unix time in seconds");
  if (fromHex(terms.entryId).length !== 16) throw new RangeError("an entryId has 16 bytes");
  return assemble({
    entryId: terms.entryId,
    operatorHash: keyHash(terms.operatorKey),
    auditorHash: keyHash(terms.auditorKey),
    playHash: keyHash(terms.playKey),
    deadline: terms.deadline,
  });
}

const ESCROW = new RegExp(
  `^10([0-9a-f]{32})756376a914([0-9a-f]{40})88ad76a914([0-9a-f]{40})88ac67${CHECK_PREIMAGE}${CHECK_SEQUENCE}` +
    `${LOCKTIME_AS_NUMBER}0[45]([0-9a-f]{8,10})a26976a914([0-9a-f]{40})88ac68$`,
);

/** Reads an escrow script (hex) back; undefined when one byte is not as escrowScript would write it. */
export function parseEscrow(script: string): ParsedEscrow | undefined {
  const found = ESCROW.exec(script);
  if (found === null) return undefined;
  const [, entryId = "", operatorHash = "", auditorHash = "", number = "", playHash = ""] = found;
  const deadline = fromHex(number).reduceRight((sum, byte) => sum * 256 + byte, 0);
  const parsed = { entryId, operatorHash, auditorHash, playHash, deadline };
  if (deadline < FIRST_UNIX_LOCKTIME || deadline > LAST_LOCKTIME) return undefined;
  return assemble(parsed) === script ? parsed : undefined;
}
