/** I5: the lists of addresses, in two processes on one real Redis. */
import assert from "node:assert/strict";
import { createIpRules, type IpRules, MAX_IP_RULES } from "../../src/infra/ip-rules.ts";
import { createLogger } from "../../src/infra/logger.ts";
import { createRedis, type Redis } from "../../src/infra/redis.ts";
import { startRedis, type TestRedis } from "../support/redis.ts";
import { until } from "../support/wait.ts";

const rule = (kind: "allow" | "deny", cidr: string, expiresAt?: number) => ({
  kind,
  cidr,
  reason: "a test",
  by: "ecdsa-secp256k1:admin",
  createdAt: 1,
  ...(expiresAt === undefined ? {} : { expiresAt }),
});

describe("ip rules", function () {
  this.timeout(30_000);
  let server: TestRedis;
  let redis: Redis;
  const clock = { ms: Date.UTC(2026, 10, 22, 12) };
  const open: IpRules[] = [];
  const rules = async (pollMs = 500): Promise<IpRules> => {
    const logger = createLogger("test", "silent");
    const made = await createIpRules(
      { pollMs },
      { redis, connect: () => createRedis(server.url), logger, now: () => clock.ms },
    );
    open.push(made);
    return made;
  };

  beforeEach(async () => {
    server = await startRedis();
    redis = createRedis(server.url);
    redis.on("error", () => undefined);
  });
  afterEach(async () => {
    for (const one of open.splice(0)) await one.stop();
    redis.disconnect();
    await server.close();
  });

  it("I5: a rule holds here at once and in another process within a second, also for IPv4 in IPv6", async () => {
    const [one, two] = [await rules(), await rules()];
    let told = 0;
    two.onChange(() => told++);
    const made = await one.add(rule("deny", "203.0.113.0/24"));
    assert.equal(one.verdict("203.0.113.7"), "deny");
    const deadlineMs = 1_000;
    await until(() => two.verdict("203.0.113.7") === "deny", { deadlineMs, what: "the rule elsewhere" });
    assert.ok(told > 0);
    assert.equal(two.verdict("::ffff:203.0.113.7"), "deny");
    assert.equal(two.verdict("203.0.114.7"), "none");
    assert.equal(two.verdict("unknown"), "none");
    await two.remove(made.id);
    assert.equal(two.verdict("203.0.113.7"), "none");
    await until(() => one.verdict("203.0.113.7") === "none", { deadlineMs, what: "the end elsewhere" });
  });

  it("I5: allow beats deny, in IPv6 too; one block on one list is one rule", async () => {
    const one = await rules();
    await one.add(rule("deny", "2001:db8::/32"));
    await one.add(rule("allow", "2001:db8:1::/48"));
    await one.add({ ...rule("allow", "2001:db8:1::/48"), reason: "again" });
    assert.equal(one.verdict("2001:db8:1::9"), "allow");
    assert.equal(one.verdict("2001:db8:2::9"), "deny");
    assert.deepEqual(
      one
        .list()
        .map(({ kind, reason }) => `${kind} ${reason}`)
        .sort(),
      ["allow again", "deny a test"],
    );
  });

  it("I5: a rule runs out by itself, and is told like a change", async () => {
    const one = await rules();
    await one.add(rule("allow", "192.0.2.0/24", clock.ms + 1_000));
    await one.add(rule("deny", "192.0.2.0/25", clock.ms + 2_000));
    let told = 0;
    one.onChange(() => told++);
    assert.equal(one.verdict("192.0.2.1"), "allow");
    clock.ms += 1_000;
    assert.equal(one.verdict("192.0.2.1"), "deny");
    assert.equal(told, 1);
    clock.ms += 1_000;
    assert.equal(one.verdict("192.0.2.1"), "none");
    await one.add(rule("deny", "198.51.100.0/24"));
    assert.equal(await redis.hlen("mr:ip-rules"), 1, "what has run out is taken out of Redis");
  });

  it("I5: a process that missed the message finds the change by looking", async () => {
    const one = await rules(50);
    const two = await rules(50);
    // As if written by a process whose publication was lost.
    const text = JSON.stringify({ id: "x", ...rule("deny", "203.0.113.9/32") });
    await redis.multi().hset("mr:ip-rules", "x", text).incr("mr:ip-rules:version").exec();
    await until(() => one.verdict("203.0.113.9") === "deny" && two.verdict("203.0.113.9") === "deny", {
      deadlineMs: 1_000,
    });
  });

  it("I5: the last rules hold while Redis is away, and changes come in afterwards", async () => {
    const one = await rules(50);
    await one.add(rule("deny", "203.0.113.9/32"));
    await server.kill();
    assert.equal(one.verdict("203.0.113.9"), "deny");
    await server.restart();
    await redis.ping();
    // That Redis kept nothing: what is in it now is what holds.
    const text = JSON.stringify({ id: "y", ...rule("deny", "203.0.113.10/32") });
    await redis.multi().hset("mr:ip-rules", "y", text).incrby("mr:ip-rules:version", 7).exec();
    await until(() => one.verdict("203.0.113.10") === "deny");
    assert.equal(one.verdict("203.0.113.9"), "none");
  });

  it("I5: rubbish in Redis is left out and the rest holds", async () => {
    await redis.hset(
      "mr:ip-rules",
      "a",
      "{",
      "b",
      '{"id":"b"}',
      "c",
      JSON.stringify({ id: "c", ...rule("deny", "1.2.3.4/32") }),
    );
    await redis.incr("mr:ip-rules:version");
    const one = await rules();
    assert.equal(one.verdict("1.2.3.4"), "deny");
    assert.equal(one.list().length, 1);
  });

  it("I5: the list is bounded", async () => {
    const one = await rules();
    const many = Array.from(
      { length: MAX_IP_RULES },
      (_, i) =>
        [
          `id${i}`,
          JSON.stringify({ id: `id${i}`, ...rule("deny", `10.0.${i >> 8}.${i & 255}/32`) }),
        ] as const,
    );
    await redis.hset("mr:ip-rules", Object.fromEntries(many));
    await assert.rejects(one.add(rule("deny", "9.9.9.9/32")), { code: "IP_RULES_FULL" });
    await redis.hdel("mr:ip-rules", "id0");
    await one.add(rule("deny", "9.9.9.9/32"));
    await one.add({ ...rule("deny", "9.9.9.9/32"), reason: "replaces" });
    const started = performance.now();
    for (let i = 0; i < 10_000; i++) one.verdict(`172.16.${i >> 8}.${i & 255}`);
    const us = ((performance.now() - started) * 1_000) / 10_000;
    assert.ok(us < 500, `a full list costs ${us} us an address`);
  });

  it("I5: taking away what is not there is an error", async () => {
    const one = await rules();
    await assert.rejects(one.remove("nothing"), { code: "IP_RULE_UNKNOWN" });
  });
});
