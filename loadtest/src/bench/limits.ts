/**
 * What a rate limit costs a message: time and Redis operations, beside a bare INCR in the same run; bytes a caller
 * leaves behind; an address held against a full list of rules. Redis syncs every write to disk, as in production.
 */
import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { createIpRules } from "../../../server/src/infra/ip-rules.ts";
import { createLimiter } from "../../../server/src/infra/limiter.ts";
import { LIMITS, type LimitRule } from "../../../server/src/infra/limits.ts";
import { createLogger } from "../../../server/src/infra/logger.ts";
import { createRedis } from "../../../server/src/infra/redis.ts";
import type { Figure } from "./measure.ts";

const MESSAGES = 20_000;
/** Players that share them: 10 messages each, as in a lively round. */
const PLAYERS = 2_000;
/** Asked for at the same time, as when sockets bring them. */
const AT_ONCE = 50;
const ADDRESSES = 100_000;
const RULES = 1_000;

type RedisClient = ReturnType<typeof createRedis>;

const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address ? address.port : 0));
    });
  });

export async function benchLimits(): Promise<Figure[]> {
  const dir = await mkdtemp(join(tmpdir(), "meme-rounds-bench-"));
  const port = await freePort();
  const settings = { port, bind: "127.0.0.1", dir, appendonly: "yes", appendfsync: "always", save: "" };
  const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)]);
  const server = spawn("redis-server", args, { stdio: "ignore" });
  const url = `redis://127.0.0.1:${port}`;
  const redis = createRedis(url);
  redis.on("error", () => undefined);
  try {
    await redis.ping();
    return [...(await perMessage(redis)), ...(await memory(redis)), await lists(redis, url)];
  } finally {
    redis.disconnect();
    server.kill("SIGTERM");
    await new Promise((resolve) => server.once("close", resolve));
    await rm(dir, { recursive: true, force: true });
  }
}

/** us a message, `AT_ONCE` under way at any time. */
async function cost(messages: number, work: (index: number) => unknown): Promise<number> {
  const from = performance.now();
  for (let i = 0; i < messages; i += AT_ONCE)
    await Promise.all(Array.from({ length: Math.min(AT_ONCE, messages - i) }, (_, j) => work(i + j)));
  return ((performance.now() - from) * 1_000) / messages;
}

const commands = async (redis: RedisClient): Promise<number> =>
  Number(/total_commands_processed:(\d+)/.exec(await redis.info("stats"))?.[1]);

async function perMessage(redis: RedisClient): Promise<Figure[]> {
  const limiter = createLimiter(redis);
  await cost(2_000, (i) => redis.incr(`warm:${i % 100}`));
  const incr = await cost(MESSAGES, (i) => redis.incr(`bare:${i % PLAYERS}`));
  const floor = { name: "bare INCR", value: incr };
  const measured = async (
    what: string,
    rule: LimitRule,
    who: (index: number) => string,
  ): Promise<Figure[]> => {
    const before = await commands(redis);
    const us = await cost(MESSAGES, (i) => limiter.judge(rule, who(i)));
    const asked = (await commands(redis)) - before - 1;
    return [
      { name: `limit of ${what}`, value: us, unit: "us", floor },
      { name: `Redis commands (a script counts as 4), ${what}`, value: asked / MESSAGES, unit: "" },
    ];
  };
  const wide = { points: 1_000_000, seconds: 60 };
  return [
    ...(await measured("boosts, 10 each", LIMITS.boost, (i) => `player ${i % PLAYERS}`)),
    ...(await measured(
      "boosts, all of few players",
      { ...LIMITS.boost, ...wide, name: "bench.few" },
      (i) => `player ${i % 20}`,
    )),
    ...(await measured(
      "a rule that asks each time",
      { name: "bench.each", ...wide },
      (i) => `player ${i % PLAYERS}`,
    )),
    ...(await measured(
      "a flood that is refused",
      { name: "bench.flood", points: 5, seconds: 60 },
      (i) => `player ${i % 20}`,
    )),
  ];
}

async function memory(redis: RedisClient): Promise<Figure[]> {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  const used = async () => Number(/used_memory:(\d+)/.exec(await redis.info("memory"))?.[1]);
  const before = await used();
  collect();
  const heap = process.memoryUsage().heapUsed;
  const limiter = createLimiter(redis, { cap: ADDRESSES });
  const rule: LimitRule = { name: "bench.many", points: 30, seconds: 600, per: "ip" };
  await cost(ADDRESSES, (i) => limiter.judge(rule, { ip: `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}` }));
  collect();
  const own = process.memoryUsage().heapUsed - heap;
  const shared = (await used()) - before;
  await limiter.judge(rule, "somebody");
  return [
    { name: `Redis bytes an address, of ${ADDRESSES}`, value: shared / ADDRESSES, unit: "B" },
    { name: "bytes a process keeps for each it remembers", value: own / ADDRESSES, unit: "B" },
  ];
}

async function lists(redis: RedisClient, url: string): Promise<Figure> {
  const logger = createLogger("bench", "silent");
  const entries = Array.from({ length: RULES }, (_, i) => {
    const cidr = `10.${i >> 8}.${i & 255}.0/24`;
    const rule = { id: `r${i}`, cidr, kind: "deny", reason: "bench", by: "bench", createdAt: i };
    return [rule.id, JSON.stringify(rule)] as const;
  });
  await redis.hset("mr:ip-rules", Object.fromEntries(entries));
  const rules = await createIpRules({}, { redis, connect: () => createRedis(url), logger, now: Date.now });
  const full = await cost(MESSAGES, (i) => rules.verdict(`172.16.${(i >> 8) & 255}.${i & 255}`));
  await rules.stop();
  return { name: `an address against ${RULES} rules`, value: full, unit: "us" };
}
