/**
 * Journal records (protocol.md 2). Owns: the shape of every kind, hashing and sealing one onto the chain.
 * Does not own: what makes a record acceptable (decide.ts) or where it is stored.
 */
import { z } from "zod";
import { hashJson } from "./hash.ts";
import { rulesSchema } from "./rules.ts";

const hex = (bytes: number) => z.string().regex(new RegExp(`^[0-9a-f]{${bytes * 2}}$`));
export const hash32 = hex(32);
export const playKeySchema = z.string().regex(/^0[23][0-9a-f]{64}$/);
export const identitySchema = z.string().regex(/^(ecdsa-secp256k1|bip322|ed25519|brc100):[0-9a-f]{64,130}$/);
export const memeIdSchema = hex(32);
const satsSchema = z.number().int().nonnegative();
const time = z.number().int().positive();
export const outpointSchema = z.string().regex(/^[0-9a-f]{64}:\d+$/);
const voucherHex = hex(130);

export const networkSchema = z.enum(["devchain", "test", "main"]);
export type Network = z.infer<typeof networkSchema>;

export const bodies = {
  open: z.strictObject({
    network: networkSchema,
    arena: z.string().min(1).max(32),
    roundId: z.string(),
    rules: rulesSchema,
    operatorKey: playKeySchema,
    auditorKey: playKeySchema,
    receiptKey: hex(32),
    carryFrom: z.array(z.strictObject({ roundId: z.string(), sats: satsSchema })),
    opensAt: time,
    blindAt: time,
    closesAt: time,
  }),
  deposit: z.strictObject({
    playKey: playKeySchema,
    identity: identitySchema,
    txid: hash32,
    vout: z.number().int().nonnegative(),
    sats: satsSchema,
  }),
  enter: z.strictObject({ voucher: voucherHex, mime: z.string(), phash: hex(8), private: hash32 }),
  boost: z.strictObject({ voucher: voucherHex }),
  chat: z.strictObject({ playKey: playKeySchema, n: z.number().int().positive(), private: hash32 }),
  report: z.strictObject({ memeId: memeIdSchema, playKey: playKeySchema }),
  hide: z.strictObject({ memeId: memeIdSchema, by: z.string(), reason: z.string() }),
  unhide: z.strictObject({ memeId: memeIdSchema, by: z.string(), reason: z.string() }),
  takedown: z.strictObject({ memeId: memeIdSchema, by: z.string(), reason: z.string() }),
  phase: z.strictObject({ to: z.enum(["blind", "settling"]) }),
  freeze: z.strictObject({ dropped: z.array(outpointSchema), voidMemes: z.array(memeIdSchema) }),
  result: z.strictObject({
    ranking: z.array(memeIdSchema),
    payouts: z.array(z.strictObject({ playKey: playKeySchema, won: satsSchema, returned: satsSchema })),
    fee: satsSchema,
    seatFees: satsSchema,
    carryOut: satsSchema,
  }),
  /** `by` where somebody cancelled the round; `dropped` where that came before the freeze (M1). */
  void: z.strictObject({
    reason: z.string(),
    by: z.string().optional(),
    dropped: z.array(outpointSchema).optional(),
  }),
} as const;

export type RecordKind = keyof typeof bodies;
export type BodyOf<K extends RecordKind> = z.infer<(typeof bodies)[K]>;
/** A kind with its body, before it has a place in the chain. */
export type Draft = { [K in RecordKind]: { kind: K; body: BodyOf<K> } }[RecordKind];

/** Text that may have to be removed; the record carries only its hash (R10). */
export const privateSchema = z.strictObject({
  salt: hex(16),
  text: z.string().optional(),
  title: z.string().optional(),
});
export type PrivateText = z.infer<typeof privateSchema>;

const envelope = { v: z.literal(1), seq: z.number().int().positive(), at: time, prev: hash32 };
const record = <K extends RecordKind>(kind: K) =>
  z.strictObject({ ...envelope, kind: z.literal(kind), body: bodies[kind] });

export const recordSchema = z.discriminatedUnion("kind", [
  record("open"),
  record("deposit"),
  record("enter"),
  record("boost"),
  record("chat"),
  record("report"),
  record("hide"),
  record("unhide"),
  record("takedown"),
  record("phase"),
  record("freeze"),
  record("result"),
  record("void"),
]);
export type JournalRecord = z.infer<typeof recordSchema>;

/** A record with what stands beside it, unhashed: its signature and its removable text. */
export interface Entry {
  record: JournalRecord;
  hash: string;
  sig?: string;
  private?: PrivateText;
}
export const entrySchema = z.strictObject({
  record: recordSchema,
  hash: hash32,
  sig: z.string().optional(),
  private: privateSchema.optional(),
});

export const ZERO_HASH = "0".repeat(64);

/** The end of the chain so far. */
export interface Head {
  seq: number;
  hash: string;
  /** ms of the last record; the next one is never earlier. */
  at: number;
}
export const EMPTY_HEAD: Head = { seq: 0, hash: ZERO_HASH, at: 0 };

export const recordHash = (value: JournalRecord): string => hashJson(value);

/** Puts a draft at the end of the chain: `at` = max(clock, previous at) (protocol.md 1). */
export function seal(
  head: Head,
  now: number,
  draft: Draft,
  beside: { sig?: string; private?: PrivateText } = {},
): Entry {
  const value = {
    v: 1,
    seq: head.seq + 1,
    at: Math.max(now, head.at),
    ...draft,
    prev: head.hash,
  } as JournalRecord;
  return { record: value, hash: recordHash(value), ...beside };
}

export const headOf = (entry: Entry): Head => ({
  seq: entry.record.seq,
  hash: entry.hash,
  at: entry.record.at,
});
