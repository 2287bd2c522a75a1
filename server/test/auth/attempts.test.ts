/** Ways into somebody else's account that a stranger tries, and ten thousand of them at once (I2, I5). */
import assert from "node:assert/strict";
import { Agent, request } from "node:http";
import { text } from "node:stream/consumers";
import { signCompact } from "@meme-rounds/shared-schema/crypto";
import {
  challengeAnswer,
  playKeysAnswer,
  problemSchema,
  tokensAnswer,
} from "@meme-rounds/shared-schema/rest";
import { playKeyProofBytes, signBsm } from "@meme-rounds/shared-schema/sign-in";
import { LIMITS } from "../../src/infra/limits.ts";
import type { Redis } from "../../src/infra/redis.ts";
import { connected } from "../support/redis.ts";
import { answerTo, challenge, DOMAIN, type Harness, player, signIn, startAuth } from "./support.ts";
import { signerCases } from "./wallet-signers.ts";

const ATTEMPTS = 5_000;
const AT_ONCE = 50;
/** bytes that Redis may hold more after the 10,000: some 90 challenges of 2.5 kB, counters, its own buffers. */
const MEMORY_BOUND = 500_000;

/** Posts over lines that are kept, as who attacks in earnest does; `fetch` would take most of the test's time. */
function poster(url: string) {
  const agent = new Agent({ keepAlive: true, maxSockets: AT_ONCE });
  return {
    /** "given" for 200, otherwise the problem's code. */
    async code(path: string, body: object): Promise<string> {
      const { status, answer } = await new Promise<{ status: number; answer: string }>((resolve, reject) => {
        const headers = { "content-type": "application/json" };
        const sending = request(`${url}${path}`, { method: "POST", agent, headers }, (response) =>
          text(response).then((answer) => resolve({ status: response.statusCode ?? 0, answer }), reject),
        );
        sending.once("error", reject).end(JSON.stringify(body));
      });
      return status === 200 ? "given" : problemSchema.parse(JSON.parse(answer)).code;
    },
    close: () => agent.destroy(),
  };
}

describe("auth: attempts that lead nowhere", function () {
  this.timeout(60_000);
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

  const memory = async (): Promise<number> =>
    Number(/used_memory:(\d+)/.exec(await redis.info("memory"))?.[1] ?? Number.NaN);

  async function refused(body: object, code: string): Promise<void> {
    const reply = await harness.call("POST", "/auth/verify", { body });
    assert.equal(reply.problem().code, code);
    assert.deepEqual(await redis.keys("mr:auth:session*"), []);
  }

  it("I2: a text made for another host is refused, whatever nonce it names", async () => {
    const who = player(1);
    const asked = await challenge(harness, who);
    assert.ok(asked.message.includes(DOMAIN));
    const phished = { ...asked, message: asked.message.replaceAll(DOMAIN, "evil.example") };
    await refused(answerTo(who, phished), "SIGNATURE_INVALID");

    // The whole text as the other host gave it: its nonce is not one of ours.
    const elsewhere = await startAuth(redis, { domain: "evil.example" });
    try {
      const theirs = await challenge(elsewhere, who);
      assert.ok(theirs.message.includes("evil.example"));
      const { nonce } = await challenge(harness, who);
      const relayed = { ...answerTo(who, theirs), nonce };
      await refused(relayed, "SIGNATURE_INVALID");
    } finally {
      await elsewhere.close();
    }
  });

  it("I2: the challenge of one player is not answered by another, nor with the other's two signatures", async () => {
    const [who, other] = [player(1), player(2)];
    await refused(answerTo(other, await challenge(harness, who)), "SIGNATURE_INVALID");
    const mine = await challenge(harness, who);
    const theirs = await challenge(harness, other);
    await refused({ ...answerTo(other, theirs), nonce: mine.nonce }, "SIGNATURE_INVALID");
  });

  it("I2: the challenge of one wallet is not answered with the signature of another kind", async () => {
    const { root, play, playKey } = player(1);
    const kinds = [...new Set(signerCases.map(({ wallet }) => wallet))];
    const oneOf = (kind: string) => signerCases.find(({ wallet }) => wallet === kind);
    for (const asked of kinds)
      for (const answering of kinds) {
        const [from, by] = [oneOf(asked), oneOf(answering)];
        if (!from || !by) continue;
        const { address } = await from.claim(root, "which address?", "no-nonce");
        const reply = await harness.call("POST", "/auth/challenge", {
          body: { wallet: asked, address, playKey },
        });
        const { nonce, message } = challengeAnswer.parse(reply.body);
        const { signature, publicKey } = await by.claim(new Uint8Array(32).fill(99), message, nonce);
        const playSig = signCompact(playKeyProofBytes(nonce, by.identity(root)), play);
        await refused({ nonce, signature, publicKey, playSig }, "SIGNATURE_INVALID");
        if (asked === "phantom" || answering === "phantom") {
          if (asked === answering) continue;
          // The right key, but not the scheme of the wallet that was asked.
          const again = await harness.call("POST", "/auth/challenge", {
            body: { wallet: asked, address, playKey },
          });
          const next = challengeAnswer.parse(again.body);
          const wrong = await by.claim(root, next.message, next.nonce);
          const proof = signCompact(playKeyProofBytes(next.nonce, by.identity(root)), play);
          await refused(
            { nonce: next.nonce, signature: wrong.signature, publicKey: wrong.publicKey, playSig: proof },
            "SIGNATURE_INVALID",
          );
        }
      }
  });

  it("I2: with a wallet of each kind, a second device binds another play key to the same identity", async () => {
    for (const [index, one] of signerCases.entries()) {
      const root = new Uint8Array(32).fill(60 + index);
      const { address } = await one.claim(root, "which address?", "no-nonce");
      const identity = one.identity(root);
      const keys = [player(1, 120 + index), player(1, 150 + index)];
      let token = "";
      for (const { play, playKey } of keys) {
        const asked = await harness.call("POST", "/auth/challenge", {
          body: { wallet: one.wallet, address, playKey },
        });
        const { nonce, message } = challengeAnswer.parse(asked.body);
        const { signature, publicKey } = await one.claim(root, message, nonce);
        const playSig = signCompact(playKeyProofBytes(nonce, identity), play);
        const reply = await harness.call("POST", "/auth/verify", {
          body: { nonce, signature, publicKey, playSig },
        });
        token = tokensAnswer.parse(reply.body).accessToken;
      }
      const { playKeys } = playKeysAnswer.parse(
        (await harness.call("GET", "/auth/play-keys", { token })).body,
      );
      assert.deepEqual(
        playKeys.map(({ playKey }) => playKey).sort(),
        keys.map(({ playKey }) => playKey).sort(),
        one.name,
      );
    }
  });

  it("I5: 10,000 attempts from one address are refused, leave bounded memory, and the honest get in after", async () => {
    const limits = { challenge: LIMITS.challenge, verify: LIMITS.verify };
    const strict = await startAuth(redis, { limits });
    const line = poster(strict.url);
    try {
      const who = player(1);
      const asked = await challenge(strict, who);
      const bad = { ...answerTo(who, asked), signature: signBsm("something else", who.root) };
      const codes = new Map<string, number>();
      const { address, playKey } = who;
      let sent = 0;
      const before = await memory();
      const attack = async (): Promise<void> => {
        while (sent < ATTEMPTS * 2) {
          const isChallenge = sent++ % 2 === 0;
          const code = isChallenge
            ? await line.code("/auth/challenge", { wallet: "manual", address, playKey })
            : await line.code("/auth/verify", bad);
          codes.set(code, (codes.get(code) ?? 0) + 1);
        }
      };
      await Promise.all(Array.from({ length: AT_ONCE }, attack));
      assert.equal(
        [...codes.values()].reduce((sum, count) => sum + count),
        ATTEMPTS * 2,
      );
      // The window may have turned once or twice meanwhile.
      const { RATE_LIMITED = 0, given = 0 } = Object.fromEntries(codes);
      assert.ok(given > 0 && given <= LIMITS.challenge.points * 3, `${given} challenges given`);
      assert.ok(RATE_LIMITED >= ATTEMPTS * 2 - 6 * LIMITS.challenge.points, JSON.stringify([...codes]));
      assert.deepEqual(
        [...codes.keys()].filter(
          (code) => !["given", "RATE_LIMITED", "SIGNATURE_INVALID", "CHALLENGE_EXPIRED"].includes(code),
        ),
        [],
      );
      const keys = await redis.keys("*");
      assert.ok(keys.length <= given + 20, `${keys.length} keys`);
      // A key may be gone by the time it is asked for; none stays.
      for (const key of keys) assert.notEqual(await redis.pttl(key), -1, `${key} is kept for ever`);
      const grown = (await memory()) - before;
      assert.ok(grown < MEMORY_BOUND, `Redis holds ${grown} bytes more`);
      assert.deepEqual(await redis.keys("mr:auth:session*"), []);
      const others = await startAuth(redis);
      try {
        await signIn(others, who);
      } finally {
        await others.close();
      }
    } finally {
      line.close();
      await strict.close();
    }
  });

  it("I5: without any limit, what 500 challenges leave in Redis is small and goes by itself", async () => {
    await challenge(harness, player(1));
    const before = await memory();
    const asking = Array.from({ length: AT_ONCE }, async () => {
      for (let n = 0; n < 500 / AT_ONCE; n++) await challenge(harness, player(1));
    });
    await Promise.all(asking);
    const each = ((await memory()) - before) / 500;
    assert.ok(each > 0 && each < 2_500, `${each} bytes a challenge`);
    for (const key of await redis.keys("mr:auth:challenge:*")) assert.ok((await redis.pttl(key)) > 0);
  });
});
