/** Terms and age, accepted once per version: by the signed challenge, or by a press (I6). Over HTTP and a real Redis. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { userSchema } from "@meme-rounds/shared-schema/rest";
import { termsAnswer } from "@meme-rounds/shared-schema/rest-me";
import { acceptedTerms, TERMS } from "@meme-rounds/shared-schema/terms";
import type { Redis } from "../../src/infra/redis.ts";
import { connected } from "../support/redis.ts";
import { answerTo, challenge, type Harness, player, signIn, startAuth } from "./support.ts";

const NEXT = { version: TERMS.version + 1, minAge: 18 };

describe("auth: consent (I6)", () => {
  let redis: Redis;
  const open: Harness[] = [];
  const start = async (options: Parameters<typeof startAuth>[1] = {}): Promise<Harness> => {
    const harness = await startAuth(redis, options);
    open.push(harness);
    return harness;
  };

  connected((one) => {
    redis = one;
  });
  beforeEach(() => redis.flushall());
  afterEach(async () => {
    for (const harness of open.splice(0)) await harness.close();
  });

  const consentOf = async (identity: string): Promise<Record<string, unknown>> =>
    Object.fromEntries(
      Object.entries(await redis.hgetall(`mr:auth:consent:${identity}`)).map(([version, text]) => [
        version,
        JSON.parse(text),
      ]),
    );
  const admit = (harness: Harness, identity: string, act: Parameters<Harness["auth"]["play"]["admit"]>[1]) =>
    harness.auth.play.admit(identity, act).then(
      () => "ok",
      (error: { code?: string }) => error.code,
    );

  it("I6: the text the wallet signs says version and age, and signing it is the consent, with its proof", async () => {
    const harness = await start();
    const who = player(1);
    const asked = await challenge(harness, who);
    assert.match(
      asked.message,
      /By signing you accept the terms, version 1, and say that you are 18 or older\./,
    );
    const body = answerTo(who, asked);
    assert.equal((await harness.call("POST", "/auth/verify", { body })).status, 200);
    assert.deepEqual(await consentOf(who.identity), {
      1: {
        at: harness.clock.ms,
        how: "signature",
        nonce: asked.nonce,
        signatureHash: createHash("sha256").update(body.signature).digest("hex"),
      },
    });
    assert.equal(await admit(harness, who.identity, "deposit"), "ok");
  });

  it("I6: a challenge that was asked for but not signed rightly accepts nothing", async () => {
    const harness = await start();
    const who = player(1);
    const body = { ...answerTo(who, await challenge(harness, who)), playSig: "00".repeat(64) };
    assert.equal(
      (await harness.call("POST", "/auth/verify", { body })).problem().code,
      "PLAY_SIGNATURE_INVALID",
    );
    assert.deepEqual(await consentOf(who.identity), {});
    assert.equal(await admit(harness, who.identity, "deposit"), "CONSENT_REQUIRED");
  });

  it("I6: the first consent of a version stays as it was, however often somebody signs in", async () => {
    const harness = await start();
    await signIn(harness, player(1));
    const first = await consentOf(player(1).identity);
    harness.clock.ms += 5_000;
    await signIn(harness, player(1));
    assert.deepEqual(await consentOf(player(1).identity), first);
  });

  it("I6: after new terms a living session may not deposit, enter or upload until it accepts them; the rest works", async () => {
    const { accessToken: token } = await signIn(await start(), player(1));
    const { identity } = player(1);
    const harness = await start({ terms: NEXT });
    for (const act of ["deposit", "enter", "upload"] as const)
      assert.equal(await admit(harness, identity, act), "CONSENT_REQUIRED", act);
    for (const act of ["join", "boost"] as const)
      assert.equal(await admit(harness, identity, act), "ok", act);
    const terms = async () => userSchema.parse((await harness.call("GET", "/me", { token })).body).terms;
    assert.deepEqual(await terms(), { version: 2, accepted: 1 });

    const accept = (body: unknown) => harness.call("POST", "/me/consent", { token, body });
    for (const body of [{}, { version: 2 }, { version: 2, adult: false }, { version: "2", adult: true }])
      assert.equal((await accept(body)).problem().code, "BAD_REQUEST", JSON.stringify(body));
    for (const version of [1, 3])
      assert.equal((await accept({ version, adult: true })).problem().code, "CONSENT_REQUIRED");
    assert.equal(await admit(harness, identity, "deposit"), "CONSENT_REQUIRED");

    // Twice is once: the answer may have been lost.
    for (let time = 0; time < 2; time++)
      assert.equal((await accept({ version: 2, adult: true })).status, 200);
    assert.deepEqual(await terms(), { version: 2, accepted: 2 });
    for (const act of ["deposit", "enter", "upload"] as const)
      assert.equal(await admit(harness, identity, act), "ok", act);
    const stored = JSON.stringify(await consentOf(identity));
    const session = (await harness.auth.authenticate(token)).sessionId;
    assert.ok(!stored.includes(session), "a session's id is not kept as proof");
  });

  it("I6: a challenge made before the terms changed accepts what it says, not what is in force", async () => {
    const old = await start();
    const who = player(1);
    const asked = await challenge(old, who);
    const harness = await start({ terms: NEXT });
    const body = answerTo(who, asked);
    assert.equal((await harness.call("POST", "/auth/verify", { body })).status, 200);
    assert.equal(await admit(harness, who.identity, "deposit"), "CONSENT_REQUIRED");
    await signIn(harness, who);
    assert.equal(await admit(harness, who.identity, "deposit"), "ok");
    // A process that has not been replaced yet is content with more than it asks for.
    assert.equal(await admit(old, who.identity, "deposit"), "ok");
  });

  it("I6: everybody can read which terms are in force; nobody accepts them for somebody else", async () => {
    const harness = await start();
    const answer = termsAnswer.parse((await harness.call("GET", "/terms")).body);
    assert.deepEqual(answer, { version: 1, minAge: 18, terms: "/terms", privacy: "/privacy" });
    const reply = await harness.call("POST", "/me/consent", { body: { version: 1, adult: true } });
    assert.equal(reply.problem().code, "AUTH_REQUIRED");
  });

  it("I6: only the line itself accepts", () => {
    assert.equal(acceptedTerms("By signing you accept the terms, version 12, and say"), 12);
    for (const text of ["", "Nonce: By signing you accept the terms, version 1, x", "By signing you accept"])
      assert.equal(acceptedTerms(text), undefined, text);
  });
});
