/**
 * Is this game all right? The last step of a delivery (O9): its page, its health, its round, a spectator, REST times, and
 * on the devchain two people who play. Owns: the order, and a stated bound for every step. Ends within a minute.
 */
import { type Game, gameFor } from "../game.ts";
import type { Values } from "../options.ts";
import type { Report } from "../report/index.ts";
import type { Outcome } from "../run.ts";
import { targetOptions } from "../target.ts";
import { get, readHealth, readPage, readReady, readSnapshot, spectate, type Watching } from "./outside.ts";
import { makePlayers, playableRound, playRound } from "./play.ts";

const options = { ...targetOptions } as const;

export const smoke = {
  summary:
    "the last step of a delivery: page, health, round, spectator, REST, and a round played on the devchain",
  options,
  run,
};

const ROUND_SECONDS = 20;
/** For all of it but the start of a game of its own, s. */
const WHOLE_S = 60;
const STEP_MS = 10_000;
const REST_P99_MS = 500;
const READS = ["/rounds/current", "/rounds", "/gallery", "/leaderboard?window=day", "/stats"];
const READ_TIMES = 40;
const READS_AT_ONCE = 4;
/** The last seconds of a round take no deposits, and one may have to wait for the next, ms. */
const ROUND_WAIT_MS = 45_000;

async function run(values: Values<typeof options>, signal: AbortSignal, report: Report): Promise<Outcome> {
  const game = await gameFor(
    values.target,
    { roundSeconds: ROUND_SECONDS, blockSeconds: 0, games: 1, workers: 1 },
    signal,
    report,
  );
  let ok = false;
  try {
    const from = performance.now();
    const passed = await steps(game, signal, report);
    const seconds = (performance.now() - from) / 1_000;
    report.bound({ name: "all of it", value: seconds, limit: WHOLE_S, unit: "s", holds: seconds <= WHOLE_S });
    ok = passed;
    return { ok, figures: { seconds: Number(seconds.toFixed(1)) } };
  } finally {
    await game.stop(!ok && !signal.aborted);
  }
}

async function steps(game: Game, signal: AbortSignal, report: Report): Promise<boolean> {
  const { url } = game;
  let failed = 0;
  /** Does one step and states it; undefined when it failed. Later steps that need it are left out. */
  const step = async <T>(name: string, work: () => Promise<T>, limit = STEP_MS): Promise<T | undefined> => {
    signal.throwIfAborted();
    report.phase(name, limit / 1_000);
    const from = performance.now();
    try {
      const answer = await work();
      const value = performance.now() - from;
      report.bound({ name, value, limit, unit: "ms", holds: value <= limit });
      return answer;
    } catch (error) {
      if (signal.aborted) throw error;
      failed++;
      report.note(`${name}: ${error instanceof Error ? error.message : String(error)}`);
      report.bound({ name, value: performance.now() - from, limit, unit: "ms", holds: false });
      return undefined;
    }
  };
  await step("the server is alive", () => readHealth(url));
  await step("the server is ready", () => readReady(url));
  await step("the page and its scripts", () => readPage(url));
  const snapshot = await step("the live round", () => readSnapshot(url));
  await step("REST reads", () => rest(url, report));
  const watching = await step("a spectator's seat and state", () => spectate(url));
  try {
    if (snapshot !== undefined && watching !== undefined) {
      if (snapshot.network === "devchain") await play(url, watching, signal, report, step);
      else report.note(`No round was played: coins of the network "${snapshot.network}" are not given away.`);
    }
  } finally {
    await watching?.leave().catch(() => report.note("The spectator could not leave."));
  }
  return failed === 0;
}

type Step = <T>(name: string, work: () => Promise<T>, limit?: number) => Promise<T | undefined>;

async function play(
  url: string,
  watching: Watching,
  signal: AbortSignal,
  report: Report,
  step: Step,
): Promise<void> {
  const people = await step("two people sign in, with coins and a picture", () => makePlayers(url));
  if (people === undefined) return;
  const round = await step(
    "a round with time left",
    () => playableRound(url, ROUND_WAIT_MS, signal),
    ROUND_WAIT_MS,
  );
  if (round === undefined) return;
  const acks = report.histogram("acknowledgement of a command", "ms");
  const played = await step("deposits, entry and boosts, with receipts, seen by a spectator", async () => {
    // The seat taken before may be of the round that has just ended.
    const here = watching.state().roundId === round.roundId ? watching : await spectate(url);
    try {
      return await playRound(round, people, here, acks);
    } finally {
      if (here !== watching) await here.leave();
    }
  });
  if (played !== undefined) report.figures(played);
}

/** Reads what pages read, some at once; a bound on their p99 beside /healthz, which does nothing. */
async function rest(url: string, report: Report): Promise<void> {
  const times = report.histogram("REST read", "ms");
  const floor = report.histogram("floor: /healthz", "ms");
  const timed = async (path: string, into: typeof times): Promise<void> => {
    const from = performance.now();
    const { status } = await get(`${url}${path}`);
    into.record(performance.now() - from);
    if (status !== 200) throw new Error(`${path} answers ${status}`);
  };
  for (let at = 0; at < READ_TIMES; at++)
    for (const path of READS)
      await Promise.all([
        ...Array.from({ length: at % READS_AT_ONCE }, () => timed(`/api${path}`, times)),
        timed("/healthz", floor),
      ]);
  const p99 = times.percentile(0.99);
  report.bound({
    name: "REST read, p99",
    value: p99,
    limit: REST_P99_MS,
    unit: "ms",
    holds: p99 < REST_P99_MS,
    floor: floor.percentile(0.99),
  });
}
