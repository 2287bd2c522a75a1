/**
 * What may be asked of a round. Owns: the shape of commands and decisions.
 * Does not own: how one is decided (decide.ts) or how a message becomes a command (the room's edge).
 */
import type { Refusal } from "./errors.ts";
import type { WireVoucher } from "./messages.ts";
import type { Draft, PrivateText } from "./records.ts";

/** An approved picture as the Content Service hands it over. */
export interface EnteredContent {
  memeId: string;
  mime: string;
  /** 64-bit perceptual hash, hex. */
  phash: string;
  title: string;
  /** Who uploaded it. */
  identity: string;
}

export type Command =
  | {
      kind: "deposit";
      playKey: string;
      identity: string;
      txid: string;
      vout: number;
      /** sat. */
      sats: number;
    }
  | {
      kind: "enter";
      playKey: string;
      identity: string;
      voucher: WireVoucher;
      content: EnteredContent;
      /** 16 random bytes, hex. */
      salt: string;
    }
  | { kind: "boost"; playKey: string; identity: string; memeId: string; voucher: WireVoucher }
  | { kind: "chat"; playKey: string; identity: string; text: string; sig: string; salt: string }
  | { kind: "report"; playKey: string; memeId: string }
  | { kind: "takedown" | "hide" | "unhide"; memeId: string; by: string; reason: string }
  | { kind: "phase"; to: "blind" | "settling" }
  | { kind: "freeze"; dropped: string[] }
  | { kind: "finish" }
  | {
      kind: "cancel";
      /** Identity of the operator who does it. */
      by: string;
      reason: string;
      /** M1: outpoints that do not count; empty once the round is frozen. */
      dropped: string[];
    }
  | { kind: "expire" };

export type CommandOf<K extends Command["kind"]> = Extract<Command, { kind: K }>;

/** What seal() takes: the draft and what stands beside the record, unhashed. */
export interface Accepting {
  ok: true;
  draft: Draft;
  sig?: string;
  private?: PrivateText;
}
export type Decision = Accepting | Refusal;
