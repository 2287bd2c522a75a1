/**
 * Vouchers and chat bytes (protocol.md 3). Owns: the 130 bytes, their hash, signing them, what a chat line signs.
 * Does not own: whether a voucher may be accepted (decide-spend.ts).
 */
import { concat, fromHex, toHex, u32be, u64be, utf8 } from "./bytes.ts";
import { signCompact } from "./crypto.ts";
import { sha256Hex } from "./hash.ts";
import type { WireVoucher } from "./messages.ts";

export interface Voucher {
  /** First 16 bytes of record 1's hash, hex. */
  roundTag: string;
  playKey: string;
  /** From 1, per player and round. */
  seq: number;
  kind: "enter" | "boost";
  memeId: string;
  /** sat. */
  amount: number;
  /** sha256 of this player's previous voucher bytes, zeros for the first, hex. */
  prev: string;
}

const MAGIC = utf8("MRV1");
const MAGIC_HEX = toHex(MAGIC);
const VOUCHER_HEX = /^[0-9a-f]{260}$/;
const KIND_BYTE = { enter: 1, boost: 2 } as const;

/** The 130 bytes that are signed. Throws a RangeError when the amount is not a whole number of satoshis. */
export function encodeVoucher(v: Voucher): Uint8Array {
  if (!Number.isSafeInteger(v.amount) || v.amount < 0) throw new RangeError(`amount ${v.amount}`);
  return concat(
    MAGIC,
    fromHex(v.roundTag),
    fromHex(v.playKey),
    u32be(v.seq),
    Uint8Array.of(KIND_BYTE[v.kind]),
    fromHex(v.memeId),
    u64be(v.amount),
    fromHex(v.prev),
  );
}

/** Reads lowercase hex; undefined for anything that is not exactly a voucher with an amount below 2^53. */
export function decodeVoucher(hex: string): Voucher | undefined {
  if (!VOUCHER_HEX.test(hex) || !hex.startsWith(MAGIC_HEX)) return undefined;
  const kindByte = Number.parseInt(hex.slice(114, 116), 16);
  if (kindByte !== 1 && kindByte !== 2) return undefined;
  const amount =
    Number.parseInt(hex.slice(180, 188), 16) * 2 ** 32 + Number.parseInt(hex.slice(188, 196), 16);
  if (!Number.isSafeInteger(amount)) return undefined;
  return {
    roundTag: hex.slice(8, 40),
    playKey: hex.slice(40, 106),
    seq: Number.parseInt(hex.slice(106, 114), 16),
    kind: kindByte === 1 ? "enter" : "boost",
    memeId: hex.slice(116, 180),
    amount,
    prev: hex.slice(196, 260),
  };
}

/** What the player's next voucher carries as `prev`. */
export const voucherHash = (hex: string): string => sha256Hex(fromHex(hex));

/** Signs with the play key's secret; the wire form of protocol.md 9. */
export function signVoucher(v: Voucher, secret: Uint8Array): WireVoucher {
  const bytes = encodeVoucher(v);
  return { bytes: toHex(bytes), sig: signCompact(bytes, secret) };
}

/** What a chat line signs; `n` is the player's next chat number, the text is taken in NFC. */
export const chatBytes = (roundTag: string, playKey: string, n: number, text: string): Uint8Array =>
  concat(utf8("MRC1"), fromHex(roundTag), fromHex(playKey), u32be(n), utf8(text));
