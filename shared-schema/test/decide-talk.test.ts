/** Every refusal of chat, reports, moderation, phases, freeze and finish (R2, R10, R12, M1, E10). */
import {
  ann,
  bob,
  type Case,
  cat,
  ended,
  itRefuses,
  refusal,
  report,
  T,
  takedown,
} from "./support/refusals.ts";
import { memeIdOf, txidOf } from "./support/round.ts";

const CASES: Case[] = [
  refusal("R10 nothing said", "CHAT_EMPTY", (r) => r.chat(bob, "")),
  refusal("R10 241 characters", "CHAT_TOO_LONG", (r) => r.chat(bob, "🚀".repeat(241))),
  refusal("R10 a line with a spoiled signature", "CHAT_SIGNATURE_INVALID", (r) => ({
    ...r.chat(bob, "hi"),
    text: "ho",
  })),
  refusal(
    "R10 a line sent twice",
    "CHAT_OUT_OF_ORDER",
    (r) => r.chat(bob, "hi", 1),
    (r) => r.must(r.chat(bob, "hi")),
  ),
  refusal("R10 a line that skips a number", "CHAT_OUT_OF_ORDER", (r) => r.chat(bob, "hi", 2)),
  refusal("I2 a line under another identity", "PLAY_KEY_TAKEN", (r) =>
    r.chat({ ...bob, identity: cat.identity }, "hi"),
  ),
  refusal("R10 a line after the end", "PHASE_WRONG", (r) => r.chat(bob, "hi"), ended),

  refusal(
    "R12 a report by somebody who spent less than an entry",
    "REPORT_NOT_ALLOWED",
    () => report(bob, "a"),
    (r) => r.must(r.boost(bob, "a", 999)),
  ),
  refusal(
    "R12 a second report",
    "REPORT_TWICE",
    () => report(bob, "a"),
    (r) => {
      r.must(r.boost(bob, "a", 1_000));
      r.must(report(bob, "a"));
    },
  ),
  refusal(
    "R12 a report in blind",
    "PHASE_WRONG",
    () => report(bob, "a"),
    (r) => {
      r.must(r.boost(bob, "a", 1_000));
      r.at(T * 0.95);
    },
  ),
  refusal("R12 a report of nothing known", "MEME_UNKNOWN", () => report(ann, "z")),
  refusal(
    "R12 a report of a meme taken down",
    "MEME_TAKEN_DOWN",
    () => report(ann, "a"),
    (r) => r.must(takedown("a")),
  ),

  refusal("R12 a takedown of nothing known", "MEME_UNKNOWN", () => takedown("z")),
  refusal(
    "R12 a second takedown",
    "MEME_TAKEN_DOWN",
    () => takedown("a"),
    (r) => r.must(takedown("a")),
  ),
  refusal(
    "R12 a takedown after the close",
    "PHASE_WRONG",
    () => takedown("a"),
    (r) => r.at(T),
  ),
  refusal(
    "R12 a blur after the end",
    "PHASE_WRONG",
    () => ({ kind: "hide", memeId: memeIdOf("a"), by: "mod", reason: "?" }),
    ended,
  ),

  refusal(
    "R2 blind before its time",
    "PHASE_WRONG",
    () => ({ kind: "phase", to: "blind" }),
    (r) => r.at(T * 0.95 - 1),
  ),
  refusal(
    "R2 settling before the close",
    "PHASE_WRONG",
    () => ({ kind: "phase", to: "settling" }),
    (r) => r.at(T - 1),
  ),
  refusal(
    "R2 settling from open",
    "PHASE_WRONG",
    () => ({ kind: "phase", to: "settling" }),
    (r) => {
      r.now += T;
    },
  ),
  refusal("M1 a freeze before settling", "PHASE_WRONG", () => ({ kind: "freeze", dropped: [] })),
  refusal(
    "M1 a second freeze",
    "PHASE_WRONG",
    () => ({ kind: "freeze", dropped: [] }),
    (r) => r.at(T).must({ kind: "freeze", dropped: [] }),
  ),
  refusal(
    "M1 a freeze of an unknown outpoint",
    "NOT_FOUND",
    () => ({ kind: "freeze", dropped: [`${txidOf("?")}:0`] }),
    (r) => r.at(T),
  ),
  refusal(
    "E10 a finish before the freeze",
    "PHASE_WRONG",
    () => ({ kind: "finish" }),
    (r) => r.at(T),
  ),
  refusal("E10 a second finish", "PHASE_WRONG", () => ({ kind: "finish" }), ended),
];

describe("decide: words, moderation and phases refused change nothing", () => {
  itRefuses(CASES);
});
