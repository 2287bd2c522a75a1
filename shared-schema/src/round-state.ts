/**
 * What a journal adds up to. Owns: the shape of a round's full state, secret parts included.
 * Does not own: how records change it (reducer.ts), nor what of it is public (the room's projection).
 */
import type { BodyOf, Head } from "./records.ts";

export interface DepositState {
  txid: string;
  vout: number;
  /** sat. */
  sats: number;
  at: number;
}

export interface PlayerState {
  playKey: string;
  identity: string;
  deposits: DepositState[];
  /** Sum of accepted vouchers, sat. */
  spent: number;
  /** Number the next voucher must carry. */
  nextSeq: number;
  /** sha256 of the last voucher's bytes, hex; zeros before the first. */
  lastVoucherHash: string;
  chatNext: number;
  /** memeIds entered. */
  entries: string[];
  /** memeId -> sat boosted. */
  boosts: Map<string, number>;
}

export interface BackerState {
  sats: number;
  /** Sum of amount x (2T - t), sat x ms (E5). */
  score: bigint;
}

export interface MemeState {
  memeId: string;
  playKey: string;
  identity: string;
  /** Absent after a moderator removed the text. */
  title?: string;
  mime: string;
  phash: string;
  /** 1 for the first entry; ties in rank go to the earlier (E5). */
  order: number;
  /** Price paid, sat. */
  price: number;
  hidden: boolean;
  takenDown: boolean;
  /** A moderator looked last and found nothing wrong: reports blur it no more (R12). */
  cleared: boolean;
  /** playKeys that reported it. */
  reports: Set<string>;
  boostSats: number;
  score: bigint;
  /** playKey -> what it put behind this meme. */
  backers: Map<string, BackerState>;
}

export interface ChatLine {
  seq: number;
  playKey: string;
  at: number;
  text: string;
}

export type Outcome =
  | { kind: "result"; result: BodyOf<"result"> }
  | { kind: "void"; reason: string; returned: { playKey: string; sats: number }[] };

/** R2: each phase with its own fields. `final` means the journal has ended. */
export type RoundPhase =
  | { kind: "open" }
  | { kind: "blind" }
  | { kind: "settling"; frozen?: BodyOf<"freeze"> }
  | { kind: "final"; frozen: BodyOf<"freeze">; outcome: Outcome };

export interface RoundState {
  open: BodyOf<"open">;
  /** First 16 bytes of record 1's hash, hex. */
  roundTag: string;
  phase: RoundPhase;
  head: Head;
  players: Map<string, PlayerState>;
  memes: Map<string, MemeState>;
  /** Sum of accepted vouchers so far, sat; what E3 calls stakes before anything is void. */
  staked: number;
  /** Sum of carryFrom, sat. */
  carryIn: number;
  /** The last 50 lines (R10). */
  chat: ChatLine[];
}
