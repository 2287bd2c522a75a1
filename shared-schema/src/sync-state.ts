/**
 * The synchronised state of a round: everything the public sees live, and nothing else (R6).
 * Owns: field names and wire types. Does not own: when a field may be filled (the room's projection decides).
 */
import { type SchemaType, schema, t } from "@colyseus/schema";

export const ModelView = schema(
  { glb: t.string(), poster: t.string(), turntable: t.string(), provider: t.string() },
  "ModelView",
);
export type ModelView = SchemaType<typeof ModelView>;

export const MemeView = schema(
  {
    memeId: t.string(),
    title: t.string(),
    /** Path of the picture, /media/<sha256>. */
    image: t.string(),
    boostSats: t.number().default(0),
    /** sat x s, for show only; rank is authoritative. */
    score: t.number().default(0),
    backers: t.uint32().default(0),
    /** 1 is the leader; 0 when not ranked. */
    rank: t.uint16().default(0),
    /** Order of entry, from 1. */
    order: t.uint16().default(0),
    blurred: t.boolean().default(false),
    takenDown: t.boolean().default(false),
    /** Play key of the creator; empty until settling begins (R6). */
    creator: t.string().default(""),
    model: t.ref(ModelView).optional(),
  },
  "MemeView",
);
export type MemeView = SchemaType<typeof MemeView>;

export const JournalHeadView = schema(
  {
    seq: t.uint32().default(0),
    hash: t.string().default(""),
    auditorTime: t.number().default(0),
    sig: t.string().default(""),
  },
  "JournalHeadView",
);

export const PayoutView = schema(
  { playKey: t.string(), won: t.number().default(0), returned: t.number().default(0) },
  "PayoutView",
);

export const ResultView = schema(
  {
    outcome: t.string().default(""),
    reason: t.string().default(""),
    ranking: t.array("string"),
    winners: t.uint16().default(0),
    payouts: t.array(PayoutView),
    fee: t.number().default(0),
    seatFees: t.number().default(0),
    carryOut: t.number().default(0),
    txids: t.array("string"),
    /** How many of the winners have their model, for "2 of 3 being sculpted". */
    sculpted: t.uint16().default(0),
  },
  "ResultView",
);

export const RoundView = schema(
  {
    roundId: t.string(),
    roundTag: t.string(),
    arena: t.string(),
    /** open | blind | settling | closed | voided (R2). */
    phase: t.string(),
    opensAt: t.number(),
    blindAt: t.number(),
    closesAt: t.number(),
    /** ms, the server's clock at the last patch; the client aligns its countdown with it. */
    serverTime: t.number(),
    pot: t.number().default(0),
    carryIn: t.number().default(0),
    entryPrice: t.number().default(0),
    seatFee: t.number().default(0),
    players: t.uint32().default(0),
    spectators: t.uint32().default(0),
    journalHead: t.ref(JournalHeadView),
    memes: t.map(MemeView),
    result: t.ref(ResultView).optional(),
  },
  "RoundView",
);
export type RoundView = SchemaType<typeof RoundView>;
