/**
 * Tables of refusals. Owns: the round most cases start from, and running a table: each command gets its code and
 * leaves the state as it was (R4, R9).
 */
import assert from "node:assert/strict";
import type { Command } from "../../src/command.ts";
import { decide } from "../../src/decide.ts";
import type { ErrorCode } from "../../src/errors.ts";
import { type Actor, actor, memeIdOf, TestRound } from "./round.ts";

export const ann = actor("ann");
export const bob = actor("bob");
export const cat = actor("cat");
/** Another play key of Ann's identity. */
export const annTwo = actor("ann2", "ann");
export const T = 600_000;

/** Ann's meme is in; Bob and Cat have money. */
export function started(options: ConstructorParameters<typeof TestRound>[0] = {}): TestRound {
  const round = new TestRound(options);
  for (const who of [ann, annTwo, bob, cat]) round.must(round.deposit(who, 5_000));
  round.must(round.enter(ann, "a"));
  return round;
}

export interface Case {
  rule: string;
  code: ErrorCode;
  /** Prepares the round and makes the command. */
  make: () => { round: TestRound; command: Command };
}
export const refusal = (
  rule: string,
  code: ErrorCode,
  command: (round: TestRound) => Command,
  prepare: (round: TestRound) => void = () => {},
  options: ConstructorParameters<typeof TestRound>[0] = {},
): Case => ({
  rule,
  code,
  make: () => {
    const round = started(options);
    prepare(round);
    return { round, command: command(round) };
  },
});

/** The same voucher with the last byte of its signature changed. */
export function spoiled<C extends Extract<Command, { kind: "enter" | "boost" }>>(command: C): C {
  const { bytes, sig } = command.voucher;
  const last = sig.endsWith("0") ? "1" : "0";
  return { ...command, voucher: { bytes, sig: sig.slice(0, -1) + last } };
}
export const takedown = (name: string): Command => ({
  kind: "takedown",
  memeId: memeIdOf(name),
  by: "mod",
  reason: "stolen",
});
export const report = (who: Actor, name: string): Command => ({
  kind: "report",
  playKey: who.playKey,
  memeId: memeIdOf(name),
});
export const ended = (round: TestRound): void => {
  round.must(round.enter(bob, "b"));
  round.must(round.boost(cat, "a", 100));
  round.end();
};

/** `phash` with its last `bits` bits turned over. */
export function flipped(phash: string, bits: number): string {
  return (BigInt(`0x${phash}`) ^ ((1n << BigInt(bits)) - 1n)).toString(16).padStart(16, "0");
}

export function itRefuses(cases: Case[]): void {
  for (const { rule, code, make } of cases)
    it(`${rule}: ${code}`, () => {
      const { round, command } = make();
      const before = structuredClone(round.state);
      const decision = decide(round.state, command, round.now, round.signer.verify);
      assert.deepEqual(decision.ok ? "accepted" : decision.code, code);
      assert.deepEqual(round.state, before);
    });
}
