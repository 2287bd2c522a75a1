/** Play keys of an identity over HTTP against a real Redis: bound on every device, listed, revoked for good (I2). */
import assert from "node:assert/strict";
import { playKeysAnswer } from "@meme-rounds/shared-schema/rest";
import { createPlayKeys, MAX_PLAY_KEYS } from "../../src/auth/play-keys.ts";
import type { Redis } from "../../src/infra/redis.ts";
import { connected } from "../support/redis.ts";
import { attempt, type Harness, player, signIn, startAuth } from "./support.ts";

describe("auth: play keys", () => {
  let redis: Redis;
  let harness: Harness;

  connected((one) => {
    redis = one;
  });
  beforeEach(async () => {
    await redis.flushall();
    harness = await startAuth(redis);
  });
  afterEach(() => harness.close());

  const keysOf = async (token: string) =>
    playKeysAnswer.parse((await harness.call("GET", "/auth/play-keys", { token })).body).playKeys;
  const revoke = (token: string, playKey: string) =>
    harness.call("DELETE", `/auth/play-keys/${playKey}`, { token });

  it("I2: a second device binds a second play key to the same identity, and both are listed", async () => {
    const laptop = player(1);
    const phone = player(1, 2);
    assert.equal(laptop.identity, phone.identity);
    const first = await signIn(harness, laptop);
    const at = harness.clock.ms;
    harness.clock.ms += 5_000;
    const second = await signIn(harness, phone);
    assert.equal(first.user.identity, second.user.identity);
    assert.deepEqual(await keysOf(second.accessToken), [
      { playKey: phone.playKey, boundAt: at + 5_000, lastUsedAt: at + 5_000, current: true },
      { playKey: laptop.playKey, boundAt: at, lastUsedAt: at, current: false },
    ]);
    harness.clock.ms += 5_000;
    await signIn(harness, laptop);
    const [used] = await keysOf(first.accessToken);
    assert.deepEqual(used, {
      playKey: laptop.playKey,
      boundAt: at,
      lastUsedAt: at + 10_000,
      current: true,
    });
  });

  it("I2: a revoked key signs in no more, its sessions end, others stay; it is nobody else's either", async () => {
    const [laptop, phone] = [player(1), player(1, 2)];
    const lost = await signIn(harness, phone);
    const kept = await signIn(harness, laptop);
    assert.deepEqual((await revoke(kept.accessToken, phone.playKey)).body, { ended: 1 });
    await assert.rejects(harness.auth.authenticate(lost.accessToken), { code: "TOKEN_INVALID" });
    const refreshed = await harness.call("POST", "/auth/refresh", {
      body: { refreshToken: lost.refreshToken },
    });
    assert.equal(refreshed.problem().code, "REFRESH_INVALID");
    assert.equal((await attempt(harness, phone)).problem().code, "PLAY_KEY_REVOKED");
    assert.equal((await attempt(harness, player(3, 2))).problem().code, "PLAY_KEY_TAKEN");
    await harness.auth.authenticate(kept.accessToken);
    const listed = await keysOf(kept.accessToken);
    assert.equal(listed.find(({ playKey }) => playKey === phone.playKey)?.revokedAt, harness.clock.ms);
    harness.clock.ms += 1;
    assert.deepEqual(
      (await revoke(kept.accessToken, phone.playKey)).body,
      { ended: 0 },
      "again changes nothing",
    );
    assert.deepEqual(await keysOf(kept.accessToken), listed);
  });

  it("I2: the key one is signed in with, an unknown one and another's are not revoked", async () => {
    const mine = await signIn(harness, player(1));
    const theirs = await signIn(harness, player(2));
    const code = async (playKey: string) => (await revoke(mine.accessToken, playKey)).problem().code;
    assert.equal(await code(player(1).playKey), "PLAY_KEY_CURRENT");
    assert.equal(await code(player(2).playKey), "PLAY_KEY_UNKNOWN");
    assert.equal(await code(player(7).playKey), "PLAY_KEY_UNKNOWN");
    assert.equal(await code("02zz"), "BAD_REQUEST");
    await harness.auth.authenticate(theirs.accessToken);
  });

  it("I2: a sign-in that races with the revocation of its key leaves no session behind", async () => {
    const [laptop, phone] = [player(1), player(1, 2)];
    await signIn(harness, phone);
    const kept = await signIn(harness, laptop);
    const replies = await Promise.all([
      ...Array.from({ length: 5 }, () => attempt(harness, phone)),
      revoke(kept.accessToken, phone.playKey),
    ]);
    assert.equal(replies.at(-1)?.status, 200);
    const sessions = await redis.keys("mr:auth:session:*");
    const keys = await Promise.all(sessions.map((key) => redis.hget(key, "playKey")));
    assert.ok(!keys.includes(phone.playKey));
  });

  it("I2: of two identities that claim one key at once exactly one gets it", async () => {
    const playKeys = createPlayKeys({ redis, now: () => harness.clock.ms });
    const outcomes = await Promise.allSettled(
      [1, 2, 3, 4].map((n) => playKeys.claim(player(9).playKey, player(n).identity)),
    );
    assert.equal(outcomes.filter(({ status }) => status === "fulfilled").length, 1);
  });

  it("I5: an identity has a bounded number of play keys", async () => {
    const playKeys = createPlayKeys({ redis, now: () => harness.clock.ms });
    const { identity } = player(1);
    const key = (n: number): string => `02${n.toString(16).padStart(64, "0")}`;
    for (let n = 0; n < MAX_PLAY_KEYS; n++) await playKeys.claim(key(n), identity);
    await assert.rejects(playKeys.claim(key(MAX_PLAY_KEYS), identity), { code: "PLAY_KEYS_FULL" });
    await playKeys.claim(key(0), identity);
    assert.equal((await playKeys.list(identity)).length, MAX_PLAY_KEYS);
  });
});
