/**
 * A round played by people behind a proxy, as separate processes: what is in Redis and in the log afterwards (I6).
 * No raw IP address anywhere, no key that docs/PRIVACY.md does not name; limits, export and deletion in a live round.
 */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { okAnswer, roundDetail } from "@meme-rounds/shared-schema/rest";
import { deletedAnswer, exportAnswer, playLimitsAnswer } from "@meme-rounds/shared-schema/rest-me";
import { TERMS } from "@meme-rounds/shared-schema/terms";
import { type Answer, ApiError, Player } from "../../../loadtest/src/player.ts";
import { createRedis, type Redis } from "../../src/infra/redis.ts";
import { type Cluster, startCluster } from "../game/cluster.ts";
import { until } from "../support/wait.ts";
import { isMapped } from "./data-map.ts";

const ROUND_SECONDS = 20;
/** Addresses for documentation: nobody has them. */
const ADDRESSES = { ann: "203.0.113.77", bob: "2001:db8:77::1234" };
/** Colyseus' own keys: which rooms and processes there are; a room's seats are numbers. */
const COLYSEUS = /^(roomcaches|roomcount|roomhistory|\$|p:|l:|ch:|_)/;

const fixture = (name: string) => readFile(new URL(`../fixtures/memes/${name}`, import.meta.url));
const codeOf = (answer: Answer): string => (answer.ok ? "ok" : answer.code);
const refusal = async (work: Promise<unknown>): Promise<string> =>
  await work.then(
    () => "ok",
    (error: unknown) => (error instanceof ApiError ? error.code : String(error)),
  );

describe("privacy: a played round", function () {
  this.timeout(120_000);
  let cluster: Cluster;
  let redis: Redis;
  let ann: Player;
  let bob: Player;
  let memeId: string;
  let round: Awaited<ReturnType<Player["current"]>>;

  before(async () => {
    // Both sides of the test are on loopback: only that is taken for a proxy.
    cluster = await startCluster({ roundSeconds: ROUND_SECONDS, env: { TRUST_PROXY: "loopback" } });
    redis = createRedis(cluster.redisUrl);
    ann = new Player(cluster.url, undefined, { "x-forwarded-for": ADDRESSES.ann });
    bob = new Player(cluster.url, undefined, { "x-forwarded-for": ADDRESSES.bob });
    for (const player of [ann, bob]) await player.signIn();
    const coins = [await ann.faucet(60_000), await bob.faucet(60_000)];
    const meme = await ann.upload(await fixture("doge.png"), "Much private");
    round = await until(
      async () => {
        const snapshot = await ann.current();
        return snapshot.depositsCloseAt - Date.now() > 10_000 ? snapshot : undefined;
      },
      { deadlineMs: 40_000, what: "a fresh round" },
    );
    for (const [index, player] of [ann, bob].entries()) {
      await player.join(round.roomId);
      const coin = coins[index];
      assert.ok(coin);
      assert.equal(codeOf(await player.deposit(round, coin, 20_000)), "ok");
    }
    memeId = meme.memeId;
    assert.equal(codeOf(await ann.enter(round, meme, round.entryPrice)), "ok");
    assert.equal(codeOf(await bob.boost(round, meme.memeId, 500)), "ok");
    assert.equal(codeOf(await bob.chat(round, "hello")), "ok");
  });
  after(async () => {
    redis?.disconnect();
    await cluster?.stop();
  });

  /** Every key and all that is in it, as text. */
  async function dump(): Promise<{ keys: string[]; text: string }> {
    const keys = await redis.keys("*");
    const values = await Promise.all(
      keys.map(async (key) => {
        switch (await redis.type(key)) {
          case "hash":
            return Object.entries(await redis.hgetall(key))
              .flat()
              .join(" ");
          case "zset":
            return (await redis.zrange(key, 0, -1)).join(" ");
          case "set":
            return (await redis.smembers(key)).join(" ");
          case "list":
            return (await redis.lrange(key, 0, -1)).join(" ");
          case "stream":
            return JSON.stringify(await redis.xrange(key, "-", "+"));
          default:
            return (await redis.get(key)) ?? "";
        }
      }),
    );
    return { keys, text: keys.map((key, index) => `${key} ${values[index]}`).join("\n") };
  }
  const logs = (): string =>
    Object.values(cluster.processes)
      .map((one) => one.output())
      .join("\n");

  it("I6: until new terms are accepted deposits and uploads wait; boosts and chat go on", async () => {
    // As if the terms in force were newer than what was accepted.
    await redis.del(`mr:auth:consent:ecdsa-secp256k1:${bob.playKey}`);
    const coin = await bob.faucet(30_000);
    assert.equal(codeOf(await bob.deposit(round, coin, 5_000)), "CONSENT_REQUIRED");
    assert.equal(await refusal(bob.upload(await fixture("portrait.jpg"), "Later")), "CONSENT_REQUIRED");
    assert.equal(codeOf(await bob.boost(round, memeId, 100)), "ok");
    assert.equal(codeOf(await bob.chat(round, "what do they say?")), "ok");
    await bob.call(okAnswer, "POST", "/me/consent", { version: TERMS.version, adult: true });
    assert.equal(codeOf(await bob.deposit(round, coin, 5_000)), "ok");
  });

  it("I6: a limit set in mid-round stops the next deposit, a break the next boost; the coins of it stay", async () => {
    const limits = await bob.call(playLimitsAnswer, "PATCH", "/me/limits", { depositPerDaySats: 30_000 });
    assert.equal(limits.depositedSats, 25_000);
    const coin = await bob.faucet(30_000);
    assert.equal(codeOf(await bob.deposit(round, coin, 20_000)), "PLAY_LIMIT_REACHED");
    assert.equal(codeOf(await bob.deposit(round, coin, 5_000)), "ok");
    await bob.call(playLimitsAnswer, "PATCH", "/me/limits", { coolOffHours: 1 });
    assert.equal(
      await until(async () => {
        const code = codeOf(await bob.boost(round, memeId, 100));
        return code === "ok" ? false : code;
      }),
      "COOLING_OFF",
    );
    assert.equal(codeOf(await bob.chat(round, "I watch now")), "ok");
  });

  it("I6: nothing is deleted while coins are in the round", async () => {
    assert.equal(
      await refusal(ann.call(deletedAnswer, "DELETE", "/me", { confirm: "delete" })),
      "ACCOUNT_BUSY",
    );
  });

  it("I6: whoever excludes themselves is not let into the room any more", async () => {
    const eve = new Player(cluster.url);
    await eve.signIn();
    const selfExclusion = { days: 30, confirm: "exclude me" };
    await eve.call(playLimitsAnswer, "PATCH", "/me/limits", { selfExclusion });
    await assert.rejects(eve.join((await eve.current()).roomId), /SELF_EXCLUDED/);
  });

  it("I6: the export holds the uploads, the deposits' count and the consent", async () => {
    const { parts } = await ann.call(exportAnswer, "GET", "/me/export");
    const text = JSON.stringify(parts);
    for (const part of [
      "Much private",
      round.roundId,
      '"depositedSats":20000',
      '"how":"signature"',
      ann.address,
    ])
      assert.ok(text.includes(part), part);
  });

  it("I6: after the round no address is in Redis or in any log, and no key that the map does not name", async () => {
    // A join over the websocket with an address of its own, besides the REST calls.
    const seat = await fetch(`${cluster.url}/matchmake/joinById/${(await ann.current()).roomId}`, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        authorization: `Bearer ${ann.token}`,
        "x-forwarded-for": ADDRESSES.ann,
      },
      body: "{}",
    });
    await seat.arrayBuffer();
    // Refused calls are the ones that get logged.
    for (const address of Object.values(ADDRESSES))
      await fetch(`${cluster.url}/api/auth/challenge`, {
        method: "POST",
        headers: { "x-forwarded-for": address },
      });
    // Told apart by address: so the addresses did come through, and are counted under something else.
    const counted = (await redis.keys("mr:limit:auth.challenge:*")).length;
    assert.ok(counted >= 2, `${counted} callers counted`);
    await until(
      async () => {
        const detail = await fetch(`${cluster.url}/api/rounds/${round.roundId}`);
        return detail.ok && roundDetail.parse(await detail.json()).settlement !== "pending";
      },
      { deadlineMs: 60_000, everyMs: 250, what: "the round's settlement" },
    );
    const { keys, text } = await dump();
    assert.ok(keys.length > 30, `only ${keys.length} keys`);
    for (const part of ["203.0.113.", "2001:db8:77"]) {
      assert.ok(!text.includes(part), `${part} is in Redis`);
      assert.ok(!logs().includes(part), `${part} is in a log`);
    }
    assert.deepEqual(
      keys.filter((key) => !isMapped(key) && !COLYSEUS.test(key)),
      [],
    );
    assert.ok(!logs().includes(ann.token), "no token is in a log");
  });

  it("I6: once the round is paid everything goes, what is public stays", async () => {
    const done = await until(
      async () => {
        try {
          return await ann.call(deletedAnswer, "DELETE", "/me", { confirm: "delete" });
        } catch (error) {
          if (error instanceof ApiError && error.code === "ACCOUNT_BUSY") return undefined;
          throw error;
        }
      },
      { deadlineMs: 60_000, everyMs: 500, what: "the deletion" },
    );
    assert.ok(done.removed.includes("uploads") && done.removed.includes("sessions"));
    assert.equal(await refusal(ann.call(exportAnswer, "GET", "/me/export")), "TOKEN_INVALID");
    const left = (await dump()).keys.filter((key) => key.includes(`:${ann.playKey}`));
    // Binding, reduced consent, the day's count and what limits count by identity.
    for (const key of left) assert.match(key, /^mr:(auth:(play-keys?|consent|deposits)|limit):/);
    const detail = await fetch(`${cluster.url}/api/rounds/${round.roundId}`);
    assert.ok((await detail.text()).includes(ann.playKey), "the round can still be checked");
  });
});
