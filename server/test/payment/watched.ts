/** Rounds that the auditor watched, and forgeries of them. Owns no assertion of its own but the refusals asked for. */
import { strict as assert } from "node:assert";
import { computeOutcome } from "@meme-rounds/shared-schema/payout";
import { EMPTY_HEAD, type Entry, type JournalRecord, seal } from "@meme-rounds/shared-schema/records";
import { apply, openState } from "@meme-rounds/shared-schema/reducer";
import type { RoundState } from "@meme-rounds/shared-schema/round-state";
import type { Rules } from "@meme-rounds/shared-schema/rules";
import type { SettlementPlan } from "@meme-rounds/shared-schema/settlement";
import type { RefusalCode } from "../../src/payment/wire.ts";
import { planFor, refused } from "./auditor-kit.ts";
import type { MoneyRound, Play, World } from "./world.ts";

/** A journal with something else in it, its hashes written anew and its result what follows, as whoever holds Redis can. */
export interface Forgery {
  entries: Entry[];
  state: RoundState;
}
type Change = (record: JournalRecord) => Partial<JournalRecord> | undefined;

export function forge(entries: readonly Entry[], change: Change): Forgery {
  let state: RoundState | undefined;
  const made: Entry[] = [];
  for (const { record, sig, private: text } of entries) {
    const changed = change(record);
    if (changed === undefined) continue;
    const next = { ...record, ...changed } as JournalRecord;
    const outcome = next.kind === "result" && state !== undefined ? computeOutcome(state) : undefined;
    const body = outcome?.kind === "result" ? outcome.result : next.body;
    const head = state === undefined ? EMPTY_HEAD : { ...state.head, at: Math.min(state.head.at, next.at) };
    const draft = { kind: next.kind, body } as Parameters<typeof seal>[2];
    const entry = seal(head, next.at, draft, { ...(sig && { sig }), ...(text && { private: text }) });
    made.push(entry);
    if (state === undefined) state = openState(entry);
    else apply(state, entry);
  }
  assert.ok(state);
  return { entries: made, state };
}

export const boosts = (round: MoneyRound): Entry[] =>
  round.entries.filter(({ record }) => record.kind === "boost");

/** The same first record with other rules. */
export const withRules =
  (rules: Partial<Rules>): Change =>
  (record) =>
    record.kind === "open" ? { body: { ...record.body, rules: { ...record.body.rules, ...rules } } } : {};

const MIDDLE_MS = 30_000;

export class Watching {
  readonly world: World;
  /** Of the last round. */
  slot = 10;

  constructor(world: World) {
    this.world = world;
  }

  /** A finished round that the auditor saw at its middle and, unless told otherwise, at its end. */
  async round(options: Partial<Play> & { rules?: Partial<Rules>; end?: boolean } = {}): Promise<MoneyRound> {
    this.slot += 1;
    const { rules, end = true, ...play } = options;
    const round = await this.world.play({ slot: this.slot, players: 4, memes: 3, ...play });
    if (rules !== undefined) {
      const { entries, state } = forge(round.entries.slice(0, 1), withRules(rules));
      Object.assign(round, { entries, state, open: state.open });
    }
    await this.world.redis.sadd("mr:unfinished:main", round.open.roundId);
    await this.look(round, MIDDLE_MS);
    if (end) await this.look(round, round.open.rules.roundMs);
    return round;
  }

  /** The auditor looks at what was written until so many ms after the opening. */
  async look(round: MoneyRound, ms: number, entries: readonly Entry[] = round.entries): Promise<void> {
    const { world } = this;
    const until = round.open.opensAt + ms;
    world.now = until + 300;
    await world.keep(
      round.open.roundId,
      entries.filter(({ record }) => record.at <= until),
    );
    await world.auditor.look();
  }

  /** What an operator would ask for who believes the forgery, or wants others to. */
  async planOf(round: MoneyRound, { entries, state }: Forgery): Promise<SettlementPlan> {
    await this.world.keep(round.open.roundId, entries);
    const forged = Object.assign(Object.create(round) as MoneyRound, { state, open: state.open });
    return await planFor(this.world, forged);
  }

  /** Refused, again, and again after the auditor's restart. */
  async deny(plan: SettlementPlan, code: RefusalCode, reason: RegExp): Promise<void> {
    await refused(this.world, plan, code, reason);
    await refused(this.world, plan, code, reason);
    await this.world.restartAuditor();
    await refused(this.world, plan, code, reason);
  }
}
