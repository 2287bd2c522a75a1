/** I5: limits that processes share, against a real Redis; also without it. */
import assert from "node:assert/strict";
import type { Response } from "express";
import { createIpHash } from "../../src/infra/ip-hash.ts";
import { createLimiter, type LimiterDeps, type LimiterOptions } from "../../src/infra/limiter.ts";
import { KICK_SECONDS, type LimitRule } from "../../src/infra/limits.ts";
import { createRedis, type Redis } from "../../src/infra/redis.ts";
import { startRedis, type TestRedis } from "../support/redis.ts";

const rule = (name: string, over: Partial<LimitRule> = {}): LimitRule => ({
  name,
  points: 5,
  seconds: 60,
  ...over,
});

describe("limiter", function () {
  this.timeout(180_000);
  let server: TestRedis;
  let redis: Redis;
  const limiterOn = (options: LimiterOptions = {}, deps: LimiterDeps = {}) =>
    createLimiter(redis, options, {
      ipHash: createIpHash({ secret: "shared by all processes" }, { now: Date.now }),
      ...deps,
    });

  before(async () => {
    server = await startRedis();
    redis = createRedis(server.url);
    redis.on("error", () => undefined);
    await redis.ping();
  });
  after(async () => {
    redis.disconnect();
    await server.close();
  });

  it("I5: two processes count one limit, to the point", async () => {
    const [one, two] = [limiterOn(), limiterOn()];
    const verdicts: string[] = [];
    for (let i = 0; i < 8; i++)
      verdicts.push((await (i % 2 === 0 ? one : two).judge(rule("shared"), "somebody")).verdict);
    assert.equal(verdicts.filter((verdict) => verdict === "ok").length, 5);
    assert.equal((await one.judge(rule("shared"), "somebody else")).verdict, "ok");
    assert.equal((await one.judge(rule("other"), "somebody")).verdict, "ok");
  });

  it("I5: two processes that race let in exactly the limit", async () => {
    const both = [limiterOn(), limiterOn()];
    const all = await Promise.all(
      Array.from({ length: 40 }, (_, i) => both[i % 2]?.judge(rule("race", { points: 12 }), "somebody")),
    );
    assert.equal(all.filter((standing) => standing?.verdict === "ok").length, 12);
  });

  it("I5: five times the limit is a kick: longer, on every process, and told to joins", async () => {
    let now = Date.now();
    const [one, two] = [limiterOn(), limiterOn({}, { now: () => now })];
    const key = { ip: "203.0.113.5" };
    assert.equal(await two.kickedFor([key, "somebody"]), 0);
    let standing = await one.judge(rule("flood"), key);
    for (let i = 0; i < 24; i++) standing = await one.judge(rule("flood"), key);
    assert.equal(standing.verdict, "kick");
    assert.equal(standing.resetMs, KICK_SECONDS * 1_000);
    assert.equal((await one.judge(rule("flood"), key)).verdict, "kick");
    const elsewhere = await two.judge(rule("flood"), key);
    assert.equal(elsewhere.verdict, "limit");
    assert.ok((await one.kickedFor([key])) > 50_000, "at once where it was thrown out");
    now += 250;
    const left = await two.kickedFor(["somebody", key]);
    assert.ok(left > 50_000 && left <= KICK_SECONDS * 1_000);
    assert.equal(await two.kickedFor([{ ip: "203.0.113.6" }]), 0);
  });

  it("I5: while nobody is thrown out, a crowd that joins is one question to Redis", async () => {
    const calls = async (command: string): Promise<number> => {
      const stats = await redis.info("commandstats");
      return Number(new RegExp(`cmdstat_${command}:calls=(\\d+)`).exec(stats)?.[1] ?? 0);
    };
    const limiter = limiterOn({}, { now: () => 1_800_000_000_000 });
    const before = [await calls("exists"), await calls("pttl")];
    await redis.del("mr:limit:kicked");
    for (let i = 0; i < 100; i++) assert.equal(await limiter.kickedFor([{ ip: `198.51.100.${i}` }]), 0);
    assert.deepEqual([await calls("exists"), await calls("pttl")], [(before[0] ?? 0) + 1, before[1]]);
  });

  it("I5: flooding a long window does not open a new one", async () => {
    const [one, two] = [limiterOn(), limiterOn()];
    const day = rule("day", { points: 2, seconds: 86_400 });
    let standing = await one.judge(day, "somebody");
    for (let i = 0; i < 10; i++) standing = await one.judge(day, "somebody");
    assert.equal(standing.verdict, "kick");
    assert.ok(standing.resetMs > 86_000_000);
    assert.ok((await redis.ttl("mr:limit:day:id.somebody")) > 86_000);
    assert.ok((await two.judge(day, "somebody")).resetMs > 86_000_000);
    const left = await two.kickedFor(["somebody"]);
    assert.ok(left > 0 && left <= KICK_SECONDS * 1_000, "joins are refused for a minute only");
  });

  it("I5: REST hears where it stands, and when to come back", async () => {
    const limiter = limiterOn();
    const headers: Record<string, string> = {};
    const res = {
      set: (more: object | string, value?: string) =>
        Object.assign(headers, typeof more === "string" ? { [more]: value } : more),
    } as unknown as Response;
    const ask = () => limiter.take(rule("rest", { points: 2 }), { ip: "203.0.113.7" }, res);
    await ask();
    assert.equal(headers["RateLimit-Limit"], "2");
    assert.equal(headers["RateLimit-Remaining"], "1");
    assert.equal(headers["RateLimit-Policy"], '"rest";q=2;w=60');
    assert.match(headers.RateLimit ?? "", /^"rest";r=1;t=(?:60|59)$/);
    assert.ok(Number(headers["RateLimit-Reset"]) > 50);
    assert.equal(headers["Retry-After"], undefined);
    await ask();
    await assert.rejects(ask(), { code: "RATE_LIMITED" });
    assert.ok(Number(headers["Retry-After"]) > 50 && Number(headers["Retry-After"]) <= 60);
    assert.equal(headers["RateLimit-Remaining"], "0");
  });

  it("I5: no key holds an address, and every key ends", async () => {
    const limiter = limiterOn();
    const ip = "198.51.100.77";
    for (let i = 0; i < 30; i++) await limiter.judge(rule("keys"), { ip });
    const keys = await redis.keys("mr:limit:*");
    assert.ok(keys.length > 0);
    for (const key of keys) {
      assert.ok(!key.includes("198.51"), key);
      const ttl = await redis.ttl(key);
      assert.ok(ttl > 0 && ttl <= 86_400, `${key} ${ttl}`);
    }
  });

  it("I5: an IPv6 household is one caller, an allowed address none, this machine a wide one where told so", async () => {
    const limiter = limiterOn({ loopbackFactor: 10 }, { isExempt: (ip) => ip === "192.0.2.1" });
    const ok = async (ips: string[], name: string) => {
      const all = await Promise.all(ips.map((ip) => limiter.judge(rule(name), { ip })));
      return all.filter(({ verdict }) => verdict === "ok").length;
    };
    assert.equal(
      await ok(
        Array.from({ length: 20 }, (_, i) => `2001:db8:0:1::${i + 1}`),
        "v6",
      ),
      5,
    );
    assert.equal(
      await ok(
        Array.from({ length: 20 }, (_, i) => `2001:db8:0:${i + 2}::1`),
        "v6",
      ),
      20,
    );
    assert.equal(
      await ok(
        Array.from({ length: 300 }, () => "192.0.2.1"),
        "allowed",
      ),
      300,
    );
    assert.equal(
      await ok(
        Array.from({ length: 60 }, () => "127.0.0.1"),
        "local",
      ),
      50,
    );
    assert.equal(
      await ok(
        Array.from({ length: 60 }, () => "192.0.2.2"),
        "local",
      ),
      5,
    );
    assert.equal((await limiter.judge(rule("allowed"), "an identity")).verdict, "ok");
  });

  it("I5: 100,000 addresses leave Redis and the process bounded", async () => {
    const before = Number(/used_memory:(\d+)/.exec(await redis.info("memory"))?.[1]);
    const limiter = limiterOn({ cap: 20_000 });
    const keysBefore = await redis.dbsize();
    const one = rule("many", { seconds: 3_600 });
    for (let i = 0; i < 100_000; i += 1_000)
      await Promise.all(
        Array.from({ length: 1_000 }, (_, j) => {
          const n = i + j;
          return limiter.judge(one, {
            ip:
              n % 2
                ? `10.${n >> 16}.${(n >> 8) & 255}.${n & 255}`
                : `2001:db8:${(n >> 8).toString(16)}:${(n & 255).toString(16)}::1`,
          });
        }),
      );
    const after = Number(/used_memory:(\d+)/.exec(await redis.info("memory"))?.[1]);
    assert.equal((await redis.dbsize()) - keysBefore, 100_000);
    const perAddress = (after - before) / 100_000;
    assert.ok(perAddress < 300, `${perAddress} bytes an address`);
    const [, keys] = await redis.scan(0, "MATCH", "mr:limit:many:*", "COUNT", 1_000);
    for (const key of keys) assert.ok((await redis.ttl(key)) > 0);
  });

  describe("without Redis", () => {
    const closed = rule("closed", { away: "closed" });
    const open = rule("open", { away: "open" });
    let limiter: ReturnType<typeof limiterOn>;
    before(async () => {
      limiter = limiterOn({ answerMs: 200 });
      await server.kill();
      redis.disconnect(true);
    });

    it("I5: what is dear is refused as UNAVAILABLE at once, and costs no point", async () => {
      for (let i = 0; i < 20; i++)
        await assert.rejects(async () => limiter.judge(closed, "somebody"), { code: "UNAVAILABLE" });
    });

    it("I5: play goes on by the count of this process", async () => {
      const verdicts: string[] = [];
      for (let i = 0; i < 7; i++) verdicts.push((await limiter.judge(open, "somebody")).verdict);
      assert.deepEqual(verdicts, ["ok", "ok", "ok", "ok", "ok", "limit", "limit"]);
      assert.equal(await limiter.kickedFor(["somebody"]), 0);
    });

    it("I5: back with Redis, what was refused has its points", async () => {
      await server.restart();
      await redis.ping();
      assert.equal((await limiter.judge(closed, "somebody")).verdict, "ok");
    });
  });
});
