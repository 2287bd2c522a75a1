/** The audit log in a real Redis (I4): one chain whoever writes, whole pages, and its route. */
import assert from "node:assert/strict";
import type { AddressInfo } from "node:net";
import { type AuditRecord, verifyAuditLog } from "@meme-rounds/shared-schema/audit-log";
import { NO_AUDIT_HEAD } from "@meme-rounds/shared-schema/ledger-link";
import { problemSchema } from "@meme-rounds/shared-schema/rest";
import { auditAnswer } from "@meme-rounds/shared-schema/rest-admin";
import express from "express";
import { createAuditLog } from "../../src/admin/audit-log.ts";
import { auditHead, createAdminService } from "../../src/admin/index.ts";
import { apiRouter, type Caller } from "../../src/infra/http.ts";
import { createLogger } from "../../src/infra/logger.ts";
import { createRedis, type Redis } from "../../src/infra/redis.ts";
import { startRedis, type TestRedis } from "../support/redis.ts";

const NOW = 1_800_000_000_000;
const by = `brc100:02${"ab".repeat(32)}`;
const action = (target: string) => ({ by, action: "meme.hide", target, reason: "rude" });

describe("admin: the audit log (I4)", () => {
  let server: TestRedis;
  const connections: Redis[] = [];
  const connect = (): Redis => {
    const redis = createRedis(server.url);
    connections.push(redis);
    return redis;
  };
  let redis: Redis;
  before(async () => {
    server = await startRedis();
    redis = connect();
  });
  beforeEach(() => redis.flushall());
  after(async () => {
    for (const one of connections) one.disconnect();
    await server.close();
  });

  const logAt = (ms: number, connection = redis) => createAuditLog({ redis: connection, now: () => ms });
  /** Oldest first, without their hashes. */
  async function whole(): Promise<AuditRecord[]> {
    const { items } = await logAt(NOW).page(0, 1_000_000);
    return items.map(({ hash: _, ...record }) => record).reverse();
  }

  it("I4: each record holds who, what, why and the hash of the one before; the head is the newest one's", async () => {
    const log = logAt(NOW);
    assert.equal(await log.head(), NO_AUDIT_HEAD);
    assert.deepEqual(await log.page(), { items: [], head: NO_AUDIT_HEAD });
    await log.note(action("first"));
    await log.note({ ...action("second"), details: { item: "r1", count: 3, live: false } });
    const records = await whole();
    assert.deepEqual(records, [
      { v: 1, seq: 1, at: NOW, ...action("first"), prev: NO_AUDIT_HEAD },
      {
        v: 1,
        seq: 2,
        at: NOW,
        ...action("second"),
        details: { item: "r1", count: 3, live: false },
        prev: (await log.page()).items[1]?.hash,
      },
    ]);
    assert.deepEqual(verifyAuditLog(records), { ok: true, head: await log.head() });
    assert.equal(await auditHead({ redis, now: () => NOW }), await log.head());
  });

  it("I4: many writers at once in several processes: one chain, nothing lost", async () => {
    const writers = Array.from({ length: 4 }, () => connect());
    const notes = writers.flatMap((one, writer) =>
      Array.from({ length: 40 }, (_, n) => logAt(NOW + n, one).note(action(`${writer}.${n}`))),
    );
    await Promise.all(notes);
    const records = await whole();
    assert.equal(records.length, 160);
    assert.equal(new Set(records.map(({ target }) => target)).size, 160);
    assert.deepEqual(verifyAuditLog(records), { ok: true, head: await logAt(NOW).head() });
  });

  it("I4: a record whose answer got lost is not written twice when the connection sends it again", async () => {
    await logAt(NOW).note(action("before"));
    const flaky = connect();
    const send = flaky.evalsha.bind(flaky) as (...args: unknown[]) => Promise<unknown>;
    let sent = 0;
    // As ioredis does after a reconnect: the command had run, and runs again.
    Object.assign(flaky, {
      evalsha: async (...args: unknown[]) => {
        sent++;
        await send(...args);
        await logAt(NOW).note(action("another's, meanwhile"));
        return await send(...args);
      },
    });
    await logAt(NOW, flaky).note(action("mine"));
    assert.equal(sent, 1);
    const records = await whole();
    assert.deepEqual(
      records.map(({ target }) => target),
      ["before", "mine", "another's, meanwhile"],
    );
    assert.equal(verifyAuditLog(records).ok, true);
  });

  it("I4: a clock that goes back does not put a record before the one before it", async () => {
    await logAt(NOW).note(action("a"));
    await logAt(NOW - 60_000).note(action("b"));
    assert.deepEqual(
      (await whole()).map(({ at }) => at),
      [NOW, NOW],
    );
  });

  it("I4: what has no place in a record is refused, and nothing is written", async () => {
    const bad = [
      { ...action("x"), action: "Drop Table" },
      { ...action("x"), by: "" },
      { ...action("x"), reason: "r".repeat(1_001) },
      { ...action("x"), details: { nested: {} as unknown as string } },
    ];
    for (const one of bad) await assert.rejects(logAt(NOW).note(one), { name: "ZodError" });
    assert.deepEqual(await redis.keys("*"), []);
  });

  it("I4: pages go from the newest to the oldest, and stay whole while others write", async () => {
    const log = logAt(NOW);
    for (let n = 1; n <= 25; n++) await log.note(action(`n${n}`));
    const seen: number[] = [];
    let cursor: number | undefined;
    do {
      const page = await log.page(cursor, 10);
      seen.push(...page.items.map(({ seq }) => seq));
      cursor = page.next;
      await log.note(action("meanwhile"));
    } while (cursor !== undefined);
    assert.deepEqual(
      seen,
      Array.from({ length: 25 }, (_, index) => 25 - index),
    );
    assert.deepEqual((await log.page(1)).items, []);
    assert.equal((await log.page(9_999_999)).items[0]?.seq, 28);
  });

  it("I4: at most 100,000 records are kept; what is left can be checked, and pages end where it begins", async () => {
    const log = logAt(NOW);
    await log.note(action("first"));
    await log.note(action("second"));
    const [first] = await whole();
    assert.ok(first);
    // As if 99,998 stood between: the list is at its limit, the newest two are these.
    await redis.lpush("mr:audit:log", ...Array.from({ length: 99_998 }, () => "{}"));
    await redis.hset("mr:audit:head", "seq", 100_000);
    await log.note(action("newest"));
    assert.equal(await redis.llen("mr:audit:log"), 100_000);
    assert.equal(await redis.hget("mr:audit:head", "seq"), "100001");
    await redis.ltrim("mr:audit:log", -2, -1);
    const { items, next } = await log.page(undefined, 2);
    assert.deepEqual(
      items.map(({ target }) => target),
      ["newest", "second"],
    );
    assert.equal(next, undefined);
  });

  describe("its route", () => {
    it("I4: is for admins alone", async () => {
      const admin = createAdminService({ redis, now: () => NOW });
      for (let n = 1; n <= 60; n++) await admin.audit.note(action(`n${n}`));
      const authenticate = async (role: string): Promise<Caller> => ({
        identity: role,
        playKey: "",
        role: role as Caller["role"],
        sessionId: "",
      });
      const limiter = { take: async () => undefined };
      const logger = createLogger("test", "silent");
      const http = express()
        .use("/api", apiRouter(admin.routes, { authenticate, limiter, logger }))
        .listen(0, "127.0.0.1");
      await new Promise((resolve) => http.once("listening", resolve));
      const get = (path: string, role?: string) =>
        fetch(`http://127.0.0.1:${(http.address() as AddressInfo).port}/api/admin/audit${path}`, {
          headers: role ? { authorization: `Bearer ${role}` } : {},
        });
      const codeOf = async (answer: Response) => problemSchema.parse(await answer.json()).code;
      try {
        assert.equal(await codeOf(await get("")), "AUTH_REQUIRED");
        for (const role of ["player", "moderator"])
          assert.equal(await codeOf(await get("", role)), "ROLE_REQUIRED");
        for (const cursor of ["0", "-1", "x", "1e400"])
          assert.equal(await codeOf(await get(`?cursor=${cursor}`, "admin")), "BAD_REQUEST", cursor);
        const one = auditAnswer.parse(await (await get("", "admin")).json());
        const two = auditAnswer.parse(await (await get(`?cursor=${one.next}`, "admin")).json());
        assert.equal(two.next, undefined);
        const records = [...one.items, ...two.items].map(({ hash: _, ...record }) => record).reverse();
        assert.equal(records.length, 60);
        assert.deepEqual(verifyAuditLog(records), { ok: true, head: one.head });
      } finally {
        http.closeAllConnections();
        http.close();
      }
    });
  });
});
