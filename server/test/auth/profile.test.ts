/** Profiles over HTTP against a real Redis: which names are kept, and which are refused. */
import assert from "node:assert/strict";
import { type User, userSchema } from "@meme-rounds/shared-schema/rest";
import { createRedis, type Redis } from "../../src/infra/redis.ts";
import { startRedis, type TestRedis } from "../support/redis.ts";
import { type Harness, player, type Reply, signIn, startAuth } from "./support.ts";

describe("auth: profile", () => {
  let server: TestRedis;
  let redis: Redis;
  let harness: Harness;

  before(async () => {
    server = await startRedis();
    redis = createRedis(server.url);
  });
  after(async () => {
    redis.disconnect();
    await server.close();
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
});
