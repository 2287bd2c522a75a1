/** Profiles over HTTP against a real Redis: which names are kept, and which are refused. */
import assert from "node:assert/strict";
import { type User, userSchema } from "@meme-rounds/shared-schema/rest";
import type { ShownProfile } from "../../src/auth/index.ts";
import type { Redis } from "../../src/infra/redis.ts";
import { connected } from "../support/redis.ts";
import { type Harness, player, type Reply, signIn, startAuth } from "./support.ts";

describe("auth: profile", () => {
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

  const me = (token: string): Promise<Reply> => harness.call("GET", "/me", { token });
  const rename = (token: string, name: unknown): Promise<Reply> =>
    harness.call("PATCH", "/me", { token, body: { name } });

  it("a name is stored in NFC, trimmed, and survives the next sign-in", async () => {
    const { accessToken } = await signIn(harness, player(1));
    const reply = await rename(accessToken, "  Cafe\u0301   Ole\u0301 🐸 ");
    assert.equal(reply.status, 200);
    const user: User = userSchema.parse(reply.body);
    assert.equal(user.name, "Café Olé 🐸");
    assert.equal((await signIn(harness, player(1))).user.name, "Café Olé 🐸");
    assert.equal(userSchema.parse((await me(accessToken)).body).name, "Café Olé 🐸");
    assert.notEqual((await signIn(harness, player(2))).user.name, "Café Olé 🐸");
  });

  it("names that are none are refused and change nothing", async () => {
    const { accessToken, user } = await signIn(harness, player(1));
    const bad = [
      "",
      "   ",
      "\u200d",
      "a\u0000b",
      "line\nbreak",
      "\ttab",
      "\u202eevil",
      "zero\u200bwidth",
      "lone \ud800",
      "x".repeat(33),
      "\u0958".repeat(32),
      7,
      null,
    ];
    for (const name of bad)
      assert.equal((await rename(accessToken, name)).problem().code, "BAD_REQUEST", JSON.stringify(name));
    const role = await harness.call("PATCH", "/me", { token: accessToken, body: { role: "admin" } });
    assert.equal(role.problem().code, "BAD_REQUEST");
    assert.deepEqual(userSchema.parse((await me(accessToken)).body), user);
  });

  it("a patch without fields answers with the profile as it is", async () => {
    const { accessToken, user } = await signIn(harness, player(1));
    const reply = await harness.call("PATCH", "/me", { token: accessToken, body: {} });
    assert.deepEqual(userSchema.parse(reply.body), user);
  });

  describe("picture", () => {
    const [mine, others] = ["a1".repeat(32), "b2".repeat(32)];
    let told: ShownProfile[];
    let taken: string[];
    beforeEach(async () => {
      await harness.close();
      [told, taken] = [[], []];
      harness = await startAuth(
        redis,
        {},
        {
          pictures: {
            claim: async (_, memeId) => memeId === mine,
            isShown: async (memeId) => !taken.includes(memeId),
          },
          onRenamed: async (profile) => void told.push(profile),
        },
      );
    });
    const choose = (token: string, avatar: unknown, name?: string): Promise<Reply> =>
      harness.call("PATCH", "/me", { token, body: { avatar, ...(name === undefined ? {} : { name }) } });
    const avatarOf = async (token: string): Promise<string | undefined> =>
      userSchema.parse((await me(token)).body).avatar;

    it("C2, M6 an approved picture of one's own stands beside the name, and goes to the chain with it", async () => {
      const { accessToken, user } = await signIn(harness, player(1));
      assert.equal(userSchema.parse((await choose(accessToken, mine)).body).avatar, `/media/${mine}`);
      assert.equal((await signIn(harness, player(1))).user.avatar, `/media/${mine}`);
      await rename(accessToken, "Frog");
      assert.equal(await avatarOf(accessToken), `/media/${mine}`);
      const { identity, playKey, name } = user;
      assert.deepEqual(told, [
        { identity, playKey, name, avatar: mine },
        { identity, playKey, name: "Frog", avatar: mine },
      ]);
      assert.equal((await choose(accessToken, null)).status, 200);
      assert.equal(await avatarOf(accessToken), undefined);
      assert.deepEqual(told.at(-1), { identity, playKey, name: "Frog" });
    });

    it("C2 a picture of somebody else is refused, and the name sent along stays as it was", async () => {
      const { accessToken, user } = await signIn(harness, player(1));
      assert.equal((await choose(accessToken, others, "Toad")).problem().code, "AVATAR_REFUSED");
      for (const bad of ["", "../x", mine.toUpperCase(), `${mine}00`, 7, {}])
        assert.equal((await choose(accessToken, bad)).problem().code, "BAD_REQUEST", JSON.stringify(bad));
      assert.equal((await choose(accessToken, mine, "\u202eevil")).problem().code, "BAD_REQUEST");
      assert.deepEqual(userSchema.parse((await me(accessToken)).body), user);
      assert.deepEqual(told, []);
    });

    it("C6 a picture that was taken down since is no picture", async () => {
      const { accessToken } = await signIn(harness, player(1));
      await choose(accessToken, mine);
      taken.push(mine);
      assert.equal(await avatarOf(accessToken), undefined);
    });

    it("I6, M6 deleting one's data takes the picture away on the chain too", async () => {
      const { accessToken } = await signIn(harness, player(1));
      await choose(accessToken, mine);
      const reply = await harness.call("DELETE", "/me", { token: accessToken, body: { confirm: "delete" } });
      assert.equal(reply.status, 200);
      assert.equal(told.length, 2);
      assert.ok(told[1] && !("avatar" in told[1]));
    });
  });
});
