/**
 * Sign-ins under load: people with every kind of wallet sign in at once, again and again, at a whole running game, each
 * time from an address of its own. Owns: the order of it all. Does not own: the game's processes, wallets, figures.
 *
 * In waves: everybody asks for a challenge, then everybody signs, then everybody sends the answer. So the making of
 * signatures, which is the wallet's work, weighs neither on a time nor on the server. Each wave has its floor: as many
 * at once who make two calls that ask for nothing.
 */
import { watchServices } from "../game.ts";
import { startCluster } from "../money/cluster.ts";
import { LiveLine } from "../money/report.ts";
import type { Values } from "../options.ts";
import type { Report } from "../report/index.ts";
import { SigninTally, summaryOf } from "./figures.ts";
import { LagMeter } from "./lag.ts";
import { peopleOf, SIGNATURE_KINDS, SigninCalls, sign } from "./people.ts";
import { Waves } from "./waves.ts";

const options = {
  players: { value: 100, min: 1, max: 1_000, help: "people who sign in at the same time" },
  seconds: { value: 10, min: 2, max: 600, help: "how long they do, signing included, s" },
} as const;

export const signin = {
  summary: "people with all kinds of wallets sign in at once; p50 and p99 from challenge to tokens",
  options,
  run,
};

/** Sign-ins of one player, with nobody else about. */
const ALONE = 20;

async function run({ players, seconds }: Values<typeof options>, signal: AbortSignal, report: Report) {
  const line = new LiveLine();
  line.show("starting the game");
  const cluster = await startCluster({ roundSeconds: 60, blockSeconds: 0, games: 1, workers: 1 }, signal);
  watchServices(cluster, report);
  let ok = false;
  try {
    const [url = ""] = cluster.gameUrls();
    const calls = new SigninCalls(url);
    const people = await peopleOf(players);
    const tally = new SigninTally();
    const now = (): number => performance.now();
    const lag = new LagMeter({
      now,
      after(ms, act) {
        const timer = setTimeout(act, ms);
        return () => clearTimeout(timer);
      },
    });
    const waves = new Waves({
      calls,
      sign,
      failed: (reason) => tally.failed(reason),
      lag,
      signal,
      now,
    });

    // The first waves warm up server and harness; only their failures count.
    line.show("warming up");
    await waves.signIn(people);
    await waves.floor(players);
    lag.reset();
    const end = performance.now() + seconds * 1_000;
    while (performance.now() < end && !signal.aborted) {
      const wave = await waves.signIn(people);
      if (signal.aborted) break;
      tally.wave(wave, await waves.floor(players));
      line.show(progress(tally, end));
      // A server that lets nobody in is not asked for ever.
      if (wave.pairs.length === 0) break;
    }
    const ownLagP99Ms = lag.percentile(0.99);
    for (let time = 0; time < ALONE && !signal.aborted; time++) {
      const at = time % Math.min(players, SIGNATURE_KINDS);
      tally.alone.push(...(await waves.signIn(people.slice(at, at + 1))).pairs);
    }
    line.end();

    const figures = tally.figures({ players, wallets: Math.min(players, SIGNATURE_KINDS), ownLagP99Ms });
    console.log(summaryOf(figures));
    ok = figures.failures === 0 && figures.signIns > 0;
    const { failures } = figures;
    report.bound({
      name: "sign-ins that failed",
      value: failures,
      limit: 0,
      unit: "",
      holds: failures === 0,
    });
    if (!ok && !signal.aborted) console.log(`logs and data are kept: ${cluster.folder}`);
    return { ok, figures };
  } finally {
    await cluster.stop(!ok && !signal.aborted);
  }
}

function progress(tally: SigninTally, end: number): string {
  const left = Math.max(0, Math.round((end - performance.now()) / 1_000));
  const { signIns, waves, failures } = tally;
  return `${left} s left  ${waves} waves  ${signIns.length} sign-ins  ${failures} failed`;
}
