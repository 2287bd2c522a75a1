/**
 * The money soak: short rounds with many paying players against a chain that lies and processes that die; at the end it
 * proves that nothing was lost, invented or paid twice. Owns: the order of it all and the figures. Does not own: any part.
 */
import { monitorEventLoopDelay } from "node:perf_hooks";
import { setTimeout as delay } from "node:timers/promises";
import { createVerifier } from "../../../server/src/infra/ecdsa.ts";
import { createRedis } from "../../../server/src/infra/redis.ts";
import { readJournal } from "../../../server/src/round/journal-store.ts";
import { watchServices } from "../game.ts";
import type { Values } from "../options.ts";
import type { Report } from "../report/index.ts";
import { DevchainView, remembering } from "./chain-view.ts";
import { Chaos } from "./chaos.ts";
import { type Cluster, startCluster } from "./cluster.ts";
import { Crowd } from "./crowd.ts";
import { coinsKnownTo, type Proof, prove } from "./prove.ts";
import type { Mismatch } from "./prove-round.ts";
import { Random } from "./random.ts";
import { type Figures, LiveLine, showSummary, writeReport } from "./report.ts";
import { untilSettled } from "./settled.ts";
import { Tally } from "./tally.ts";

const options = {
  seconds: { value: 120, min: 20, max: 7_200, help: "how long rounds are played, s" },
  players: { value: 40, min: 4, max: 1_000, help: "paying players" },
  "round-seconds": { value: 20, min: 20, max: 600, help: "length of a round, s" },
  seed: { value: 1, min: 0, max: 2 ** 32 - 1, help: "seed of everything drawn by chance" },
  games: { value: 2, min: 1, max: 4, help: "game servers" },
  workers: { value: 2, min: 1, max: 4, help: "payment workers" },
  cheats: { value: 1, min: 0, max: 20, help: "double spenders a round" },
  "reorg-cheats": { value: 40, min: 0, max: 100, help: "% of them who wait for a reorganisation" },
  "kill-seconds": { value: 15, min: 0, max: 600, help: "s between kills of a process, about; 0: none" },
  "reorg-seconds": { value: 60, min: 0, max: 600, help: "s between reorganisations; 0: none" },
  "fault-seconds": { value: 8, min: 0, max: 600, help: "s between faults of the node; 0: none" },
  "settle-seconds": { value: 240, min: 30, max: 3_600, help: "how long payouts may take afterwards, s" },
} as const;
type Wanted = Values<typeof options>;

const ENTRANTS_SHARE = 0.2;
const MAX_ENTRANTS = 20;
/** Recent deposits among which a reorganisation picks what it drops. */
const TARGETS = 60;
const LINE_MS = 1_000;

interface Soak {
  wanted: Wanted;
  cluster: Cluster;
  chain: DevchainView;
  crowd: Crowd;
  tally: Tally;
  random: Random;
  line: LiveLine;
  signal: AbortSignal;
}

export const money = {
  summary: "players, kills, reorganisations and faults; proves that no satoshi is lost or invented",
  options,
  run,
};

async function run(
  wanted: Wanted,
  signal: AbortSignal,
  report: Report,
): Promise<{ ok: boolean; figures: object }> {
  const lag = monitorEventLoopDelay({ resolution: 10 });
  lag.enable();
  const tally = new Tally();
  const random = new Random(wanted.seed);
  const line = new LiveLine();
  line.show("starting the game");
  const cluster = await startCluster(
    {
      roundSeconds: wanted["round-seconds"],
      blockSeconds: 0,
      games: wanted.games,
      workers: wanted.workers,
    },
    signal,
  );
  watchServices(cluster, report);
  let ok = false;
  try {
    const chain = new DevchainView(cluster.devchainUrl);
    const crowd = new Crowd(
      {
        players: wanted.players,
        entrants: Math.max(2, Math.min(MAX_ENTRANTS, Math.floor(wanted.players * ENTRANTS_SHARE))),
        cheatsPerRound: wanted.cheats,
        reorgCheats: wanted["reorg-cheats"] / 100,
        rounds: Math.ceil(wanted.seconds / wanted["round-seconds"]) + 1,
      },
      { gameUrls: cluster.gameUrls, chain, tally, random: random.fork() },
    );
    const soak: Soak = { wanted, cluster, chain, crowd, tally, random, line, signal };
    const began = Date.now();
    await play(soak);
    const playedS = (Date.now() - began) / 1000;
    const { proof, stuck, finalAfterS } = await settleAndProve(soak);
    const mismatches = [...tally.mismatches, ...stuck, ...proof.mismatches];
    const figures = figuresOf(soak, proof, {
      playedS,
      finalAfterS,
      mismatches: mismatches.length,
      lagMs: lag.percentile(99) / 1e6,
    });
    line.end();
    showSummary(figures, proof, tally, mismatches);
    ok = mismatches.length === 0;
    report.bound({ name: "things that are wrong", value: mismatches.length, limit: 0, unit: "", holds: ok });
    const path = await writeReport(figures, {
      wanted,
      counts: Object.fromEntries(tally.counts),
      oddities: Object.fromEntries(tally.oddities),
      proof: { ...proof, mismatches },
    });
    console.log(`\nthe whole report: ${path}`);
    if (!ok) console.log(`logs and data are kept: ${cluster.folder}`);
    return { ok, figures };
  } finally {
    await cluster.stop(!ok);
  }
}

/** Everything until the last round's players have left and the chaos has ended. */
async function play(soak: Soak): Promise<void> {
  const { wanted, cluster, chain, crowd, tally, random, line, signal } = soak;
  line.show("giving everybody coins and pictures");
  await crowd.gather();
  const watching = new AbortController();
  const watch = crowd.watch(AbortSignal.any([signal, watching.signal]));
  const calming = new AbortController();
  const chaos = new Chaos(
    {
      killSeconds: wanted["kill-seconds"],
      reorgSeconds: wanted["reorg-seconds"],
      faultSeconds: wanted["fault-seconds"],
    },
    {
      cluster,
      chain,
      tally,
      random: random.fork(),
      targets: () => targetsOf(crowd, chain),
      unwanted: () => crowd.unwanted(),
      grudges: () => crowd.grudges(),
      signal: AbortSignal.any([signal, calming.signal]),
    },
  ).run();
  const endsAt = Date.now() + wanted.seconds * 1_000;
  const show = setInterval(() => line.show(progress(soak, endsAt)), LINE_MS);
  try {
    await crowd.play(endsAt, signal);
  } finally {
    clearInterval(show);
    calming.abort();
    await chaos;
    watching.abort();
    await watch;
  }
}

function progress({ crowd, tally, cluster }: Soak, endsAt: number): string {
  const left = Math.max(0, Math.round((endsAt - Date.now()) / 1000));
  const up = cluster.services.filter(({ child }) => child.isUp).length;
  return [
    `${left} s left`,
    `round ${crowd.roundsPlayed.length} ${crowd.current?.phase ?? "?"}`,
    `${tally.get("deposits accepted")} deposits`,
    `${tally.get("boosts accepted")} boosts`,
    `${tally.get("kills")} kills`,
    `${tally.get("reorgs")} reorgs`,
    `${tally.get("faults")} faults`,
    `${up}/${cluster.services.length} up`,
    `${tally.mismatches.length} wrong`,
  ].join("  ");
}

/** The newest deposits, and what spends them. */
async function targetsOf(crowd: Crowd, chain: DevchainView): Promise<string[]> {
  const txids = crowd.notes
    .flatMap(({ deposits }) => deposits.slice(-2).map(({ txid }) => txid))
    .slice(-TARGETS);
  const spenders = await Promise.all(txids.map((txid) => chain.spentBy(txid, 0)));
  return [...new Set([...txids, ...spenders.filter((txid) => txid !== undefined)])];
}

async function settleAndProve(soak: Soak): Promise<{ proof: Proof; stuck: Mismatch[]; finalAfterS: number }> {
  const { wanted, cluster, chain, crowd, line, signal } = soak;
  const redis = createRedis(cluster.redisUrl);
  const verify = createVerifier();
  const began = Date.now();
  try {
    const settled = await untilSettled(crowd.roundsPlayed, began + wanted["settle-seconds"] * 1_000, {
      chain,
      verify,
      readJournal: (roundId) => readJournal(redis, roundId),
      noted: async (roundId) =>
        JSON.stringify(await redis.hmget(`mr:settlement:${roundId}`, "state", "refusal")),
      coinsOf: coinsKnownTo(crowd.notes),
      show: (text) => line.show(text),
      signal,
    });
    const finalAfterS = (Date.now() - began) / 1_000;
    // What the workers do in the moments after the last block settles down before everything is counted.
    await delay(LINE_MS);
    for (const service of cluster.services)
      if (service.role === "payment-worker" || service.role === "auditor") await service.child.kill();
    line.show("proving");
    const proof = await prove({
      journals: settled.journals,
      players: crowd.notes,
      chain: remembering(chain),
      verify,
    });
    const stuck = settled.stuck.map(
      ({ roundId, why }): Mismatch => ({ rule: "M3", what: `the round is stuck: ${why}`, roundId }),
    );
    const crashes = cluster.services
      .flatMap(({ child }) => child.crashes)
      .map((what): Mismatch => ({ rule: "R5", what }));
    return { proof, stuck: [...stuck, ...crashes], finalAfterS };
  } finally {
    redis.disconnect();
  }
}

function figuresOf(
  { wanted, tally }: Soak,
  proof: Proof,
  more: { playedS: number; finalAfterS: number; mismatches: number; lagMs: number },
): Figures {
  const accepted = tally.get("deposits accepted");
  const faults = [...tally.counts].filter(([name]) => name.startsWith("faults: "));
  const short = (value: number): number => Number(value.toPrecision(4));
  return {
    seed: wanted.seed,
    players: wanted.players,
    seconds: wanted.seconds,
    depositsAccepted: accepted,
    depositsPerSecond: short(accepted / more.playedS),
    depositP50Ms: Math.round(tally.depositPercentile(0.5)),
    depositP99Ms: Math.round(tally.depositPercentile(0.99)),
    settledPerMinute: short((proof.deposits.collected * 60) / (more.playedS + more.finalAfterS)),
    finalAfterS: short(more.finalAfterS),
    boosts: tally.get("boosts accepted"),
    kills: tally.get("kills"),
    reorgs: tally.get("reorgs"),
    faults: Object.fromEntries(faults.map(([name, count]) => [name.slice("faults: ".length), count])),
    mismatches: more.mismatches,
    ownLagP99Ms: short(more.lagMs),
  };
}
