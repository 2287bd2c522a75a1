/**
 * What the round's room and its players say to each other (design.md section 8, protocol.md 6).
 * Owns: the schema of every message both ways. Does not own: who may send one, or when.
 */
import { z } from "zod";
import type { ErrorCode } from "./errors.ts";
import type { ServerVersion } from "./protocol.ts";
import { hash32, memeIdSchema } from "./records.ts";

/** Text that can be written as UTF-8: half a character has no bytes to be hashed or signed. */
const text = (min: number, max: number) =>
  z
    .string()
    .min(min)
    .max(max)
    .refine((value) => value.isWellFormed(), "has half a character in it");

const ref = z.uuid();
const txHex = z
  .string()
  .regex(/^[0-9a-f]+$/)
  .max(400_000);

/** A voucher on the wire: its 130 bytes and its 64-byte compact signature, hex (protocol.md 9). */
export const wireVoucherSchema = z.strictObject({
  bytes: z.string().regex(/^[0-9a-f]{260}$/),
  sig: z.string().regex(/^[0-9a-f]{128}$/),
});
export type WireVoucher = z.infer<typeof wireVoucherSchema>;

export const clientMessages = {
  deposit: z.strictObject({ ref, tx: txHex }),
  enter: z.strictObject({ ref, contentId: z.string().min(1).max(64), voucher: wireVoucherSchema }),
  boost: z.strictObject({ ref, memeId: memeIdSchema, voucher: wireVoucherSchema }),
  chat: z.strictObject({ ref, text: text(0, 2_000), sig: z.string().regex(/^[0-9a-f]{128}$/) }),
  report: z.strictObject({ ref, memeId: memeIdSchema, reason: text(1, 200) }),
  watch: z.strictObject({ memeId: memeIdSchema.nullable() }),
} as const;
export type ClientMessageKind = keyof typeof clientMessages;
export type ClientMessage<K extends ClientMessageKind> = z.infer<(typeof clientMessages)[K]>;

/** R9. `sig` is the receipt of protocol.md 5, hex. */
export interface Accepted {
  ref: string;
  seq: number;
  at: number;
  hash: string;
  sig: string;
}

/** R9. `sig` is the receipt over the refusal, hex. */
export interface Rejected {
  ref: string;
  code: ErrorCode;
  message: string;
  sig: string;
}

/** Sent after join and reconnect: what the player needs to sign the next voucher (protocol.md 6). */
export interface You {
  playKey: string;
  identity: string;
  deposits: { txid: string; vout: number; sats: number }[];
  spent: number;
  nextSeq: number;
  lastVoucherHash: string;
  chatNext: number;
  entries: string[];
  boosts: Record<string, number>;
  server?: ServerVersion;
}

export interface ChatMessage {
  seq: number;
  playKey: string;
  at: number;
  text: string;
}

/** One payout of a settled round: an output locked to the play key. */
export const settledPayoutSchema = z.strictObject({
  playKey: z.string(),
  sats: z.number().int().positive(),
  txid: hash32,
  vout: z.number().int().nonnegative(),
});

/** Times in ms. */
export type Notice =
  | { kind: "takedown"; text: string; at: number }
  /** R11: this process stops; until then the round stays on it. */
  | { kind: "drain"; text: string; at: number; until: number };

export interface ServerMessages {
  accepted: Accepted;
  rejected: Rejected;
  you: You;
  chat: ChatMessage;
  notice: Notice;
  settled: { txids: string[]; payouts: z.infer<typeof settledPayoutSchema>[] };
  model: { memeId: string; glb: string; poster: string; turntable: string };
}
