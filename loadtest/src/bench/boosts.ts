/**
 * Accepted boosts a second of one room: voucher verified, journaled durably, receipt signed.
 * Floors in the same run: signature checks alone, and XADD with fsync alone, both one after the other in one process.
 */
import { spawn } from "node:child_process";
import { generateKeyPairSync, randomUUID, sign } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fromHex } from "@meme-rounds/shared-schema/bytes";
import { createVerifier } from "../../../server/src/infra/ecdsa.ts";
import { takeLease } from "../../../server/src/infra/leases.ts";
import { createRedis } from "../../../server/src/infra/redis.ts";
import { RoundActor } from "../../../server/src/round/actor.ts";
import { appendJournal } from "../../../server/src/round/journal-store.ts";
import { makePlayers, openWithDeposits, signBoosts } from "./crowd.ts";
import type { Figure } from "./measure.ts";

const PLAYERS = 200;
const MEMES = 20;
const BOOSTS = 4_000;
/** Boosts in flight at once: one per player. */
const IN_FLIGHT = PLAYERS;

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

async function measure(redis: ReturnType<typeof createRedis>): Promise<Figure[]> {
  const players = makePlayers(PLAYERS);
  const key = players[0]?.playKey ?? "";
  const { state } = openWithDeposits(players, MEMES, { operator: key, auditor: key });
  const boosts = signBoosts(state, players, MEMES, BOOSTS);
  const verify = createVerifier();
  const { privateKey } = generateKeyPairSync("ed25519");

  const perSecond = (count: number, ms: number): number => (count * 1_000) / ms;
  const started = (): (() => number) => {
    const at = performance.now();
    return () => performance.now() - at;
  };

  let took = started();
  for (const { player, voucher } of boosts) verify(fromHex(voucher.bytes), voucher.sig, player.playKey);
  const signatures = perSecond(BOOSTS, took());

  const single = Math.min(1_000, BOOSTS);
  took = started();
  for (let i = 0; i < single; i++) await redis.xadd("floor", "*", "e", "x".repeat(700));
  const xadd = perSecond(single, took());

  const lease = await takeLease(redis, "bench", 3_600_000);
  if (!lease) throw new Error("the lease is taken");
  const actor = new RoundActor(state, [], {
    append: (items) => appendJournal(redis, lease, "bench", items),
    verify,
    sign: (bytes) => sign(null, bytes, privateKey).toString("hex"),
    now: () => state.open.opensAt + 2_000,
    onCommitted: () => undefined,
    onFailed: (error) => {
      throw error;
    },
  });
  const latencies: number[] = [];
  let next = 0;
  let refused = 0;
  const runner = async (lane: number): Promise<void> => {
    // A lane is one player: its vouchers are a chain and go one after the other.
    for (let index = lane; index < boosts.length; index += IN_FLIGHT) {
      const boost = boosts[index];
      if (!boost) return;
      const { player, memeId, voucher } = boost;
      const { playKey, identity } = player;
      const waited = started();
      const answer = await actor.submit(
        { kind: "boost", playKey, identity, memeId, voucher },
        { playKey, ref: randomUUID(), payload: voucher },
      );
      latencies.push(waited());
      if (!answer.ok) refused += 1;
      next += 1;
    }
  };
  took = started();
  await Promise.all(Array.from({ length: IN_FLIGHT }, (_, lane) => runner(lane)));
  const rate = perSecond(next, took());
  if (refused > 0) throw new Error(`${refused} boosts were refused`);
  latencies.sort((a, b) => a - b);
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
    {
      name: `acknowledgement p99 with ${IN_FLIGHT} in flight (saturated)`,
      value: latencies[Math.floor(latencies.length * 0.99)] ?? 0,
      unit: "ms",
    },
  ];
}
