/**
 * Decisions about words and pictures: chat, reports, moderation. Owns: R10, R12's conditions.
 * Does not own: text filters and rate limits (the edge), or what moderators may do (I4).
 */
import type { CommandOf, Decision } from "./command.ts";
import type { VerifyCompact } from "./crypto.ts";
import { belongsToOther, isLive, isOpen } from "./decide-spend.ts";
import { type Refusal, refuse } from "./errors.ts";
import { hashJson } from "./hash.ts";
import type { RoundState } from "./round-state.ts";
import { chatBytes } from "./voucher.ts";

/** R10, in code points of the NFC form. */
export const CHAT_MAX = 240;

/** R10: may anything be said now? Also holds for a line whose text was removed since. */
export const chatRefusal = (state: RoundState): Refusal | undefined =>
  state.phase.kind === "final" ? refuse("PHASE_WRONG") : undefined;

/** R10: one line, signed by the play key over protocol.md 3's bytes with the player's next number. */
export function decideChat(state: RoundState, command: CommandOf<"chat">, verify: VerifyCompact): Decision {
  const { playKey, identity, sig, salt } = command;
  const closed = chatRefusal(state);
  if (closed !== undefined) return closed;
  const text = command.text.normalize("NFC");
  const length = [...text].length;
  if (length === 0) return refuse("CHAT_EMPTY");
  if (length > CHAT_MAX) return refuse("CHAT_TOO_LONG");
  const player = state.players.get(playKey);
  if (belongsToOther(player, identity)) return refuse("PLAY_KEY_TAKEN");
  const n = player?.chatNext ?? 1;
  const signedAs = (number: number) =>
    number > 0 && verify(chatBytes(state.roundTag, playKey, number, text), sig, playKey);
  if (!signedAs(n)) {
    // The number is not in the message: a neighbour's tells a second tab or a repeat from a wrong key.
    return refuse(signedAs(n - 1) || signedAs(n + 1) ? "CHAT_OUT_OF_ORDER" : "CHAT_SIGNATURE_INVALID");
  }
  const beside = { salt, text };
  const body = { playKey, n, private: hashJson(beside) };
  return { ok: true, draft: { kind: "chat", body }, sig, private: beside };
}

/** R12: a report counts from those who spent at least the opening entry price, once, and not in `blind`. */
export function decideReport(state: RoundState, command: CommandOf<"report">, at: number): Decision {
  const { memeId, playKey } = command;
  if (!isOpen(state, at)) return refuse("PHASE_WRONG");
  const meme = state.memes.get(memeId);
  if (meme === undefined) return refuse("MEME_UNKNOWN");
  if (meme.takenDown) return refuse("MEME_TAKEN_DOWN");
  if ((state.players.get(playKey)?.spent ?? 0) < state.open.rules.entrySats)
    return refuse("REPORT_NOT_ALLOWED");
  if (meme.reports.has(playKey)) return refuse("REPORT_TWICE");
  return { ok: true, draft: { kind: "report", body: { memeId, playKey } } };
}

/** R12: a takedown changes money, so it counts during the round only; a blur may come until the journal ends. */
export function decideModeration(
  state: RoundState,
  command: CommandOf<"takedown" | "hide" | "unhide">,
  at: number,
): Decision {
  const { kind, memeId, by, reason } = command;
  const late = kind === "takedown" ? !isLive(state, at) : state.phase.kind === "final";
  if (late) return refuse("PHASE_WRONG");
  const meme = state.memes.get(memeId);
  if (meme === undefined) return refuse("MEME_UNKNOWN");
  if (meme.takenDown) return refuse("MEME_TAKEN_DOWN");
  return { ok: true, draft: { kind, body: { memeId, by, reason } } };
}
