/**
 * What the server and the auditor sign about a round (protocol.md 5). Owns: the bytes of receipts and heads.
 * Does not own: the keys or who keeps receipts.
 */
import { concat, fromHex, u64be, utf8 } from "./bytes.ts";
import { sha256 } from "./hash.ts";

/** R9: the receipt of an accepted command; seq, at (ms) and hash are the journal record's. */
export const acceptedBytes = (roundTag: string, seq: number, at: number, hash: string): Uint8Array =>
  concat(utf8("MRA1"), fromHex(roundTag), u64be(seq), u64be(at), fromHex(hash));

/** R9: the receipt of a refusal of the command `ref`. */
export const rejectedBytes = (roundTag: string, ref: string, code: string): Uint8Array =>
  concat(utf8("MRN1"), fromHex(roundTag), sha256(utf8(ref)), utf8(code));

/** M4: the auditor's word on the head of a live journal; auditorTime in ms. */
export const headBytes = (roundTag: string, seq: number, hash: string, auditorTime: number): Uint8Array =>
  concat(utf8("MRH1"), fromHex(roundTag), u64be(seq), fromHex(hash), u64be(auditorTime));
