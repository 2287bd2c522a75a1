/**
 * The ledger's covenant (M5): an output that can only be spent into the same code, with the same value and the next
 * number. Owns: its exact bytes (docs/SPEC.md 8.7), reading them back, the unlocking script of a link. Does not own: what
 * a link says (ledger-link.ts), building or sending transactions. Bytes only, no SDK.
 */

import { fromHex, toHex } from "./bytes.ts";
import { pushOf } from "./chain-data.ts";
import { hash256 } from "./hash.ts";
import { outputBytes, type PlainTx, preimages } from "./sighash.ts";
import { type DigestSigner, signPreimage } from "./unlock.ts";

/** What an output of the chain says. */
export interface LedgerState {
  /** 0 in the genesis, one more in every link. */
  seq: number;
  /** sha256 of the link's body, hex. */
  bodyHash: string;
}

/** sat in the covenant: the least an output may hold; every link hands the same on. */
export const LEDGER_SATS = 1;

const COMPRESSED_KEY = /^0[23][0-9a-f]{64}$/;
const STATE_BYTES = 36;
const LAST_SEQ = 0xffffffff;

/** OP_PUSH_TX, as in the escrow: the preimage on top of the stack is the one of this very input. */
const CHECK_PREIMAGE =
  "76aa011f7f8b7e263044022079be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f817980220" +
  "7c7e01417e21038ff83d8cf12121491609c4939dc11c4aa35503508fe432dc5a5c1905608b9218ad";
/**
 * From the preimage: the script's own code behind the 37 bytes of its state (it starts at byte 104, its length is one
 * byte), the value, and the hash of all outputs, which goes to the other stack.
 */
const TAKE_APART = "7601687f77517f01257f77820134947f587f547f7701207f756b";
/** value | length | push of the new state (36 bytes exactly) | code, then the other outputs: their hash is the one signed. */
const CHECK_OUTPUTS = "7b7e01247e5679820124887e7c7e54797eaa6c88";
/** The new number is the old one plus 1. */
const CHECK_SEQ = "75547f7501007e818b537a547f7501007e819d";

/** u32 little endian | hash. */
function stateHex({ seq, bodyHash }: LedgerState): string {
  if (!Number.isInteger(seq) || seq < 0 || seq > LAST_SEQ) throw new RangeError(`seq ${seq}`);
  if (!/^[0-9a-f]{64}$/.test(bodyHash)) throw new RangeError("a body's hash has 32 bytes");
  const number = new Uint8Array(4);
  new DataView(number.buffer).setUint32(0, seq, true);
  return toHex(number) + bodyHash;
}

/**
 * The locking script of a link (M5), hex, 225 bytes. `operatorKey` compressed, hex. Throws a RangeError on a key or a
 * state that has not its form.
 */
export function covenantScript(state: LedgerState, operatorKey: string): string {
  if (!COMPRESSED_KEY.test(operatorKey)) throw new RangeError("a public key has 33 bytes");
  return `24${stateHex(state)}7c${CHECK_PREIMAGE}${TAKE_APART}${CHECK_OUTPUTS}${CHECK_SEQ}7721${operatorKey}ac`;
}

const COVENANT = new RegExp(
  `^24([0-9a-f]{8})([0-9a-f]{64})7c${CHECK_PREIMAGE}${TAKE_APART}${CHECK_OUTPUTS}${CHECK_SEQ}7721(0[23][0-9a-f]{64})ac$`,
);

/** Reads a covenant (hex) back; undefined when one byte is not as covenantScript would write it. */
export function parseCovenant(script: string): { state: LedgerState; operatorKey: string } | undefined {
  const found = COVENANT.exec(script);
  if (found === null) return undefined;
  const [, number = "", bodyHash = "", operatorKey = ""] = found;
  const seq = new DataView(fromHex(number).buffer).getUint32(0, true);
  return { state: { seq, bodyHash }, operatorKey };
}

/** The script adds 1 to the hash's last byte and reads the hash as a positive low S: both ends must allow it. */
function checkable(preimage: Uint8Array): boolean {
  const hash = hash256(preimage);
  const fits = (byte: number | undefined): boolean => byte !== undefined && byte >= 0x01 && byte <= 0x7e;
  return fits(hash[0]) && fits(hash[31]);
}

/** Bytes of a link's unlocking script at most, when its other outputs take `restBytes` bytes. */
export const linkUnlockBytes = (restBytes: number): number => 1 + STATE_BYTES + 5 + restBytes + 74 + 3 + 382;

const stateOfOutput = (script: string | undefined): LedgerState => {
  const parsed = script === undefined ? undefined : parseCovenant(script);
  if (parsed === undefined) throw new RangeError("output 0 is not the next link");
  return parsed.state;
};

/**
 * Opens the covenant at `index` of `tx`, whose output 0 must be the next link: the script refuses every other
 * transaction. Every input must be final: the lock time, which then means nothing, is raised until the script can
 * check the preimage (4 tries on average), and the transaction is returned with it. Sign the other inputs after this
 * one: they cover the lock time. The state is read from output 0 unless given.
 */
export function linkUnlock(
  tx: PlainTx,
  index: number,
  operatorSecret: Uint8Array,
  how: { state?: LedgerState; sign?: DigestSigner } = {},
): { tx: PlainTx; unlocking: string } {
  const [first, ...rest] = tx.outputs;
  const state = how.state ?? stateOfOutput(first?.script);
  const others = rest.map((output) => toHex(outputBytes(output))).join("");
  for (let locktime = tx.locktime; locktime < tx.locktime + 10_000; locktime++) {
    const candidate = { ...tx, locktime };
    const preimage = preimages(candidate)(index);
    if (!checkable(preimage)) continue;
    const signature = signPreimage(preimage, operatorSecret, how.sign);
    const pushes = [stateHex(state), others, signature, toHex(preimage)].map((hex) => pushOf(fromHex(hex)));
    return { tx: candidate, unlocking: pushes.map(toHex).join("") };
  }
  throw new Error("no lock time makes this link checkable");
}
