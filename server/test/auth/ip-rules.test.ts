/** I5: admins' routes for the lists of addresses, behind the real HTTP pipeline, gate and Redis. */
import assert from "node:assert/strict";
import type { AddressInfo } from "node:net";
import { CodedError } from "@meme-rounds/shared-schema/errors";
import { type IpRule, ipRuleSchema, ipRulesAnswer } from "@meme-rounds/shared-schema/rest-ip-rules";
import express from "express";
import { ipRuleRoutes } from "../../src/auth/index.ts";
import type { AuditedAction } from "../../src/infra/audit.ts";
import { createClientIp, trustOf } from "../../src/infra/client-ip.ts";
import { createGate } from "../../src/infra/gate.ts";
import { apiRouter, type Caller } from "../../src/infra/http.ts";
import { createIpRules, type IpRules } from "../../src/infra/ip-rules.ts";
import { createLimiter } from "../../src/infra/limiter.ts";
import { createLogger } from "../../src/infra/logger.ts";
import { createRedis, type Redis } from "../../src/infra/redis.ts";
import { startRedis, type TestRedis } from "../support/redis.ts";

const ADMIN = "198.51.100.1";
const EVIL = "203.0.113.66";

describe("admins' rules for addresses", function () {
  this.timeout(30_000);
  let server: TestRedis;
  let redis: Redis;
  let rules: IpRules;
  let url: string;
  let close: () => void;
  let notes: { action: AuditedAction; verdictThen: string }[];
  let audit: (action: AuditedAction) => Promise<void>;

  const call = async (
    method: string,
    path: string,
    input: { body?: unknown; role?: Caller["role"] | "none"; ip?: string } = {},
  ) => {
    const { body, role = "admin", ip = ADMIN } = input;
    const response = await fetch(`${url}/api${path}`, {
      method,
      headers: {
        "x-forwarded-for": ip,
        ...(role === "none" ? {} : { authorization: `Bearer ${role}` }),
        ...(body === undefined ? {} : { "content-type": "application/json" }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const json = (await response.json()) as { code?: string };
    return { status: response.status, json, code: json.code };
  };
  const add = (body: object, ip?: string) =>
    call("POST", "/admin/ip-rules", {
      body: { kind: "deny", reason: "floods", ...body },
      ...(ip === undefined ? {} : { ip }),
    });

  beforeEach(async () => {
    server = await startRedis();
    redis = createRedis(server.url);
    const logger = createLogger("test", "silent");
    const now = Date.now;
    rules = await createIpRules({}, { redis, connect: () => createRedis(server.url), logger, now });
    notes = [];
    audit = async (action) => {
      notes.push({ action, verdictThen: rules.verdict(EVIL) });
    };
    const limiter = createLimiter(redis, {}, { isExempt: (ip) => rules.verdict(ip) === "allow" });
    const trust = trustOf("loopback");
    const authenticate = async (role: string): Promise<Caller> => {
      if (role !== "admin" && role !== "moderator" && role !== "player")
        throw new CodedError("TOKEN_INVALID");
      return { identity: `ecdsa-secp256k1:${role}`, playKey: "02", role, sessionId: "s" };
    };
    const routes = ipRuleRoutes({ rules, audit: { note: (action) => audit(action) }, now });
    const app = express()
      .set("trust proxy", trust)
      .use("/api", apiRouter(routes, { authenticate, limiter, logger }));
    const http = createGate({ clientIp: createClientIp(trust), rules, limiter, logger }).createServer();
    http.on("request", app);
    await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
    url = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
    close = () => {
      http.closeAllConnections();
      http.close();
    };
  });
  afterEach(async () => {
    close();
    await rules.stop();
    redis.disconnect();
    await server.close();
  });

  it("I5: an admin denies a block, lists it, takes it away; each is in the audit log before it holds", async () => {
    const added = await add({ cidr: "203.0.113.77/24" });
    assert.equal(added.status, 201);
    const rule: IpRule = ipRuleSchema.parse(added.json);
    assert.equal(rule.cidr, "203.0.113.0/24");
    assert.equal(rule.by, "ecdsa-secp256k1:admin");
    assert.equal((await call("GET", "/admin/ip-rules", { ip: EVIL })).code, "IP_DENIED");
    const listed = ipRulesAnswer.parse((await call("GET", "/admin/ip-rules")).json);
    assert.deepEqual(listed, { rules: [rule], yourIp: ADMIN });
    assert.equal((await call("DELETE", `/admin/ip-rules/${rule.id}`)).status, 200);
    assert.equal((await call("GET", "/admin/ip-rules", { ip: EVIL })).status, 200);
    assert.deepEqual(
      notes.map(({ action, verdictThen }) => [action.action, action.target, action.reason, verdictThen]),
      [
        ["ip-rule.add", "203.0.113.0/24", "floods", "none"],
        ["ip-rule.remove", "203.0.113.0/24", "floods", "deny"],
      ],
    );
  });

  it("I4: what the audit log could not take is not done", async () => {
    audit = async () => {
      throw new CodedError("UNAVAILABLE");
    };
    assert.equal((await add({ cidr: "203.0.113.0/24" })).code, "UNAVAILABLE");
    assert.equal(rules.list().length, 0);
  });

  it("I4: nobody but an admin sees or changes them", async () => {
    const added = ipRuleSchema.parse((await add({ cidr: "203.0.113.0/24" })).json);
    for (const [role, code] of [
      ["none", "AUTH_REQUIRED"],
      ["player", "ROLE_REQUIRED"],
      ["moderator", "ROLE_REQUIRED"],
    ] as const) {
      assert.equal((await call("GET", "/admin/ip-rules", { role })).code, code);
      const body = { cidr: "10.0.0.0/8", kind: "deny", reason: "x" };
      assert.equal((await call("POST", "/admin/ip-rules", { role, body })).code, code);
      assert.equal((await call("DELETE", `/admin/ip-rules/${added.id}`, { role })).code, code);
    }
    assert.equal(rules.list().length, 1);
  });

  it("I5: an admin does not lock himself out by accident, only with force", async () => {
    for (const cidr of [ADMIN, "198.51.0.0/16", "0.0.0.0/0", `::ffff:${ADMIN}`]) {
      assert.equal((await add({ cidr })).code, "IP_RULE_LOCKS_OUT", cidr);
    }
    // An allow rule for himself makes it safe, until that is to go.
    const own = ipRuleSchema.parse((await add({ cidr: ADMIN, kind: "allow", reason: "me" })).json);
    assert.equal((await add({ cidr: "0.0.0.0/0" })).status, 201);
    assert.equal((await call("GET", "/admin/ip-rules", { ip: "192.0.2.9" })).code, "IP_DENIED");
    assert.equal((await call("DELETE", `/admin/ip-rules/${own.id}`)).code, "IP_RULE_LOCKS_OUT");
    assert.equal((await call("DELETE", `/admin/ip-rules/${own.id}?force=true`)).status, 200);
    assert.equal((await call("GET", "/admin/ip-rules")).code, "IP_DENIED");
    assert.deepEqual(
      notes.map(({ action }) => action.details?.force),
      [false, false, true],
    );
  });

  it("I5: with force he may", async () => {
    assert.equal((await add({ cidr: "198.51.0.0/16", force: true })).status, 201);
    assert.equal((await call("GET", "/admin/ip-rules")).code, "IP_DENIED");
  });

  it("I5: what is no rule has a code of its own", async () => {
    for (const cidr of ["10.0.0.0/33", "nonsense", "1.2.3", "fe80::1%eth0", "<script>alert(1)</script>"])
      assert.equal((await add({ cidr })).code, "IP_RULE_INVALID", cidr);
    assert.equal((await add({ cidr: "10.0.0.0/8", expiresAt: Date.now() - 1 })).code, "IP_RULE_INVALID");
    for (const body of [
      { cidr: "" },
      { cidr: 7 },
      { cidr: "10.0.0.0/8", kind: "maybe" },
      { cidr: "10.0.0.0/8", reason: "" },
      { cidr: "10.0.0.0/8", reason: "x".repeat(201) },
      { cidr: "10.0.0.0/8", expiresAt: "soon" },
      { cidr: "10.0.0.0/8", more: 1 },
    ])
      assert.equal((await add(body)).code, "BAD_REQUEST", JSON.stringify(body));
    assert.equal((await call("DELETE", "/admin/ip-rules/nothing")).code, "IP_RULE_UNKNOWN");
    assert.equal(notes.length, 0);
  });
});
