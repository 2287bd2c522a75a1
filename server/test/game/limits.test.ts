/** I5 in the whole game: two game processes, real players and sockets, one admin. */
import assert from "node:assert/strict";
import { SOCKET_CLOSE } from "@meme-rounds/shared-schema/close-codes";
import { seatAnswer } from "@meme-rounds/shared-schema/rest";
import { type IpRule, ipRuleSchema } from "@meme-rounds/shared-schema/rest-ip-rules";
import { ecdsaIdentity } from "@meme-rounds/shared-schema/sign-in";
import { Client } from "colyseus.js";
import { type Answer, ApiError, Player } from "../../../loadtest/src/player.ts";
import { LIMITS } from "../../src/infra/limits.ts";
import { createRedis } from "../../src/infra/redis.ts";
import { until } from "../support/wait.ts";
import { type Cluster, startCluster } from "./cluster.ts";

const ROUND_SECONDS = 600;
const secret = (n: number) => new Uint8Array(32).fill(n);
const codeOf = (answer: Answer): string => (answer.ok ? "ok" : answer.code);

describe("limits and lists of addresses", function () {
  this.timeout(120_000);
  let cluster: Cluster;
  let other: { url: string };
  const boss = new Player("http://127.0.0.1:1", secret(9));
  let admin: Player;
  /** Another player of the same process; `address` is what a trusted proxy would say. */
  const playerAt = (url: string, address?: string, own?: Uint8Array) =>
    new Player(url, own, address === undefined ? {} : { "x-forwarded-for": address });

  before(async () => {
    process.env.TRUST_PROXY = "loopback";
    try {
      cluster = await startCluster({ roundSeconds: ROUND_SECONDS, admins: [ecdsaIdentity(boss.playKey)] });
      other = await cluster.another();
    } finally {
      delete process.env.TRUST_PROXY;
    }
    // Rounds are hosted by the first process; what the admin says is said to the other.
    admin = playerAt(other.url, undefined, secret(9));
    await admin.signIn();
  });
  after(() => cluster?.stop());

  const deny = (cidr: string): Promise<IpRule> =>
    admin.call(ipRuleSchema, "POST", "/admin/ip-rules", { cidr, kind: "deny", reason: "a test" });

  it("I2, I5: 200 players sign in from this machine one after the other without being refused", async () => {
    for (let i = 0; i < 200; i += 20)
      await Promise.all(Array.from({ length: 20 }, () => playerAt(cluster.url).signIn()));
  });

  it("I5: from elsewhere 30 a minute, over both processes together; the headers say so", async () => {
    const verdicts = [];
    for (let i = 0; i < 40; i++) {
      const url = i % 2 ? cluster.url : other.url;
      verdicts.push(
        (
          await fetch(`${url}/api/auth/challenge`, {
            method: "POST",
            headers: { "x-forwarded-for": "203.0.113.50" },
          })
        ).status,
      );
    }
    assert.equal(verdicts.filter((status) => status === 400).length, LIMITS.challenge.points);
    assert.equal(verdicts.filter((status) => status === 429).length, 10);
  });

  it("I5: a denied block is refused by both processes within a second: page, API, seats, open sockets", async () => {
    const bad = playerAt(cluster.url, "203.0.113.7");
    await bad.signIn();
    const { roomId } = await bad.current();
    // The SDK's own calls carry no such header: its sockets come from this machine, and are let in.
    await bad.join(roomId);
    const seat = await bad.call(seatAnswer, "GET", "/audience/seat");
    assert.ok(seat.sessionId);
    const rule = await deny("203.0.113.0/24");
    const status = async (url: string, path: string) =>
      (await fetch(`${url}${path}`, { headers: { "x-forwarded-for": "203.0.113.7" } })).status;
    for (const url of [cluster.url, other.url]) {
      await until(async () => (await status(url, "/api/rounds/current")) === 403, {
        deadlineMs: 1_000,
        what: url,
      });
      for (const path of ["/", "/api/audience/seat", "/media/x", "/matchmake/joinById/x"])
        assert.equal(await status(url, path), 403, path);
      assert.equal(await status(url, "/healthz"), 200);
    }
    await assert.rejects(bad.current(), (error) => error instanceof ApiError && error.code === "IP_DENIED");
    await admin.call(ipRuleSchema.partial().loose(), "DELETE", `/admin/ip-rules/${rule.id}`);
    await until(async () => (await status(other.url, "/api/rounds/current")) === 200, { deadlineMs: 1_000 });
    await bad.leave();
  });

  it("I5: players and spectators that sit there already are closed when their address is denied", async () => {
    // All sockets of this test come from this machine: the admin goes on from another address.
    const away = playerAt(other.url, "198.51.100.1", secret(9));
    away.token = admin.token;
    const player = playerAt(cluster.url);
    await player.signIn();
    await player.join((await player.current()).roomId);
    const spectator = await new Client(cluster.url).consumeSeatReservation(
      (await player.call(seatAnswer, "GET", "/audience/seat")) as never,
    );
    spectator.reconnection.enabled = false;
    const codes: number[] = [];
    player.room?.onLeave((code) => codes.push(code));
    spectator.onLeave((code) => codes.push(code));
    const rule = await away.call(ipRuleSchema, "POST", "/admin/ip-rules", {
      cidr: "127.0.0.0/8",
      kind: "deny",
      reason: "a test",
    });
    await until(() => codes.length === 2, { deadlineMs: 2_000, what: "both to be closed" });
    assert.deepEqual(codes, [SOCKET_CLOSE.denied, SOCKET_CLOSE.denied]);
    await assert.rejects(player.join("whatever"));
    await away.call(ipRuleSchema.partial().loose(), "DELETE", `/admin/ip-rules/${rule.id}`);
    await until(async () => (await fetch(`${other.url}/api/rounds/current`)).status === 200);
  });

  it("I5: who floods the room is refused, then thrown out, then kept out; a neighbour plays on", async () => {
    const [flood, calm] = [playerAt(cluster.url), playerAt(cluster.url)];
    for (const one of [flood, calm]) await one.signIn();
    const round = await flood.current();
    for (const one of [flood, calm]) await one.join(round.roomId);
    const left = new Promise<number>((resolve) => flood.room?.onLeave((code) => resolve(code)));
    const answers: string[] = [];
    flood.room?.onMessage("rejected", (body: { code: string }) => answers.push(body.code));
    const sig = "00".repeat(64);
    for (let i = 0; i < 25; i++) flood.room?.send("chat", { ref: crypto.randomUUID(), text: "flood", sig });
    assert.equal(await left, SOCKET_CLOSE.kicked);
    assert.equal(answers.filter((code) => code === "RATE_LIMITED").length, 25 - LIMITS.chat.points);
    await assert.rejects(flood.join(round.roomId), /RATE_LIMITED/);
    assert.notEqual(codeOf(await calm.chat(round, "what was that?")), "RATE_LIMITED");
    await calm.leave();
  });

  it("I5: no key in Redis holds an address, and every limit's key ends", async () => {
    const redis = createRedis(cluster.redisUrl);
    try {
      const keys = await redis.keys("mr:limit:*");
      assert.ok(keys.length > 5);
      for (const key of keys) {
        assert.doesNotMatch(key, /127\.0|203\.0|198\.51/);
        assert.ok((await redis.ttl(key)) > 0, key);
      }
    } finally {
      redis.disconnect();
    }
  });

  it("I4, I5: the audit log has each of these rules", async () => {
    const page = (await (
      await fetch(`${cluster.url}/api/admin/audit`, { headers: { authorization: `Bearer ${admin.token}` } })
    ).json()) as object;
    const text = JSON.stringify(page);
    assert.match(text, /ip-rule\.add/);
    assert.match(text, /203\.0\.113\.0\/24/);
  });
});
