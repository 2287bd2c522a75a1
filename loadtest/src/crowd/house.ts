/**
 * The game a crowd watches: its own processes, one round long enough, relays and load generators enough for the count.
 * Owns: how many of each. Does not own: starting them (game.ts), what is measured.
 */
import { setTimeout as delay } from "node:timers/promises";
import { type Game, gameFor } from "../game.ts";
import type { Report } from "../report/index.ts";
import { readSnapshot } from "../smoke/outside.ts";
import { Crowd } from "./index.ts";
import { roundLengthFor } from "./slot.ts";
import { Truth } from "./truth.ts";

/** A process may have 20,000 files open; what is left is for connections to Redis, seats asked for, and the like. */
const SOCKETS_PER_PROCESS = 16_700;
const LOOK_MS = 200;
/** The game is up after so long, s. */
const STARTING_S = 14;

export interface House {
  game: Game;
  crowd: Crowd;
  truth: Truth;
  roundId: string;
  /** Of the game and the relays; without the load generators. */
  serverPids: number[];
  relayPids: number[];
  stop(keep: boolean): Promise<void>;
}

export interface HouseOptions {
  count: number;
  relays: number;
  loaders: number;
  /** Needed of one round, s: a longer one is made. */
  seconds: number;
  /** Folder for CPU profiles; empty for none. */
  profiles: string;
}

/** As many as the count needs, at least `wanted`. */
export const processesFor = (count: number, wanted: number): number =>
  Math.max(wanted, Math.ceil(count / SOCKETS_PER_PROCESS));

/** Starts it all. Nothing is left running when it rejects. */
export async function openHouse(options: HouseOptions, signal: AbortSignal, report: Report): Promise<House> {
  const { count, relays, loaders, seconds, profiles } = options;
  const roundSeconds = roundLengthFor(seconds, Math.floor(Date.now() / 1_000) + STARTING_S);
  const game = await gameFor(
    "",
    {
      roundSeconds,
      blockSeconds: 0,
      games: 1,
      workers: 0,
      relays: processesFor(count, relays),
      ...(profiles === "" ? {} : { profiles }),
    },
    signal,
    report,
  );
  const started: { stop(): Promise<void> }[] = [];
  try {
    report.phase("waiting for a round with time enough", roundSeconds);
    const round = await roomyRound(game.url, seconds, signal);
    const truth = await Truth.watch(game.url);
    started.push({ stop: () => truth.leave().catch(() => undefined) });
    const crowd = await Crowd.start(
      { gameUrl: game.url, workers: processesFor(count, loaders) },
      report,
      signal,
    );
    started.push(crowd);
    const pidsOf = (role: string): number[] =>
      (game.own?.services ?? []).flatMap((one) =>
        one.role === role && one.child.pid !== undefined ? [one.child.pid] : [],
      );
    const relayPids = pidsOf("relay");
    return {
      game,
      crowd,
      truth,
      roundId: round.roundId,
      relayPids,
      serverPids: [...relayPids, ...pidsOf("game"), ...pidsOf("redis")],
      async stop(keep) {
        for (const one of started.toReversed()) await one.stop();
        await game.stop(keep);
      },
    };
  } catch (error) {
    for (const one of started.toReversed()) await one.stop();
    await game.stop(!signal.aborted);
    throw error;
  }
}

/** The live round when it has so many seconds left, or the next. */
async function roomyRound(url: string, seconds: number, signal: AbortSignal) {
  for (;;) {
    signal.throwIfAborted();
    // Between two rounds there is none for a moment.
    const round = await readSnapshot(url).catch(() => undefined);
    if (round !== undefined && round.blindAt - round.serverTime > seconds * 1_000) return round;
    await delay(LOOK_MS, undefined, { signal });
  }
}
