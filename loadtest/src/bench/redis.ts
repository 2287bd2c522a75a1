/**
 * What Redis pays, by its own count of CPU time (INFO cpu), with every write synced to disk as in production: a boost, a
 * patch by how many relays listen, a relay's report, a seat. Beside floors of the same run: bare XADD, bare PUBLISH.
 * The CPU of one Redis is one core: 1,000,000 us a second over these figures is where it ends.
 */
import { generateKeyPairSync, randomBytes, randomUUID, sign } from "node:crypto";
import { createSeats } from "../../../server/src/audience/seats.ts";
import { createVerifier } from "../../../server/src/infra/ecdsa.ts";
import { takeLease } from "../../../server/src/infra/leases.ts";
import { createLogger } from "../../../server/src/infra/logger.ts";
import { createRedis, type Redis } from "../../../server/src/infra/redis.ts";
import { RoundActor } from "../../../server/src/round/actor.ts";
import { appendJournal } from "../../../server/src/round/journal-store.ts";
import { RefBook } from "../../../server/src/round/refs.ts";
import { createTap } from "../../../server/src/round/tap.ts";
import { startRedis } from "../../../server/test/support/redis.ts";
import { makePlayers, openWithDeposits, signBoosts } from "./crowd.ts";
import type { Figure } from "./measure.ts";

const PLAYERS = 100;
const MEMES = 20;
const BOOSTS = 4_000;
const PATCHES = 2_000;
/** A patch of a lively round: some memes' sums, ranks and the head. */
const PATCH_BYTES = 600;
const RELAYS = [0, 1, 8, 32, 64];
const REPORTS = 2_000;
const SEATS = 20_000;

interface Cost {
  cpuUs: number;
  commands: number;
}

async function counted(redis: Redis): Promise<Cost> {
  const info = await redis.info("all");
  const of = (name: string): number => Number(new RegExp(`^${name}:([\\d.]+)`, "m").exec(info)?.[1]);
  return {
    cpuUs: (of("used_cpu_user") + of("used_cpu_sys")) * 1e6,
    commands: of("total_commands_processed"),
  };
}

/** What `count` of something cost Redis, each. */
async function costOf(redis: Redis, count: number, work: () => Promise<unknown>): Promise<Cost> {
  const before = await counted(redis);
  await work();
  const after = await counted(redis);
  return {
    cpuUs: (after.cpuUs - before.cpuUs) / count,
    // The question itself is one.
    commands: (after.commands - before.commands - 1) / count,
  };
}

/** All of it, so many under way at a time. */
async function inLots(count: number, lot: number, work: (index: number) => Promise<unknown>): Promise<void> {
  for (let from = 0; from < count; from += lot)
    await Promise.all(Array.from({ length: Math.min(lot, count - from) }, (_, at) => work(from + at)));
}

const us = (name: string, { cpuUs }: Cost, floor?: Figure["floor"]): Figure => ({
  name,
  value: cpuUs,
  unit: "us",
  ...(floor ? { floor } : {}),
});

async function boosts(redis: Redis): Promise<Figure[]> {
  const players = makePlayers(PLAYERS);
  const key = players[0]?.playKey ?? "";
  const { state } = openWithDeposits(players, MEMES, { operator: key, auditor: key });
  const signed = signBoosts(state, players, MEMES, BOOSTS);
  const { privateKey } = generateKeyPairSync("ed25519");
  const lease = await takeLease(redis, "bench", 3_600_000);
  if (!lease) throw new Error("the lease is taken");
  const actor = new RoundActor(state, new RefBook(), {
    append: (items) => appendJournal(redis, lease, "bench", items),
    verify: createVerifier(),
    sign: (bytes) => sign(null, bytes, privateKey).toString("hex"),
    now: () => state.open.opensAt + 2_000,
    onCommitted: () => undefined,
    onFailed: (error) => {
      throw error;
    },
  });
  const cost = await costOf(redis, BOOSTS, () =>
    inLots(BOOSTS, PLAYERS, async (index) => {
      const boost = signed[index];
      if (!boost) return;
      const { player, memeId, voucher } = boost;
      const { playKey, identity } = player;
      const answer = await actor.submit(
        { kind: "boost", playKey, identity, memeId, voucher },
        { playKey, ref: randomUUID(), payload: voucher },
      );
      if (!answer.ok) throw new Error(`a boost was refused: ${answer.code}`);
    }),
  );
  const bytes = Number(await redis.memory("USAGE", "mr:journal:bench", "SAMPLES", 0)) / BOOSTS;
  const record = JSON.stringify({ x: "x".repeat(700) });
  const alone = await costOf(redis, BOOSTS, () =>
    inLots(BOOSTS, PLAYERS, () => redis.xadd("floor", "*", "e", record)),
  );
  const single = await costOf(redis, 500, () => inLots(500, 1, () => redis.xadd("floor", "*", "e", record)));
  return [
    us(`Redis CPU a boost, ${PLAYERS} players at once`, cost, { name: "bare XADD", value: alone.cpuUs }),
    { name: "commands a boost (those of the script count)", value: cost.commands, unit: "" },
    { name: "Redis memory a boost", value: bytes, unit: "B" },
    us("Redis CPU of an XADD with a sync of its own", single),
  ];
}

async function patches(redis: Redis, url: string): Promise<Figure[]> {
  const logger = createLogger("bench", "silent");
  const figures: Figure[] = [];
  const subscribers: Redis[] = [];
  const roundId = "bench-1";
  const bytes = randomBytes(PATCH_BYTES);
  let heard = 0;
  try {
    for (const relays of RELAYS) {
      while (subscribers.length < relays) {
        const one = createRedis(url);
        subscribers.push(one);
        one.on("messageBuffer", () => heard++);
        await one.subscribe(`mr:tap:${roundId}`, "bare");
      }
      const bare = await costOf(redis, PATCHES, () => inLots(PATCHES, 1, () => redis.publish("bare", bytes)));
      heard = 0;
      const tap = createTap({ roundId }, { redis, logger });
      const cost = await costOf(redis, PATCHES, () =>
        inLots(PATCHES, 1, () => {
          tap.patch(bytes);
          // One at a time, as rooms do it: each patch is a write and a sync of its own.
          return redis.ping();
        }),
      );
      const last = await redis.publish("bare", "end");
      if (last !== relays) throw new Error(`${last} of ${relays} relays listened`);
      figures.push(
        us(`Redis CPU a patch of ${PATCH_BYTES} B, ${relays} relays`, cost, {
          name: "bare PUBLISH",
          value: bare.cpuUs,
        }),
      );
      if (heard < PATCHES * relays * 0.99)
        throw new Error(`${heard} of ${PATCHES * relays} frames came to the relays`);
    }
    return figures;
  } finally {
    for (const one of subscribers) one.disconnect();
  }
}

async function seats(redis: Redis): Promise<Figure[]> {
  const now = Date.now;
  await redis.set("mr:live:main", JSON.stringify({ roundId: "bench-1", roomId: "x" }));
  const relays = Array.from({ length: 8 }, (_, at) =>
    createSeats({ relayId: `relay ${at}`, publicAddress: `relay/${at}`, carries: true }, { redis, now }),
  );
  const report = await costOf(redis, REPORTS, () =>
    inLots(REPORTS, 8, async (index) => relays[index % 8]?.report(new Map([["bench-1", 10_000 + index]]))),
  );
  const taken = await costOf(redis, SEATS, () => inLots(SEATS, 100, async () => relays[0]?.take("main")));
  return [
    us("Redis CPU of a relay's report (every 2 s)", report),
    us("Redis CPU a seat given", taken),
    { name: "commands a seat given", value: taken.commands, unit: "" },
  ];
}

export async function benchRedis(): Promise<Figure[]> {
  const server = await startRedis({ durable: true });
  const redis = createRedis(server.url);
  redis.on("error", () => undefined);
  try {
    return [...(await boosts(redis)), ...(await patches(redis, server.url)), ...(await seats(redis))];
  } finally {
    redis.disconnect();
    await server.close();
  }
}
