/**
 * Judging a journal without believing its writer (M4, M10). Owns: hashes, shapes, times, every signature, every
 * decision made again, the result recomputed. Does not own: what only the chain can say (deposits, outputs).
 */
import type { Command } from "./command.ts";
import type { VerifyCompact } from "./crypto.ts";
import { decide } from "./decide.ts";
import { chatRefusal } from "./decide-talk.ts";
import { canonicalJson } from "./hash.ts";
import {
  type BodyOf,
  type Entry,
  entrySchema,
  type JournalRecord,
  recordHash,
  ZERO_HASH,
} from "./records.ts";
import { apply, hasEnded, openState } from "./reducer.ts";
import type { RoundState } from "./round-state.ts";
import { roundIdOf } from "./rules.ts";
import { decodeVoucher } from "./voucher.ts";

export type Verified = { ok: true; state: RoundState } | { ok: false; seq: number; reason: string };

/** R3, E11: the clock in record 1 is the one its rules make. */
function openReason(body: BodyOf<"open">, at: number): string | undefined {
  const { rules, opensAt, blindAt, closesAt } = body;
  if (opensAt % rules.roundMs !== 0) return "the round does not start on a slot";
  if (closesAt !== opensAt + rules.roundMs) return "closesAt is not a round length after opensAt";
  if (blindAt !== closesAt - rules.blindMs) return "blindAt is not where the rules put it";
  if (body.roundId !== roundIdOf(body.arena, opensAt)) return "the roundId does not follow from the time";
  if (at >= closesAt) return "the round was opened after its end";
  if (new Set(body.carryFrom.map((c) => c.roundId)).size !== body.carryFrom.length)
    return "a round's carry is consumed twice";
  return undefined;
}

/** The command that must have led to this record; a string says why there can be none. */
function commandOf(state: RoundState, entry: Entry, record: JournalRecord): Command | string {
  switch (record.kind) {
    case "open":
      return "`open` stands only at the start";
    case "deposit":
    case "report":
    case "takedown":
    case "hide":
    case "unhide":
      return { kind: record.kind, ...record.body } as Command;
    case "enter":
    case "boost": {
      const voucher = decodeVoucher(record.body.voucher);
      if (voucher === undefined) return "the voucher cannot be read";
      if (entry.sig === undefined) return "the voucher has no signature";
      const { playKey, memeId } = voucher;
      const identity = state.players.get(playKey)?.identity ?? "";
      const wire = { bytes: record.body.voucher, sig: entry.sig };
      if (record.kind === "boost") return { kind: "boost", playKey, identity, memeId, voucher: wire };
      const { mime, phash } = record.body;
      const { title, salt } = entry.private ?? {};
      const content = { memeId, mime, phash, title: title ?? "", identity };
      return { kind: "enter", playKey, identity, voucher: wire, content, salt: salt ?? "" };
    }
    case "chat": {
      if (entry.private?.text === undefined || entry.sig === undefined) return "the line has no signature";
      const { text, salt } = entry.private;
      const { playKey } = record.body;
      const identity = state.players.get(playKey)?.identity ?? "";
      return { kind: "chat", playKey, identity, text, sig: entry.sig, salt };
    }
    case "phase":
      return { kind: "phase", to: record.body.to };
    case "freeze":
      return { kind: "freeze", dropped: record.body.dropped };
    case "result":
      return { kind: "finish" };
    case "void": {
      const { by, reason, dropped = [] } = record.body;
      if (by !== undefined) return { kind: "cancel", by, reason, dropped };
      return { kind: state.phase.kind === "final" ? "expire" : "finish" };
    }
  }
}

/** A body without the hash of removable text, for records whose text is gone. */
function withoutPrivate(body: object): object {
  const { private: _hash, ...rest } = body as { private?: string };
  return rest;
}

function decisionReason(state: RoundState, entry: Entry, verify: VerifyCompact): string | undefined {
  const { record } = entry;
  // R10: a removed line has neither text nor signature; its number and its moment still have to fit.
  if (record.kind === "chat" && entry.private === undefined && entry.sig === undefined) {
    const next = state.players.get(record.body.playKey)?.chatNext ?? 1;
    if (record.body.n !== next) return "CHAT_OUT_OF_ORDER";
    return chatRefusal(state)?.code;
  }
  const command = commandOf(state, entry, record);
  if (typeof command === "string") return command;
  const decision = decide(state, command, record.at, verify);
  if (!decision.ok) return decision.code;
  if (decision.draft.kind !== record.kind) return `this should be \`${decision.draft.kind}\``;
  const removed = record.kind === "enter" && entry.private === undefined;
  const [made, found] = removed
    ? [withoutPrivate(decision.draft.body), withoutPrivate(record.body)]
    : [decision.draft.body, record.body];
  return canonicalJson(made) === canonicalJson(found) ? undefined : "the record differs from what follows";
}

/**
 * Checks one entry against the state before it (undefined: it is the first) and folds it in. For those who tail a
 * live journal. On `ok: false` the state given is unchanged.
 */
export function verifyEntry(state: RoundState | undefined, entry: Entry, verify: VerifyCompact): Verified {
  const expected = (state?.head.seq ?? 0) + 1;
  const no = (reason: string): Verified => ({ ok: false, seq: expected, reason });
  const parsed = entrySchema.safeParse(entry);
  if (!parsed.success) return no(`shape: ${parsed.error.issues[0]?.message ?? "unknown"}`);
  const { record } = entry;
  if (record.seq !== expected) return no(`seq is ${record.seq}`);
  if (record.prev !== (state?.head.hash ?? ZERO_HASH)) return no("prev is not the hash of the record before");
  if (recordHash(record) !== entry.hash) return no("the hash is not the record's");
  if (state === undefined) {
    if (record.kind !== "open") return no("a journal starts with `open`");
    const reason = openReason(record.body, record.at);
    return reason === undefined ? { ok: true, state: openState(entry) } : no(reason);
  }
  if (record.at < state.head.at) return no("it is earlier than the one before");
  if (hasEnded(state, record)) return no("the journal has ended");
  const reason = decisionReason(state, entry, verify);
  if (reason !== undefined) return no(reason);
  apply(state, entry);
  return { ok: true, state };
}

/**
 * Judges a whole journal: it must reach its `result` or `void`. With `partial`, any beginning of one is accepted,
 * for a round that is still live.
 */
export function verifyJournal(
  entries: Entry[],
  verify: VerifyCompact,
  options: { partial?: boolean } = {},
): Verified {
  let state: RoundState | undefined;
  for (const entry of entries) {
    const step = verifyEntry(state, entry, verify);
    if (!step.ok) return step;
    state = step.state;
  }
  if (state === undefined) return { ok: false, seq: 1, reason: "the journal is empty" };
  if (state.phase.kind !== "final" && options.partial !== true)
    return { ok: false, seq: state.head.seq + 1, reason: "the journal has no result" };
  return { ok: true, state };
}
