/**
 * What the server and the auditor sign about a round (protocol.md 5). Owns: the bytes of receipts and heads, the shape
 * of a signed head and of a receipt that is claimed. Does not own: the keys or who keeps receipts.
 */
import { z } from "zod";
import { concat, fromHex, u64be, utf8 } from "./bytes.ts";
import { verifyEd25519 } from "./crypto.ts";
import { sha256 } from "./hash.ts";
import { hash32 } from "./records.ts";

const signature = z.string().regex(/^[0-9a-f]{128}$/);
/** A number that fits the 8 bytes it is signed in and a JSON integer. */
const whole = z.number().int().positive().max(Number.MAX_SAFE_INTEGER);

/** The auditor's word that the journal's record `seq` had this hash and was its last, at `auditorTime` (ms). */
export const signedHeadSchema = z.strictObject({
  seq: whole,
  hash: hash32,
  auditorTime: whole,
  sig: signature,
});
export type SignedHead = z.infer<typeof signedHeadSchema>;

/** R9: a player's receipt of an accepted command, with the round it is of. */
export const claimedReceiptSchema = z.strictObject({
  roundId: z.string().max(64),
  seq: whole,
  at: whole,
  hash: hash32,
  sig: signature,
});
export type ClaimedReceipt = z.infer<typeof claimedReceiptSchema>;

/** R9: the receipt of an accepted command; seq, at (ms) and hash are the journal record's. */
export const acceptedBytes = (roundTag: string, seq: number, at: number, hash: string): Uint8Array =>
  concat(utf8("MRA1"), fromHex(roundTag), u64be(seq), u64be(at), fromHex(hash));

/** R9: the receipt of a refusal of the command `ref`. */
export const rejectedBytes = (roundTag: string, ref: string, code: string): Uint8Array =>
  concat(utf8("MRN1"), fromHex(roundTag), sha256(utf8(ref)), utf8(code));

/** M4: the auditor's word on the head of a live journal; auditorTime in ms. */
export const headBytes = (roundTag: string, seq: number, hash: string, auditorTime: number): Uint8Array =>
  concat(utf8("MRH1"), fromHex(roundTag), u64be(seq), fromHex(hash), u64be(auditorTime));

/** Whether the head is the auditor's word on this round. */
export const isGenuineHead = (roundTag: string, head: SignedHead, headKey: string): boolean =>
  verifyEd25519(headBytes(roundTag, head.seq, head.hash, head.auditorTime), head.sig, headKey);

/** Whether the receipt is one that the server gave in this round. */
export const isGenuineReceipt = (
  roundTag: string,
  receipt: Omit<ClaimedReceipt, "roundId">,
  receiptKey: string,
): boolean =>
  verifyEd25519(acceptedBytes(roundTag, receipt.seq, receipt.at, receipt.hash), receipt.sig, receiptKey);
