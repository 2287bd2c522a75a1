/** Tokens, sessions and roles over HTTP against a real Redis (I2, I4). */
import assert from "node:assert/strict";
import { createHash, createHmac } from "node:crypto";
import { sessionsAnswer, tokensAnswer } from "@meme-rounds/shared-schema/rest";
import { SignJWT } from "jose";
import { createAuthService } from "../../src/auth/index.ts";
import { MAX_SESSIONS } from "../../src/auth/sessions.ts";
import { createLogger } from "../../src/infra/logger.ts";
import type { Redis } from "../../src/infra/redis.ts";
import { connected } from "../support/redis.ts";
import { DOMAIN, type Harness, JWT_SECRET, player, type Reply, signIn, startAuth } from "./support.ts";

const kidOf = (secret: string): string => createHash("sha256").update(secret).digest("hex").slice(0, 16);
const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

describe("auth: tokens, sessions and roles", () => {
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
  const refresh = (refreshToken: string): Promise<Reply> =>
    harness.call("POST", "/auth/refresh", { body: { refreshToken } });
  const sessionsOf = async (token: string) =>
    sessionsAnswer.parse((await harness.call("GET", "/auth/sessions", { token })).body).sessions;
  const tokenDies = async (token: string): Promise<void> => {
    const reply = await me(token);
    assert.equal(reply.problem().code, "TOKEN_INVALID");
    assert.equal(reply.status, 401);
  };

  it("I2: an access token is good for 15 min", async () => {
    const { accessToken } = await signIn(harness, player(1));
    harness.clock.ms += 15 * MINUTE - 1_000;
    assert.equal((await me(accessToken)).status, 200);
    harness.clock.ms += 1_000;
    await tokenDies(accessToken);
  });

  it("I2: a tampered token, one without a signature, and foreign ones are refused", async () => {
    const { accessToken } = await signIn(harness, player(1));
    const [header = "", payload = "", signature = ""] = accessToken.split(".");
    const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
    const claims = JSON.parse(Buffer.from(payload, "base64url").toString()) as Record<string, unknown>;
    const other = encode({ ...claims, sub: player(2).identity });
    const flipped = (signature[0] === "A" ? "B" : "A") + signature.slice(1);
    const make = (
      alg: string,
      secret: string,
      audience = DOMAIN,
      issuer = "meme-rounds:devchain",
      kid = kidOf(secret),
    ) =>
      new SignJWT({ sid: claims.sid })
        .setProtectedHeader({ alg, kid })
        .setSubject(player(1).identity)
        .setIssuer(issuer)
        .setAudience(audience)
        .setExpirationTime(Math.floor(harness.clock.ms / 1000) + 60)
        .sign(new TextEncoder().encode(secret));
    const forged = [
      "x",
      `${header}.${other}.${signature}`,
      `${header}.${payload}.${flipped}`,
      `${header}.${payload}.`,
      `${encode({ alg: "none" })}.${payload}.`,
      `${encode({ alg: "none" })}.${payload}.${signature}`,
      await make("HS256", JWT_SECRET.replace("only", "Only")),
      await make("HS256", JWT_SECRET.replace("only", "Only"), DOMAIN, undefined, kidOf(JWT_SECRET)),
      ...(await Promise.all(
        ["", "__proto__", "../../etc/passwd", "constructor"].map((kid) =>
          make("HS256", JWT_SECRET, DOMAIN, undefined, kid),
        ),
      )),
      `${await make("HS256", JWT_SECRET)}.${signature}`,
      `${"A".repeat(4_000)}.${payload}.${signature}`,
      await make("HS512", JWT_SECRET),
      await make("HS256", JWT_SECRET, "phishing.example"),
      await make("HS256", JWT_SECRET, DOMAIN, "meme-rounds:main"),
    ];
    for (const token of forged) await tokenDies(token);
    // The same maker with every part right: so it was the wrong part that refused each of those.
    assert.equal((await me(await make("HS256", JWT_SECRET))).status, 200);
    assert.equal((await me(accessToken)).status, 200);
  });

  it("I2: a token without an expiry, expired, not good yet, or of another session's identity is refused", async () => {
    const { accessToken } = await signIn(harness, player(1));
    const { sessionId } = await harness.auth.authenticate(accessToken);
    const draft = (sub: string) =>
      new SignJWT({ sid: sessionId })
        .setProtectedHeader({ alg: "HS256", kid: kidOf(JWT_SECRET) })
        .setSubject(sub)
        .setIssuer("meme-rounds:devchain")
        .setAudience(DOMAIN);
    const key = new TextEncoder().encode(JWT_SECRET);
    await tokenDies(await draft(player(1).identity).sign(key));
    const exp = Math.floor(harness.clock.ms / 1000) + 60;
    await tokenDies(await draft(player(2).identity).setExpirationTime(exp).sign(key));
    await tokenDies(
      await draft(player(1).identity)
        .setExpirationTime(exp)
        .setNotBefore(exp - 30)
        .sign(key),
    );
    await tokenDies(
      await draft(player(1).identity)
        .setExpirationTime(exp - 60)
        .sign(key),
    );
    assert.equal((await me(await draft(player(1).identity).setExpirationTime(exp).sign(key))).status, 200);
  });

  it("I2: a token of a key that was replaced is good as long as the key is kept, and new ones use the new key", async () => {
    const { accessToken, refreshToken } = await signIn(harness, player(1));
    const NEW_SECRET = "another secret for tests, longer than 32 bytes";
    const rotated = await startAuth(redis, { jwtSecrets: [NEW_SECRET, JWT_SECRET] });
    const later = await startAuth(redis, { jwtSecrets: [NEW_SECRET] });
    try {
      assert.equal((await rotated.auth.authenticate(accessToken)).identity, player(1).identity);
      await assert.rejects(later.auth.authenticate(accessToken), { code: "TOKEN_INVALID" });
      const reply = await rotated.call("POST", "/auth/refresh", { body: { refreshToken } });
      const next = tokensAnswer.parse(reply.body);
      await later.auth.authenticate(next.accessToken);
      // A process that has not got the new key yet refuses it rather than guessing.
      await assert.rejects(harness.auth.authenticate(next.accessToken), { code: "TOKEN_INVALID" });
    } finally {
      await rotated.close();
      await later.close();
    }
  });

  it("I2: a token that is signed with our secret read as a public key is refused", async () => {
    const { accessToken } = await signIn(harness, player(1));
    const payload = accessToken.split(".")[1] ?? "";
    const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
    for (const alg of ["RS256", "ES256", "PS256", "EdDSA", "none", "hs256"]) {
      const head = encode({ alg, kid: kidOf(JWT_SECRET) });
      const mac = createHmac("sha256", JWT_SECRET).update(`${head}.${payload}`).digest("base64url");
      await tokenDies(`${head}.${payload}.${mac}`);
    }
  });

  it("I2: a short secret is refused at boot", () => {
    const options = {
      domain: DOMAIN,
      network: "devchain" as const,
      adminIdentities: [],
      jwtSecrets: ["x".repeat(31)],
    };
    const deps = { redis, logger: createLogger("auth-test", "silent"), now: () => harness.clock.ms };
    assert.throws(() => createAuthService(options, deps), RangeError);
  });

  it("I2: routes of players need a token", async () => {
    const paths = [
      ["GET", "/me"],
      ["PATCH", "/me"],
      ["GET", "/auth/sessions"],
      ["POST", "/auth/logout"],
      ["DELETE", "/auth/sessions/x"],
    ] as const;
    for (const [method, path] of paths)
      assert.equal((await harness.call(method, path)).problem().code, "AUTH_REQUIRED", path);
  });

  it("I2: refreshing gives new tokens of the same session; refresh tokens are stored hashed", async () => {
    const first = await signIn(harness, player(1));
    harness.clock.ms += 20 * MINUTE;
    const reply = await refresh(first.refreshToken);
    assert.equal(reply.status, 200);
    const second = tokensAnswer.parse(reply.body);
    assert.notEqual(second.refreshToken, first.refreshToken);
    assert.deepEqual(second.user, first.user);
    assert.equal((await me(second.accessToken)).status, 200);
    const sessions = await sessionsOf(second.accessToken);
    assert.equal(sessions.length, 1);
    assert.equal(sessions[0]?.lastUsedAt, harness.clock.ms);
    assert.equal(sessions[0]?.createdAt, harness.clock.ms - 20 * MINUTE);
    const secrets = [first, second].map(({ refreshToken }) => refreshToken.split(".")[1] ?? "");
    const [session = ""] = await redis.keys("mr:auth:session:*");
    const stored = JSON.stringify(await redis.hgetall(session));
    for (const secret of secrets) assert.ok(secret.length >= 43 && !stored.includes(secret));
  });

  it("I2: using a refresh token twice ends the whole family, access tokens included", async () => {
    const who = player(1);
    const other = await signIn(harness, who);
    const first = await signIn(harness, who);
    const second = tokensAnswer.parse((await refresh(first.refreshToken)).body);
    const third = tokensAnswer.parse((await refresh(second.refreshToken)).body);
    const reused = await refresh(first.refreshToken);
    assert.equal(reused.problem().code, "REFRESH_INVALID");
    assert.equal(reused.status, 401);
    assert.equal((await refresh(third.refreshToken)).problem().code, "REFRESH_INVALID");
    for (const { accessToken } of [first, second, third]) await tokenDies(accessToken);
    // Another session of the same player is not part of the family.
    assert.equal((await sessionsOf(other.accessToken)).length, 1);
    assert.equal((await refresh(other.refreshToken)).status, 200);
  });

  it("I2: of two refreshes racing with one token at most one wins, and the family ends", async () => {
    const { refreshToken } = await signIn(harness, player(1));
    const replies = await Promise.all([refresh(refreshToken), refresh(refreshToken)]);
    assert.deepEqual(replies.map(({ status }) => status).sort(), [200, 401]);
    const won = tokensAnswer.parse(replies.find(({ status }) => status === 200)?.body);
    assert.equal((await refresh(won.refreshToken)).problem().code, "REFRESH_INVALID");
  });

  it("I2: an exchange whose answer was lost can be repeated by who named it, and by nobody else", async () => {
    const exchange = (refreshToken: string, attempt: string) =>
      harness.call("POST", "/auth/refresh", { body: { refreshToken, attempt } });
    const first = await signIn(harness, player(1));
    const name = "a name only this browser knows";
    const lost = tokensAnswer.parse((await exchange(first.refreshToken, name)).body);
    harness.clock.ms += DAY;
    const again = tokensAnswer.parse((await exchange(first.refreshToken, name)).body);
    assert.equal(again.refreshToken, lost.refreshToken);
    assert.equal((await me(again.accessToken)).status, 200);
    const third = tokensAnswer.parse((await exchange(again.refreshToken, "another name of a try")).body);
    // Once the next token was used, the first is reuse even with its name.
    assert.equal((await exchange(first.refreshToken, name)).problem().code, "REFRESH_INVALID");
    await tokenDies(third.accessToken);

    const stolen = await signIn(harness, player(2));
    await exchange(stolen.refreshToken, name);
    assert.equal((await refresh(stolen.refreshToken)).problem().code, "REFRESH_INVALID");
    assert.equal((await exchange(stolen.refreshToken, name)).problem().code, "REFRESH_INVALID");
    const guessed = await signIn(harness, player(3));
    await exchange(guessed.refreshToken, name);
    assert.equal((await exchange(guessed.refreshToken, `${name}!`)).problem().code, "REFRESH_INVALID");
  });

  it("I2: a stolen token ends the session of whoever exchanged it first, thief or owner", async () => {
    const { refreshToken } = await signIn(harness, player(1));
    const won = tokensAnswer.parse((await refresh(refreshToken)).body);
    assert.equal((await refresh(refreshToken)).problem().code, "REFRESH_INVALID");
    await tokenDies(won.accessToken);
    assert.equal((await refresh(won.refreshToken)).problem().code, "REFRESH_INVALID");
  });

  it("I2: however often it is refreshed, a session ends after 180 days", async () => {
    let { refreshToken } = await signIn(harness, player(1));
    for (let day = 20; day < 180; day += 20) {
      harness.clock.ms += 20 * DAY;
      refreshToken = tokensAnswer.parse((await refresh(refreshToken)).body).refreshToken;
    }
    harness.clock.ms += 20 * DAY;
    assert.equal((await refresh(refreshToken)).problem().code, "REFRESH_INVALID");
  });

  it("I2: all other sessions end with one call, and who asks which have ended hears of them", async () => {
    const [one, two, three] = [
      await signIn(harness, player(1)),
      await signIn(harness, player(1)),
      await signIn(harness, player(1)),
    ];
    const stranger = await signIn(harness, player(2));
    const before = harness.clock.ms;
    const ids = await Promise.all(
      [one, two, three].map(
        async ({ accessToken }) => (await harness.auth.authenticate(accessToken)).sessionId,
      ),
    );
    const reply = await harness.call("DELETE", "/auth/sessions", { token: three.accessToken });
    assert.deepEqual(reply.body, { ended: 2 });
    await tokenDies(one.accessToken);
    await tokenDies(two.accessToken);
    assert.equal((await me(three.accessToken)).status, 200);
    assert.equal((await me(stranger.accessToken)).status, 200);
    assert.deepEqual((await harness.auth.sessions.endedSince(before)).sort(), ids.slice(0, 2).sort());
    assert.deepEqual(await harness.auth.sessions.gone(ids), new Set(ids.slice(0, 2)));
    assert.deepEqual(await harness.auth.sessions.endedSince(before + 1), []);
  });

  it("I2: a session ends 30 days after its last refresh, by the clock that was passed in", async () => {
    const first = await signIn(harness, player(1));
    harness.clock.ms += 30 * DAY - 1;
    const second = tokensAnswer.parse((await refresh(first.refreshToken)).body);
    harness.clock.ms += 30 * DAY;
    assert.equal((await refresh(second.refreshToken)).problem().code, "REFRESH_INVALID");
  });

  it("I2: a session that has expired ends its access tokens, whatever their own time says", async () => {
    const brief = await startAuth(redis, { refreshTtlMs: MINUTE });
    try {
      const { accessToken } = await signIn(brief, player(1));
      brief.clock.ms += MINUTE - 1;
      await brief.auth.authenticate(accessToken);
      brief.clock.ms += 1;
      await assert.rejects(brief.auth.authenticate(accessToken), { code: "TOKEN_INVALID" });
    } finally {
      await brief.close();
    }
  });

  it("I2: refresh refuses what never was a token", async () => {
    const { accessToken } = await signIn(harness, player(1));
    for (const text of ["no-such-token", ".........a", `${"x".repeat(22)}.${"y".repeat(43)}`])
      assert.equal((await refresh(text)).problem().code, "REFRESH_INVALID");
    assert.equal((await refresh("short")).problem().code, "BAD_REQUEST");
    assert.equal((await me(accessToken)).status, 200);
  });

  it("I2: sessions are listed and can be ended one by one", async () => {
    const who = player(1);
    const laptop = await signIn(harness, who);
    harness.clock.ms += 1_000;
    const phone = await signIn(harness, who);
    const listed = await sessionsOf(phone.accessToken);
    assert.deepEqual(
      listed.map(({ current }) => current),
      [true, false],
    );
    const old = listed[1]?.id ?? "";
    const ended = await harness.call("DELETE", `/auth/sessions/${old}`, { token: phone.accessToken });
    assert.deepEqual(ended.body, { ok: true });
    await tokenDies(laptop.accessToken);
    assert.equal((await refresh(laptop.refreshToken)).problem().code, "REFRESH_INVALID");
    assert.equal((await sessionsOf(phone.accessToken)).length, 1);
    const again = await harness.call("DELETE", `/auth/sessions/${old}`, { token: phone.accessToken });
    assert.equal(again.problem().code, "SESSION_UNKNOWN");
  });

  it("I2: nobody ends or sees another's session", async () => {
    const mine = await signIn(harness, player(1));
    const theirs = await signIn(harness, player(2));
    const [session] = await sessionsOf(theirs.accessToken);
    const reply = await harness.call("DELETE", `/auth/sessions/${session?.id}`, { token: mine.accessToken });
    assert.equal(reply.problem().code, "SESSION_UNKNOWN");
    assert.equal((await me(theirs.accessToken)).status, 200);
    assert.ok((await sessionsOf(mine.accessToken)).every(({ id }) => id !== session?.id));
  });

  it("I2: logging out ends this session only", async () => {
    const [one, two] = [await signIn(harness, player(1)), await signIn(harness, player(1))];
    const reply = await harness.call("POST", "/auth/logout", { token: one.accessToken });
    assert.deepEqual(reply.body, { ok: true });
    await tokenDies(one.accessToken);
    assert.equal((await refresh(one.refreshToken)).problem().code, "REFRESH_INVALID");
    assert.equal((await me(two.accessToken)).status, 200);
  });

  it("I5: an identity has a bounded number of sessions; the one unused for longest goes", async () => {
    const who = player(1);
    const oldest = await signIn(harness, who);
    harness.clock.ms += 1;
    const unused = await signIn(harness, who);
    harness.clock.ms += 1;
    const kept = tokensAnswer.parse((await refresh(oldest.refreshToken)).body);
    for (let count = 2; count <= MAX_SESSIONS; count++) {
      harness.clock.ms += 1;
      await signIn(harness, who);
    }
    await tokenDies(unused.accessToken);
    assert.equal((await sessionsOf(kept.accessToken)).length, MAX_SESSIONS);
    assert.equal((await redis.keys("mr:auth:session:*")).length, MAX_SESSIONS);
  });

  it("I4: the allow list of identities makes admins and moderators, at once and only while it names them", async () => {
    const boss = player(9);
    const { accessToken, user } = await signIn(harness, boss);
    assert.equal(user.role, "player");
    const helper = player(8);
    const other = await startAuth(redis, {
      adminIdentities: [boss.identity],
      moderatorIdentities: [helper.identity, boss.identity],
    });
    try {
      assert.equal((await other.auth.authenticate(accessToken)).role, "admin");
      assert.equal((await signIn(other, boss)).user.role, "admin");
      assert.equal((await signIn(other, helper)).user.role, "moderator");
      assert.equal((await signIn(other, player(1))).user.role, "player");
    } finally {
      await other.close();
    }
    assert.equal((await harness.auth.authenticate(accessToken)).role, "player");
  });
});
