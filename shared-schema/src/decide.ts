/**
 * The one place where a command becomes a record or a refusal (R4, R9). Owns: the dispatch, phases, freeze and every
 * way a round ends. Pure: never changes the state. Does not own: appending (the journal store) or folding in (reducer.ts).
 */
import type { Command, CommandOf, Decision } from "./command.ts";
import type { VerifyCompact } from "./crypto.ts";
import { decideBoost, decideDeposit, decideEnter } from "./decide-spend.ts";
import { decideChat, decideModeration, decideReport } from "./decide-talk.ts";
import { refuse } from "./errors.ts";
import { computeOutcome, outpointOf, playersOf, VOID_EXPIRED } from "./payout.ts";
import type { RoundState } from "./round-state.ts";
import { expiryOf } from "./rules.ts";

export type { Command, Decision } from "./command.ts";

/** R2: open -> blind -> settling, each not before its time. */
function decidePhase(state: RoundState, to: "blind" | "settling", at: number): Decision {
  const { blindAt, closesAt } = state.open;
  const due =
    to === "blind"
      ? state.phase.kind === "open" && at >= blindAt
      : state.phase.kind === "blind" && at >= closesAt;
  return due ? { ok: true, draft: { kind: "phase", body: { to } } } : refuse("PHASE_WRONG");
}

/** The first of the outpoints that is no deposit of this round. */
function unknownOutpoint(state: RoundState, outpoints: ReadonlySet<string>): string | undefined {
  if (outpoints.size === 0) return undefined;
  const known = new Set<string>();
  for (const player of state.players.values())
    for (const deposit of player.deposits) known.add(outpointOf(deposit));
  return [...outpoints].find((outpoint) => !known.has(outpoint));
}

/** M1: deposits are judged once; what a dropped player entered is void. Unknown outpoints: NOT_FOUND. */
function decideFreeze(state: RoundState, command: CommandOf<"freeze">): Decision {
  if (state.phase.kind !== "settling" || state.phase.frozen !== undefined) return refuse("PHASE_WRONG");
  const outpoints = new Set(command.dropped);
  const unknown = unknownOutpoint(state, outpoints);
  if (unknown !== undefined) return refuse("NOT_FOUND", `${unknown} is no deposit of this round.`);
  const gone = playersOf(state, outpoints);
  const voidMemes = [...state.memes.values()].filter((m) => gone.has(m.playKey)).map((m) => m.memeId);
  const body = { dropped: [...outpoints].sort(), voidMemes: voidMemes.sort() };
  return { ok: true, draft: { kind: "freeze", body } };
}

/** E3-E10: the record that ends the journal; `void` for a round that nobody finished for 12 h (M4). */
function decideFinish(state: RoundState, at: number): Decision {
  if (state.phase.kind !== "settling" || state.phase.frozen === undefined) return refuse("PHASE_WRONG");
  const outcome = computeOutcome(state);
  if (outcome.kind === "void") return { ok: true, draft: { kind: "void", body: { reason: outcome.reason } } };
  return at < expiryOf(state.open.closesAt)
    ? { ok: true, draft: { kind: "result", body: outcome.result } }
    : { ok: true, draft: { kind: "void", body: { reason: VOID_EXPIRED } } };
}

/** An operator ends a round that has no result: everybody gets everything back. */
function decideCancel(state: RoundState, command: CommandOf<"cancel">): Decision {
  const { phase } = state;
  if (phase.kind === "final") return refuse("PHASE_WRONG");
  const reason = command.reason.trim();
  if (reason === "" || command.by === "")
    return refuse("BAD_REQUEST", "A cancellation needs a name and a reason.");
  const dropped = new Set(command.dropped);
  if (dropped.size > 0 && phase.kind === "settling" && phase.frozen !== undefined)
    return refuse("PHASE_WRONG", "The deposits have been judged.");
  const unknown = unknownOutpoint(state, dropped);
  if (unknown !== undefined) return refuse("NOT_FOUND", `${unknown} is no deposit of this round.`);
  const lost = dropped.size === 0 ? {} : { dropped: [...dropped].sort() };
  return { ok: true, draft: { kind: "void", body: { reason, by: command.by, ...lost } } };
}

/** M4: a result that no settlement was signed for by round end + 12 h gives way to full returns. */
function decideExpire(state: RoundState, at: number): Decision {
  const { phase } = state;
  const isDue =
    phase.kind === "final" && phase.outcome.kind === "result" && at >= expiryOf(state.open.closesAt);
  return isDue
    ? { ok: true, draft: { kind: "void", body: { reason: VOID_EXPIRED } } }
    : refuse("PHASE_WRONG");
}

/**
 * Judges a command against the state at time `now` (ms); what counts is the time the record will carry,
 * max(now, head.at). A refusal is an ordinary answer (R9), not an exception.
 */
export function decide(state: RoundState, command: Command, now: number, verify: VerifyCompact): Decision {
  const at = Math.max(now, state.head.at);
  switch (command.kind) {
    case "deposit":
      return decideDeposit(state, command, at);
    case "enter":
      return decideEnter(state, command, at, verify);
    case "boost":
      return decideBoost(state, command, at, verify);
    case "chat":
      return decideChat(state, command, verify);
    case "report":
      return decideReport(state, command, at);
    case "takedown":
    case "hide":
    case "unhide":
      return decideModeration(state, command, at);
    case "phase":
      return decidePhase(state, command.to, at);
    case "freeze":
      return decideFreeze(state, command);
    case "finish":
      return decideFinish(state, at);
    case "cancel":
      return decideCancel(state, command);
    case "expire":
      return decideExpire(state, at);
  }
}
