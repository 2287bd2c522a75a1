/** Sign-in over HTTP against a real Redis: the honest way in, and every way that must not lead in (I1, I2). */
import assert from "node:assert/strict";
import { BSM, PublicKey, Signature } from "@bsv/sdk";
import { signCompact } from "@meme-rounds/shared-schema/crypto";
import type { Network } from "@meme-rounds/shared-schema/records";
import { challengeAnswer, tokensAnswer } from "@meme-rounds/shared-schema/rest";
import { playKeyProofBytes, signBsm } from "@meme-rounds/shared-schema/sign-in";
import { CHALLENGE_TTL_MS } from "../../src/auth/challenges.ts";
import { createSchemes, schemeOf } from "../../src/auth/schemes/index.ts";
import type { Redis } from "../../src/infra/redis.ts";
import { connected } from "../support/redis.ts";
import { answerTo, challenge, DOMAIN, type Harness, player, signIn, startAuth } from "./support.ts";
import { signerCases } from "./wallet-signers.ts";

describe("auth: sign-in", () => {
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

  /** Sends an answer and expects this refusal, and that nobody was signed in by it. */
  async function refused(body: unknown, status: number, code: string): Promise<void> {
    const reply = await harness.call("POST", "/auth/verify", { body });
    assert.equal(reply.problem().code, code);
    assert.equal(reply.status, status);
    assert.deepEqual(await redis.keys("mr:auth:session*"), []);
    assert.deepEqual(await redis.keys("mr:auth:user*"), []);
  }

  it("I2: the challenge names domain, nonce, issued time, wallet, address and play key, and lives 5 min", async () => {
    const who = player(1);
    const { nonce, message, expiresAt } = await challenge(harness, who);
    const issued = new Date(harness.clock.ms).toISOString();
    for (const part of [DOMAIN, nonce, issued, "manual", who.address, who.playKey])
      assert.ok(message.includes(part), part);
    assert.equal(expiresAt, harness.clock.ms + 5 * 60_000);
    assert.notEqual((await challenge(harness, who)).nonce, nonce);
  });

  it("I2: an honest player gets tokens that speak for identity and play key", async () => {
    const who = player(1);
    const asked = await challenge(harness, who);
    const body = answerTo(who, asked);
    // The signature is one that another implementation accepts as well.
    const key = PublicKey.fromString(who.identity.split(":")[1] ?? "");
    const signature = Signature.fromCompact(body.signature, "base64");
    assert.ok(BSM.verify([...Buffer.from(asked.message)], signature, key));

    const reply = await harness.call("POST", "/auth/verify", { body });
    assert.equal(reply.status, 200);
    const { accessToken, user } = tokensAnswer.parse(reply.body);
    assert.deepEqual(user, {
      identity: who.identity,
      playKey: who.playKey,
      wallet: "manual",
      address: who.address,
      name: `player ${who.identity.slice(-6)}`,
      role: "player",
      terms: { version: 1, accepted: 1 },
    });
    const caller = await harness.auth.authenticate(accessToken);
    assert.equal(caller.identity, who.identity);
    assert.equal(caller.playKey, who.playKey);
    assert.equal(caller.role, "player");
  });

  it("I2: the wallet's key may be the play key itself, and the same play key comes back on later sign-ins", async () => {
    const who = player(5, 5);
    await signIn(harness, who);
    const { user } = await signIn(harness, who);
    assert.equal(user.identity, `ecdsa-secp256k1:${user.playKey}`);
  });

  it("I2: a nonce works once", async () => {
    const who = player(1);
    const body = answerTo(who, await challenge(harness, who));
    assert.equal((await harness.call("POST", "/auth/verify", { body })).status, 200);
    const again = await harness.call("POST", "/auth/verify", { body });
    assert.equal(again.problem().code, "CHALLENGE_EXPIRED");
    assert.equal((await redis.keys("mr:auth:session:*")).length, 1);
  });

  it("I2: of many answers sent at once, one is taken", async () => {
    const who = player(1);
    const body = answerTo(who, await challenge(harness, who));
    const replies = await Promise.all(
      Array.from({ length: 8 }, () => harness.call("POST", "/auth/verify", { body })),
    );
    assert.deepEqual(replies.map(({ status }) => status).sort(), [200, ...Array(7).fill(400)]);
  });

  it("I2: a failed answer uses the nonce up", async () => {
    const who = player(1);
    const asked = await challenge(harness, who);
    const body = answerTo(who, asked);
    await refused({ ...body, signature: signBsm("else", who.root) }, 400, "SIGNATURE_INVALID");
    await refused(body, 400, "CHALLENGE_EXPIRED");
  });

  it("I2: a nonce is good until just before 5 min and not at 5 min, by the clock that was passed in", async () => {
    const who = player(1);
    const late = answerTo(who, await challenge(harness, who));
    harness.clock.ms += CHALLENGE_TTL_MS;
    await refused(late, 400, "CHALLENGE_EXPIRED");
    const inTime = answerTo(who, await challenge(harness, who));
    harness.clock.ms += CHALLENGE_TTL_MS - 1;
    assert.equal((await harness.call("POST", "/auth/verify", { body: inTime })).status, 200);
  });

  it("I2: Redis forgets unanswered challenges by itself", async () => {
    const { nonce } = await challenge(harness, player(1));
    const left = await redis.pttl(`mr:auth:challenge:${nonce}`);
    assert.ok(left > 0 && left <= CHALLENGE_TTL_MS, `${left} ms left`);
  });

  it("I2: an unknown nonce", async () => {
    const who = player(1);
    const asked = await challenge(harness, who);
    await refused(answerTo(who, { ...asked, nonce: "unknown-nonce" }), 400, "CHALLENGE_EXPIRED");
  });

  it("I2: the signature of another challenge of the same player", async () => {
    const who = player(1);
    const first = await challenge(harness, who);
    harness.clock.ms += 1;
    const second = await challenge(harness, who);
    const swapped = { ...answerTo(who, first), nonce: second.nonce };
    await refused(swapped, 400, "SIGNATURE_INVALID");
    // The right wallet signature with the play key's proof of the other nonce.
    const half = { ...answerTo(who, first), playSig: answerTo(who, second).playSig };
    await refused(half, 400, "PLAY_SIGNATURE_INVALID");
  });

  it("I2: an address that is not the signer's, and a signature by somebody else's key", async () => {
    const [who, other] = [player(1), player(2)];
    const claimed = { ...who, address: other.address };
    await refused(answerTo(claimed, await challenge(harness, claimed)), 400, "SIGNATURE_INVALID");
    const foreign = answerTo({ ...who, root: other.root }, await challenge(harness, who));
    await refused(foreign, 400, "SIGNATURE_INVALID");
  });

  it("I2: an address of another network, and a public key that is not the signer's", () => {
    const who = player(1);
    const message = "sign in";
    const claim = { nonce: "n", message, signature: signBsm(message, who.root), address: who.address };
    const manual = (network: Network) => schemeOf(createSchemes({ network }), "manual");
    assert.deepEqual(manual("devchain").verify(claim), { ok: true, identity: who.identity });
    assert.deepEqual(manual("test").verify(claim), { ok: false });
    const publicKey = who.identity.split(":")[1];
    assert.equal(manual("main").verify({ ...claim, publicKey }).ok, true);
    assert.equal(manual("main").verify({ ...claim, publicKey: who.playKey }).ok, false);
  });

  it("I2: a play key that its holder did not sign with, or signed for another identity", async () => {
    const [who, other] = [player(1), player(2)];
    const asked = await challenge(harness, who);
    const foreign = signCompact(playKeyProofBytes(asked.nonce, who.identity), other.play);
    await refused({ ...answerTo(who, asked), playSig: foreign }, 400, "PLAY_SIGNATURE_INVALID");
    const next = await challenge(harness, who);
    const elsewhere = signCompact(playKeyProofBytes(next.nonce, other.identity), who.play);
    await refused({ ...answerTo(who, next), playSig: elsewhere }, 400, "PLAY_SIGNATURE_INVALID");
  });

  it("I2: one play key belongs to one identity for ever; an identity may have several", async () => {
    const first = player(1, 200);
    const { accessToken } = await signIn(harness, first);
    await harness.call("POST", "/auth/logout", { token: accessToken });
    const thief = player(2, 200);
    const body = answerTo(thief, await challenge(harness, thief));
    const reply = await harness.call("POST", "/auth/verify", { body });
    assert.equal(reply.problem().code, "PLAY_KEY_TAKEN");
    assert.equal(reply.status, 409);
    assert.equal(await redis.ttl(`mr:auth:play-key:${first.playKey}`), -1);
    const second = await signIn(harness, player(1, 201));
    assert.equal(second.user.identity, first.identity);
    assert.equal(second.user.playKey, player(1, 201).playKey);
  });

  it("I2: two identities claiming one play key at once: one gets it", async () => {
    const rivals = [player(1, 200), player(2, 200), player(3, 200)];
    const bodies = [];
    for (const who of rivals) bodies.push(answerTo(who, await challenge(harness, who)));
    const replies = await Promise.all(bodies.map((body) => harness.call("POST", "/auth/verify", { body })));
    assert.deepEqual(replies.map(({ status }) => status).sort(), [200, 409, 409]);
  });

  it("I1: every wallet, with each kind of address and signature, signs in over HTTP and is who it is", async () => {
    for (const [index, one] of signerCases.entries()) {
      const { root, play, playKey } = player(10 + index, 100 + index);
      const { address } = await one.claim(root, "which address?", "no-nonce");
      const asked = await harness.call("POST", "/auth/challenge", {
        body: { wallet: one.wallet, address, playKey },
      });
      const { nonce, message } = challengeAnswer.parse(asked.body);
      const { signature, publicKey } = await one.claim(root, message, nonce);
      const identity = one.identity(root);
      const playSig = signCompact(playKeyProofBytes(nonce, identity), play);
      const reply = await harness.call("POST", "/auth/verify", {
        body: { nonce, signature, publicKey, playSig },
      });
      assert.equal(reply.status, 200, `${one.name}: ${JSON.stringify(reply.body)}`);
      const { user } = tokensAnswer.parse(reply.body);
      assert.deepEqual([user.identity, user.wallet, user.address], [identity, one.wallet, address]);
    }
  });

  it("I1: a wallet kind that is not plugged in is answered WALLET_UNSUPPORTED", () => {
    assert.throws(() => schemeOf([], "okx"), { code: "WALLET_UNSUPPORTED" });
  });

  it("bad input: challenge and verify refuse every wrong shape and keep nothing of it", async () => {
    const { address, playKey } = player(1);
    const good = { wallet: "manual", address, playKey };
    const challenges = [
      undefined,
      [],
      {},
      { ...good, wallet: "metamask" },
      { ...good, address: 7 },
      { ...good, address: "short" },
      { ...good, address: "a".repeat(101) },
      { ...good, address: `${address}\nNonce: mine` },
      { ...good, playKey: playKey.toUpperCase() },
      { ...good, playKey: playKey.slice(2) },
      { ...good, extra: true },
    ];
    for (const body of challenges) {
      const reply = await harness.call("POST", "/auth/challenge", { body });
      assert.equal(reply.problem().code, "BAD_REQUEST", JSON.stringify(body));
    }
    assert.deepEqual(await redis.keys("mr:auth:*"), []);

    const asked = await challenge(harness, player(1));
    const answer = answerTo(player(1), asked);
    const { playSig: _, ...withoutProof } = answer;
    const answers = [
      withoutProof,
      { ...answer, nonce: 5 },
      { ...answer, signature: "" },
      { ...answer, signature: "a".repeat(4_001) },
      { ...answer, playSig: answer.playSig.slice(1) },
      { ...answer, identity: player(2).identity },
    ];
    for (const body of answers) await refused(body, 400, "BAD_REQUEST");
    assert.equal((await harness.call("POST", "/auth/verify", { body: answer })).status, 200);
  });

  it("I5: challenge and verify are limited per address of the caller", async () => {
    const tight = await startAuth(redis, {
      limits: {
        challenge: { name: "tight.challenge", points: 2, seconds: 60 },
        verify: { name: "tight.verify", points: 1, seconds: 60 },
      },
    });
    try {
      const asked = await challenge(tight, player(1));
      await challenge(tight, player(2));
      const { address, playKey } = player(3);
      const third = await tight.call("POST", "/auth/challenge", {
        body: { wallet: "manual", address, playKey },
      });
      assert.equal(third.problem().code, "RATE_LIMITED");
      const body = answerTo(player(1), asked);
      assert.equal((await tight.call("POST", "/auth/verify", { body })).status, 200);
      assert.equal((await tight.call("POST", "/auth/verify", { body })).problem().code, "RATE_LIMITED");
    } finally {
      await tight.close();
    }
  });
});
