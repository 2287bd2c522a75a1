/**
 * A join storm: spectators and players arrive evenly over a few seconds at a round's opening. Owns: the order, the bounds
 * (nobody refused, p99 of a join, the room's tick). Does not own: the crowd.
 *
 * Players sign in before: what is measured is getting into the room (seat, socket, state, `you`), by the protocol's own
 * bytes, since two thousand whole SDK clients would measure themselves.
 */
import { setTimeout as delay } from "node:timers/promises";
import { openHouse } from "../crowd/house.ts";
import { JOIN_TIME, PLAY_TIME } from "../crowd/index.ts";
import { boundContent, boundSeats, noteHarness, round3 } from "../crowd/verdict.ts";
import type { Values } from "../options.ts";
import { Player } from "../player.ts";
import type { Report } from "../report/index.ts";
import type { Outcome } from "../run.ts";
import { gaugeOf } from "./metrics.ts";

const options = {
  count: { value: 20_000, min: 1, max: 200_000, help: "spectators" },
  players: { value: 2_000, min: 0, max: 10_000, help: "players" },
  over: { value: 5, min: 1, max: 120, help: "they arrive within so many seconds, s" },
  relays: { value: 2, min: 1, max: 16, help: "relay processes; more where the count needs them" },
  loaders: { value: 2, min: 1, max: 16, help: "processes of clients; more where the count needs them" },
  profiles: { text: "", help: "folder for CPU profiles of the game and the relays" },
} as const;
type Wanted = Values<typeof options>;

export const storm = {
  summary: "spectators and players arrive within seconds: who gets in, how soon, and how the room takes it",
  options,
  run,
};

const JOIN_P99_MS = 3_000;
const TICK_MS = 50;
const SIGN_INS_AT_ONCE = 20;
/** The room stands still for so long before the comparison: everybody has what there is. */
const SETTLE_MS = 3_000;
/** Everybody at once waits for nobody. */
const WITHOUT_LIMIT = 1_000_000;

async function run(wanted: Wanted, signal: AbortSignal, report: Report): Promise<Outcome> {
  const { count, players, over, relays, loaders, profiles } = wanted;
  const house = await openHouse({ count, relays, loaders, profiles, seconds: 120 + over }, signal, report);
  const { crowd, game, truth } = house;
  let ok = false;
  try {
    report.phase("players sign in", 60);
    const tokens = await signIn(game.url, players, signal, report);
    const { roomId } = await new Player(game.url).current();

    report.phase("the storm", over + 30);
    await Promise.all([
      crowd.join({ count, perSecond: count / over, atOnce: WITHOUT_LIMIT }, signal),
      crowd.play(roomId, tokens, over * 1_000, signal),
    ]);
    const tickMs = 1_000 * (await gaugeOf(game.url, "mr_round_tick_worst_seconds"));
    const workMs = 1_000 * (await gaugeOf(game.url, "mr_round_tick_work_worst_seconds"));
    report.phase("comparing every spectator's state", 60);
    await delay(SETTLE_MS, undefined, { signal });
    const compared = await crowd.compare(signal);

    const totals = crowd.totals;
    boundSeats(crowd, count, report);
    report.bound({
      name: "players in the room",
      value: totals.players,
      limit: players,
      unit: "",
      holds: totals.players === players,
    });
    const times: Record<string, object> = {};
    for (const [name, shown] of [
      [JOIN_TIME, "spectators"],
      [PLAY_TIME, "players"],
    ] as const) {
      const joins = report.histogram(name, "ms");
      if (joins.count === 0) continue;
      const p99 = joins.percentile(0.99);
      report.bound({
        name: `${name}, p99`,
        value: p99,
        limit: JOIN_P99_MS,
        unit: "ms",
        holds: p99 < JOIN_P99_MS,
      });
      times[shown] = { p50Ms: round3(joins.percentile(0.5)), p99Ms: round3(p99) };
    }
    report.bound({
      name: "the room's longest tick",
      value: tickMs,
      limit: TICK_MS,
      unit: "ms",
      holds: tickMs < TICK_MS,
    });
    const right = boundContent(compared, truth, totals.joined, report);
    noteHarness(crowd, report);
    ok = true;
    return {
      ok,
      figures: {
        spectators: totals.joined,
        players: totals.players,
        compared: right,
        join: times,
        longestTickMs: round3(tickMs),
        longestTickWorkMs: round3(workMs),
        loadLagMs: Math.round(totals.worstLagMs),
      },
    };
  } finally {
    await house.stop(!ok && !signal.aborted);
  }
}

/** Access tokens of so many new players. */
async function signIn(url: string, count: number, signal: AbortSignal, report: Report): Promise<string[]> {
  const tokens: string[] = [];
  let begun = 0;
  const one = async (): Promise<void> => {
    while (begun < count) {
      signal.throwIfAborted();
      // An address of its own for everybody, as in the storm.
      const at = begun++;
      const player = new Player(url, undefined, { "x-forwarded-for": `172.16.${at >> 8}.${at & 255}` });
      await player.signIn();
      tokens.push(player.token);
      if (tokens.length % 100 === 0) report.point("players", "signed in", tokens.length);
    }
  };
  await Promise.all(Array.from({ length: SIGN_INS_AT_ONCE }, one));
  return tokens;
}
