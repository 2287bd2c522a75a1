/**
 * REST contracts (design.md section 8): bodies that are validated and answers that are promised.
 * Owns: schemas both sides import; OpenAPI is generated from them. Does not own: routes or handlers.
 */
import { z } from "zod";
import { ERRORS, type ErrorCode } from "./errors.ts";
import { settledPayoutSchema } from "./messages.ts";
import { claimedReceiptSchema, signedHeadSchema } from "./receipt.ts";
import { hash32, identitySchema, networkSchema, outpointSchema, playKeySchema } from "./records.ts";
import { modelSchema, sculptureSchema } from "./rest-content.ts";
import { termsOfUserSchema } from "./rest-me.ts";

const sats = z.number().int().nonnegative();
const ms = z.number().int();
const txHex = z
  .string()
  .regex(/^[0-9a-f]+$/)
  .max(400_000);

export const problemSchema = z.object({
  type: z.string(),
  title: z.string(),
  status: z.number().int(),
  code: z.enum(Object.keys(ERRORS) as [ErrorCode, ...ErrorCode[]]),
  detail: z.string(),
  advice: z.string(),
  errorId: z.string().optional(),
});
export type Problem = z.infer<typeof problemSchema>;

export const walletKinds = ["manual", "yours", "okx", "unisat", "phantom"] as const;

export const challengeBody = z.strictObject({
  wallet: z.enum(walletKinds),
  address: z.string().min(20).max(100),
  playKey: playKeySchema,
});
export const challengeAnswer = z.strictObject({ nonce: z.string(), message: z.string(), expiresAt: ms });

export const verifyBody = z.strictObject({
  nonce: z.string().min(8).max(100),
  /** In the wallet's own encoding; base64 BSM for `manual`. */
  signature: z.string().min(10).max(4_000),
  publicKey: z.string().max(200).optional(),
  /** 64 bytes compact, hex, over sha256("MRB1" | nonce | identity string). */
  playSig: z.string().regex(/^[0-9a-f]{128}$/),
});
export const userSchema = z.strictObject({
  identity: identitySchema,
  playKey: playKeySchema,
  wallet: z.enum(walletKinds),
  address: z.string(),
  name: z.string(),
  /** Path of the picture they chose. */
  avatar: z.string().optional(),
  role: z.enum(["player", "moderator", "admin"]),
  terms: termsOfUserSchema,
});
export type User = z.infer<typeof userSchema>;
export const tokensAnswer = z.strictObject({
  accessToken: z.string(),
  refreshToken: z.string(),
  user: userSchema,
});
export const refreshBody = z.strictObject({
  refreshToken: z.string().min(10).max(500),
  /** A random name of this try: the same token with the same name may be sent again when the answer was lost. */
  attempt: z.string().min(16).max(64).optional(),
});
export const sessionsAnswer = z.strictObject({
  sessions: z.array(
    z.strictObject({
      id: z.string(),
      wallet: z.enum(walletKinds),
      playKey: playKeySchema,
      createdAt: ms,
      lastUsedAt: ms,
      current: z.boolean(),
    }),
  ),
});
export const playKeysAnswer = z.strictObject({
  playKeys: z.array(
    z.strictObject({
      playKey: playKeySchema,
      boundAt: ms,
      lastUsedAt: ms,
      /** Of the session that asks. */
      current: z.boolean(),
      revokedAt: ms.optional(),
    }),
  ),
});
/** How many sessions ended by it. */
export const endedAnswer = z.strictObject({ ended: z.number().int().nonnegative() });
export const patchMeBody = z.strictObject({
  name: z.string().min(1).max(32).optional(),
  /** An approved picture of one's own; null takes it away. */
  avatar: hash32.nullable().optional(),
});
export const okAnswer = z.strictObject({ ok: z.literal(true) });

export const utxosAnswer = z.strictObject({
  utxos: z.array(
    z.strictObject({ txid: hash32, vout: z.number().int(), sats, height: z.number().int().optional() }),
  ),
});
/** Where a page reads the chain by itself (M9, M10). */
export const networkAnswer = z.strictObject({ network: networkSchema, wocUrl: z.string() });
export const broadcastBody = z.strictObject({ tx: txHex });
export const broadcastAnswer = z.strictObject({ txid: hash32, status: z.enum(["seen", "pending"]) });
export const txAnswer = z.strictObject({
  tx: z.string(),
  status: z.string(),
  height: z.number().int().optional(),
});
export const feeAnswer = z.strictObject({ satPerKb: z.number().int().positive() });
export const faucetBody = z.strictObject({
  address: z.string().min(20).max(64),
  sats: z.number().int().min(1_000).max(1_000_000),
});
export const faucetAnswer = z.strictObject({ txid: hash32, vout: z.number().int(), sats, tx: z.string() });

export const snapshotMeme = z.strictObject({
  memeId: hash32,
  title: z.string(),
  image: z.string(),
  boostSats: sats,
  backers: z.number().int(),
  rank: z.number().int(),
  order: z.number().int(),
  blurred: z.boolean(),
  /** R12: title and image are empty then, and its boosts return. */
  takenDown: z.boolean().optional(),
});
/** protocol.md 9: everything a wallet needs to build a deposit without trusting a server's script. */
export const snapshotSchema = z.strictObject({
  roundId: z.string(),
  roundTag: z.string(),
  roomId: z.string(),
  arena: z.string(),
  network: networkSchema,
  operatorKey: playKeySchema,
  auditorKey: playKeySchema,
  receiptKey: hash32,
  auditorHeadKey: hash32,
  entryId: z.string(),
  deadline: z.number().int(),
  seatFee: sats,
  entryPrice: sats,
  minDeposit: sats,
  maxDeposit: sats,
  minBoost: sats,
  opensAt: ms,
  blindAt: ms,
  closesAt: ms,
  depositsCloseAt: ms,
  phase: z.string(),
  serverTime: ms,
  pot: sats,
  carryIn: sats,
  players: z.number().int(),
  spectators: z.number().int(),
  memes: z.array(snapshotMeme),
  /**
   * host[:port][/path] of relays with room: who watches takes one of them at random, without asking for a seat. Absent
   * where seats have to be asked for.
   */
  relays: z.array(z.string()).optional(),
  /** The arena's newest round that opened before this one, finished or not; absent where there was none. */
  before: z.string().optional(),
  /** R11: of the process that answers, not of the one that hosts the round. */
  server: z.strictObject({ protocol: z.number().int(), build: z.string() }).optional(),
});
export type Snapshot = z.infer<typeof snapshotSchema>;

export const roundSummary = z.strictObject({
  roundId: z.string(),
  arena: z.string(),
  opensAt: ms,
  closesAt: ms,
  outcome: z.enum(["closed", "voided"]),
  reason: z.string().optional(),
  pot: sats,
  players: z.number().int(),
  memes: z.number().int(),
  /** Best meme, when there was one. */
  winner: z.strictObject({ memeId: hash32, title: z.string(), image: z.string() }).optional(),
  settlement: z.enum(["pending", "sent", "mined"]),
});
export const roundsAnswer = z.strictObject({ rounds: z.array(roundSummary), next: z.string().optional() });

export const roundDetail = z.strictObject({
  ...roundSummary.shape,
  journalHash: hash32,
  memesRanked: z.array(
    z.strictObject({
      memeId: hash32,
      title: z.string(),
      image: z.string(),
      rank: z.number().int(),
      winner: z.boolean(),
      boostSats: sats,
      backers: z.number().int(),
      /** Absent in a voided round (R6). */
      creator: z.string().optional(),
      model: modelSchema.optional(),
      /** Of winners. */
      sculpture: sculptureSchema.optional(),
      /** Reported or hidden, and nobody found it harmless since (R12). */
      blurred: z.boolean().optional(),
      /** C6: title and image are empty then. */
      takenDown: z.boolean().optional(),
    }),
  ),
  payouts: z.array(z.strictObject({ playKey: playKeySchema, won: sats, returned: sats })),
  fee: sats,
  seatFees: sats,
  carryIn: sats,
  carryOut: sats,
  txids: z.array(hash32),
  settled: z.array(settledPayoutSchema),
});
export type RoundDetail = z.infer<typeof roundDetail>;

export const proofAnswer = z.strictObject({
  journalHash: hash32,
  /** M5: the round's link in the ledger, once it was made; absent in a round without a deposit. */
  link: z
    .strictObject({
      txid: hash32,
      seq: z.number().int(),
      outpoint: outpointSchema,
      /** Of the covenant: the operator's key when the link was made. */
      operatorKey: playKeySchema,
    })
    .optional(),
  /** M6: the transaction with the journal's file; absent in a voided round (R6). */
  journalTxid: hash32.optional(),
  settlement: z.array(hash32),
  deposits: z.array(
    z.strictObject({ outpoint: outpointSchema, state: z.enum(["open", "collected", "refunded"]) }),
  ),
  /** M4: what the auditor signed while the round was live, oldest first. */
  heads: z.array(signedHeadSchema),
  publicKeys: z.strictObject({
    operatorKey: playKeySchema,
    auditorKey: playKeySchema,
    receiptKey: hash32,
    auditorHeadKey: hash32,
  }),
  /** Bytes and sat on chain so far, by what for: `journalBytes`, `linkSats`, ... */
  cost: z.record(z.string(), sats),
});

/** protocol.md 5: a receipt that its holder does not find in the journal. */
export const claimBody = z.strictObject({ receipt: claimedReceiptSchema });
export const claimAnswer = z.strictObject({
  /** The journal has this record. */
  honoured: z.boolean(),
  /** No result of the round is signed while the claim is open; false when it came after the signature. */
  held: z.boolean(),
});

export const leaderboardAnswer = z.strictObject({
  window: z.enum(["day", "week", "all"]),
  rows: z.array(
    z.strictObject({
      rank: z.number().int(),
      playKey: playKeySchema,
      name: z.string().optional(),
      won: sats,
      /** Rounds with winnings. */
      rounds: z.number().int(),
    }),
  ),
});

/** Sums over all finished rounds of an arena; amounts in sat. */
export const statsAnswer = z.strictObject({
  rounds: z.number().int(),
  voided: z.number().int(),
  seats: z.number().int(),
  memes: z.number().int(),
  pots: sats,
  won: sats,
  returned: sats,
  fees: sats,
  seatFees: sats,
});

/** A spectator's seat, as the client SDK's consumeSeatReservation takes it. */
export const seatAnswer = z.strictObject({
  name: z.string(),
  roomId: z.string(),
  sessionId: z.string(),
  processId: z.string(),
  publicAddress: z.string().optional(),
});
