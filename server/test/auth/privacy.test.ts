/** One's data as a file, and gone: over HTTP and a real Redis, with a part of another service that can fail (I6). */
import assert from "node:assert/strict";
import { deletedAnswer, exportAnswer } from "@meme-rounds/shared-schema/rest-me";
import type { Person, PersonalData } from "../../src/infra/personal-data.ts";
import type { Redis } from "../../src/infra/redis.ts";
import { connected } from "../support/redis.ts";
import { type Harness, player, signIn, startAuth } from "./support.ts";

const DAY = 86_400_000;
const who = player(1);

describe("auth: one's own data (I6)", () => {
  let redis: Redis;
  let harness: Harness;
  let token: string;
  let unpaid: string[];
  let told: Person[];
  let forgotten: Person[];
  let broken: boolean;
  let renamed: { identity: string; name: string }[];

  connected((one) => {
    redis = one;
  });
  beforeEach(async () => {
    await redis.flushall();
    [unpaid, told, forgotten, broken, renamed] = [[], [], [], false, []];
    const pictures: PersonalData = {
      name: "pictures",
      async exportOf(person) {
        told.push(person);
        return ["a frog"];
      },
      async forget(person) {
        if (broken) throw new Error("the process died here");
        forgotten.push(person);
      },
    };
    harness = await startAuth(
      redis,
      {},
      {
        othersData: () => [pictures],
        unpaidRounds: async () => unpaid,
        async onRenamed({ identity, name }) {
          renamed.push({ identity, name });
        },
      },
    );
    token = (await signIn(harness, who)).accessToken;
  });
  afterEach(() => harness.close());

  const erase = (body: unknown = { confirm: "delete" }) => harness.call("DELETE", "/me", { token, body });
  const rename = (name: string) => harness.call("PATCH", "/me", { token, body: { name } });
  /** Everything in Redis, as text. */
  const dump = async (): Promise<string> => {
    const lines: string[] = [];
    for (const key of await redis.keys("*")) {
      const type = await redis.type(key);
      const value =
        type === "hash"
          ? await redis.hgetall(key)
          : type === "zset"
            ? await redis.zrange(key, 0, -1)
            : type === "set"
              ? await redis.smembers(key)
              : await redis.get(key);
      lines.push(`${key} ${JSON.stringify(value)}`);
    }
    return lines.join("\n");
  };

  it("I6: the export is one file with every part, and holds what was done", async () => {
    await rename("Doge Fan");
    await harness.call("PATCH", "/me/limits", { token, body: { depositPerDaySats: 7_000, coolOffHours: 3 } });
    const reply = await harness.call("GET", "/me/export", { token });
    const { parts, ...head } = exportAnswer.parse(reply.body);
    assert.deepEqual(head, {
      format: "meme-rounds-export",
      version: 1,
      madeAt: harness.clock.ms,
      identity: who.identity,
      playKeys: [who.playKey],
    });
    assert.deepEqual(Object.keys(parts).sort(), ["consents", "limits", "pictures", "profile", "sessions"]);
    assert.deepEqual(parts.pictures, ["a frog"]);
    assert.deepEqual(told, [{ identity: who.identity, playKeys: [who.playKey] }]);
    const text = JSON.stringify(parts);
    for (const part of ["Doge Fan", who.address, who.playKey, "7000", '"version":1', "signature"])
      assert.ok(text.includes(part), part);
    assert.ok(!/refreshHash|refreshToken/.test(text), "nothing that signs in");
  });

  it("I6: deleting needs the word, and says what went and what stays", async () => {
    for (const body of [{}, { confirm: "yes" }, { confirm: "delete", identity: player(2).identity }])
      assert.equal((await erase(body)).problem().code, "BAD_REQUEST");
    assert.equal(forgotten.length, 0);
    const done = deletedAnswer.parse((await erase()).body);
    assert.deepEqual(done.removed, ["pictures", "limits", "consents", "profile", "sessions"]);
    assert.ok(done.kept.length >= 4 && done.kept.every(({ what, why }) => what !== "" && why !== ""));
  });

  it("I6: after deleting, name, address and sessions are gone from Redis; tokens are worth nothing", async () => {
    await signIn(harness, player(2));
    await rename("Doge Fan");
    await signIn(harness, who); // a second device
    assert.equal((await erase()).status, 200);
    const left = await dump();
    for (const gone of ["Doge Fan", who.address, "signatureHash"])
      assert.ok(!left.replaceAll(new RegExp(`.*${player(2).identity}.*`, "g"), "").includes(gone), gone);
    assert.equal((await harness.call("GET", "/me", { token })).problem().code, "TOKEN_INVALID");
    assert.equal(
      await redis.get(`mr:auth:play-key:${who.playKey}`),
      who.identity,
      "the binding is for ever (I2)",
    );
    // Somebody else is untouched.
    assert.ok(left.includes(player(2).address));
    // M6: the chain's newest profile record says the plain name, or a rebuild would bring the old one back.
    assert.deepEqual(renamed.at(-1), { identity: who.identity, name: `player ${who.identity.slice(-6)}` });
  });

  it("I6: whoever comes back begins anew, and consents anew", async () => {
    await rename("Doge Fan");
    await erase();
    const again = await signIn(harness, who);
    assert.equal(again.user.name, `player ${who.identity.slice(-6)}`);
    assert.deepEqual(again.user.terms, { version: 1, accepted: 1 });
    assert.equal(await redis.pttl(`mr:auth:consent:${who.identity}`), -1);
  });

  it("I6: while a round somebody deposited in is not paid nothing is deleted; afterwards it is", async () => {
    const deposit = { txid: "tx", sats: 5_000, roundId: "main-7" };
    assert.equal(await harness.auth.play.reserve(who.identity, deposit), undefined);
    unpaid = ["main-6", "main-7"];
    assert.equal((await erase()).problem().code, "ACCOUNT_BUSY");
    assert.equal(forgotten.length, 0);
    // The refusal does not stop the play.
    const more = { txid: "tx2", sats: 5_000, roundId: "main-7" };
    assert.equal(await harness.auth.play.reserve(who.identity, more), undefined);
    unpaid = ["main-8"];
    assert.equal((await erase()).status, 200);
  });

  it("I6: a deposit that comes while everything is being deleted is refused", async () => {
    let during: unknown;
    const slow = await startAuth(
      redis,
      {},
      {
        unpaidRounds: async () => {
          during = await harness.auth.play.reserve(who.identity, {
            txid: "tx",
            sats: 5_000,
            roundId: "main-7",
          });
          return [];
        },
      },
    );
    assert.equal((await slow.call("DELETE", "/me", { token, body: { confirm: "delete" } })).status, 200);
    assert.equal((during as { code?: string }).code, "ACCOUNT_BUSY");
    await slow.close();
  });

  it("I6: a crash in the middle leaves the session, and doing it again ends it", async () => {
    await rename("Doge Fan");
    broken = true;
    assert.equal((await erase()).problem().code, "INTERNAL");
    broken = false;
    assert.equal((await harness.call("GET", "/me", { token })).status, 200);
    const [one, two] = await Promise.all([erase(), erase()]);
    // Two at once: both were asked by a session that lived; what one has deleted does not stop the other.
    assert.ok([one, two].some(({ status }) => status === 200));
    for (const reply of [one, two])
      assert.ok(reply.status === 200 || reply.problem().code === "TOKEN_INVALID", JSON.stringify(reply.body));
    assert.ok(!(await dump()).includes("Doge Fan"));
  });

  it("I6: deleting lifts no self-exclusion, no break and no limit; they end when they would have", async () => {
    const body = { depositPerDaySats: 1_000, selfExclusion: { days: "forever", confirm: "exclude me" } };
    assert.equal((await harness.call("PATCH", "/me/limits", { token, body })).status, 200);
    assert.equal((await erase()).status, 200);
    await signIn(harness, who);
    const refused = (await harness.auth.play.reserve(who.identity, { txid: "t", sats: 1, roundId: "r" }))
      ?.code;
    assert.equal(refused, "SELF_EXCLUDED");
    assert.equal(await redis.pttl(`mr:auth:limits:${who.identity}`), -1);

    const other = player(3);
    const hers = (await signIn(harness, other)).accessToken;
    await harness.call("PATCH", "/me/limits", { token: hers, body: { depositPerDaySats: 1_000 } });
    await harness.auth.play.reserve(other.identity, { txid: "a", sats: 900, roundId: "r" });
    await harness.call("DELETE", "/me", { token: hers, body: { confirm: "delete" } });
    await signIn(harness, other);
    const over = await harness.auth.play.reserve(other.identity, { txid: "b", sats: 200, roundId: "r" });
    assert.equal(over?.code, "PLAY_LIMIT_REACHED");
    const ttl = await redis.pttl(`mr:auth:limits:${other.identity}`);
    assert.ok(ttl > DAY - 60_000 && ttl <= DAY, String(ttl));
  });
});
