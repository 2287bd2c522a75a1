/**
 * Accepted boosts a second of one room: limits counted, voucher verified, journaled durably, receipt signed.
 * Floors in the same run: signature checks alone, and XADD with fsync alone, both one after the other in one process.
 */
import { spawn } from "node:child_process";
import { generateKeyPairSync, randomUUID, sign } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import { fromHex } from "@meme-rounds/shared-schema/bytes";
import { createVerifier } from "../../../server/src/infra/ecdsa.ts";
import { takeLease } from "../../../server/src/infra/leases.ts";
import { createLimiter } from "../../../server/src/infra/limiter.ts";
import { LIMITS } from "../../../server/src/infra/limits.ts";
import { createRedis } from "../../../server/src/infra/redis.ts";
import { RoundActor } from "../../../server/src/round/actor.ts";
import { appendJournal } from "../../../server/src/round/journal-store.ts";
import { RefBook } from "../../../server/src/round/refs.ts";
import { makePlayers, openWithDeposits, signBoosts } from "./crowd.ts";
import type { Figure } from "./measure.ts";
import { Patches } from "./patches.ts";

const PLAYERS = 200;
const MEMES = 20;
const BOOSTS = 4_000;
/** Boosts sent at an even pace after that, and the pace, per second. */
const PACED = 2_000;
const PACE = 500;
const SINGLE_APPENDS = 1_000;

const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address ? address.port : 0));
    });
  });

export async function benchBoosts(): Promise<Figure[]> {
  const dir = await mkdtemp(join(tmpdir(), "meme-rounds-bench-"));
  const port = await freePort();
  const options = [
    "--port",
    port,
    "--bind",
    "127.0.0.1",
    "--dir",
    dir,
    "--appendonly",
    "yes",
    "--appendfsync",
    "always",
    "--save",
    "",
  ];
  const server = spawn("redis-server", options.map(String), { stdio: "ignore" });
  const redis = createRedis(`redis://127.0.0.1:${port}`);
  redis.on("error", () => undefined);
  try {
    await redis.ping();
    return await measure(redis);
  } finally {
    redis.disconnect();
    server.kill("SIGTERM");
    await new Promise((resolve) => server.once("close", resolve));
    await rm(dir, { recursive: true, force: true });
  }
}

const started = (): (() => number) => {
  const at = performance.now();
  return () => performance.now() - at;
};
const perSecond = (count: number, ms: number): number => (count * 1_000) / ms;
const p99 = (latencies: number[]): number =>
  latencies.toSorted((a, b) => a - b)[Math.floor(latencies.length * 0.99)] ?? Number.NaN;

type Boost = ReturnType<typeof signBoosts>[number];

async function measure(redis: ReturnType<typeof createRedis>): Promise<Figure[]> {
  const players = makePlayers(PLAYERS);
  const key = players[0]?.playKey ?? "";
  const { state } = openWithDeposits(players, MEMES, { operator: key, auditor: key });
  const boosts = signBoosts(state, players, MEMES, BOOSTS + PACED);
  const verify = createVerifier();
  const { privateKey } = generateKeyPairSync("ed25519");

  let took = started();
  for (const { player, voucher } of boosts.slice(0, BOOSTS))
    verify(fromHex(voucher.bytes), voucher.sig, player.playKey);
  const signatures = perSecond(BOOSTS, took());

  took = started();
  for (let i = 0; i < SINGLE_APPENDS; i++) await redis.xadd("floor", "*", "e", "x".repeat(700));
  const xadd = perSecond(SINGLE_APPENDS, took());

  const lease = await takeLease(redis, "bench", 3_600_000);
  if (!lease) throw new Error("the lease is taken");
  const patches = new Patches();
  const actor = new RoundActor(state, new RefBook(), {
    append: (items) => appendJournal(redis, lease, "bench", items),
    verify,
    sign: (bytes) => sign(null, bytes, privateKey).toString("hex"),
    now: () => state.open.opensAt + 2_000,
    pause: turn,
    onCommitted: (entries, now) => patches.show.committed(entries, now),
    onFailed: (error) => {
      throw error;
    },
  });
  patches.begin(actor, state);
  const limiter = createLimiter(redis);
  /** ms until the acknowledgement, limits included (I5): each player has an address of its own. */
  const submit = async ({ player, memeId, voucher }: Boost): Promise<number> => {
    const { playKey, identity } = player;
    const waited = started();
    const ip = `10.0.0.${players.indexOf(player)}`;
    for (const standing of [
      await limiter.judge(LIMITS.messages, { ip }),
      await limiter.judge(LIMITS.boost, identity),
    ])
      if (standing.verdict !== "ok") throw new Error("a boost was beyond its limit");
    const answer = await actor.submit(
      { kind: "boost", playKey, identity, memeId, voucher },
      { playKey, ref: randomUUID(), payload: voucher },
    );
    if (!answer.ok) throw new Error(`a boost was refused: ${answer.code}`);
    return waited();
  };

  // A lane is one player: its vouchers are a chain and go one after the other.
  const saturated = async (lane: number): Promise<number[]> => {
    const latencies: number[] = [];
    for (const [index, boost] of boosts.slice(0, BOOSTS).entries())
      if (index % PLAYERS === lane) latencies.push(await submit(boost));
    return latencies;
  };
  took = started();
  const full = (await Promise.all(players.map((_, lane) => saturated(lane)))).flat();
  const rate = perSecond(full.length, took());
  const whileFull = patches.figures("saturated");

  const paced: Promise<number>[] = [];
  const clock = started();
  for (const [index, boost] of boosts.slice(BOOSTS).entries()) {
    while (clock() < (index * 1_000) / PACE) await new Promise(setImmediate);
    paced.push(submit(boost));
  }
  const latencies = await Promise.all(paced);
  patches.show.end();
  return [
    {
      name: "boosts accepted, verified and journaled durably",
      value: rate,
      unit: "/s",
      floor: { name: "signature checks alone", value: signatures },
    },
    {
      name: "boosts accepted, the same",
      value: rate,
      unit: "/s",
      floor: { name: "XADD with fsync alone, one by one", value: xadd },
    },
    { name: `acknowledgement p99 at ${PACE} a second`, value: p99(latencies), unit: "ms" },
    { name: `acknowledgement p99 with ${PLAYERS} in flight (saturated)`, value: p99(full), unit: "ms" },
    ...whileFull,
    ...patches.figures(`${PACE} boosts a second`),
  ];
}
