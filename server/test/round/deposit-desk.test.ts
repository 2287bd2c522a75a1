/** A deposit between limit, network and journal: what is counted, and what is given back (I6, M1). */
import assert from "node:assert/strict";
import { signEd25519 } from "@meme-rounds/shared-schema/crypto";
import { type ErrorCode, refuse } from "@meme-rounds/shared-schema/errors";
import { actor, STUB, TestRound } from "../../../shared-schema/test/support/round.ts";
import { createPlayLimits } from "../../src/auth/play-limits.ts";
import { createLogger } from "../../src/infra/logger.ts";
import { createRedis, type Redis } from "../../src/infra/redis.ts";
import type { DepositVerdict } from "../../src/payment/index.ts";
import { type Answer, RoundActor } from "../../src/round/actor.ts";
import { type DepositDeskDeps, takeDeposit } from "../../src/round/deposit-desk.ts";
import { RefBook } from "../../src/round/refs.ts";
import { startRedis, type TestRedis } from "../support/redis.ts";
import { until } from "../support/wait.ts";

const ann = actor("ann");
const caller = { identity: ann.identity, playKey: ann.playKey, role: "player" as const, sessionId: "s" };
const txid = (name: string): string => Buffer.from(name).toString("hex").padStart(64, "0");
const good = (name: string, sats = 20_000) => ({ ok: true as const, txid: txid(name), vout: 0, sats });

describe("the round's deposit desk", () => {
  let server: TestRedis;
  let redis: Redis;

  before(async () => {
    server = await startRedis();
    redis = createRedis(server.url);
  });
  after(async () => {
    redis.disconnect();
    await server.close();
  });
  beforeEach(() => redis.flushall());

  /** `network`: what comes of a deposit that was let through; it is told what the transaction is. */
  function rig(network: (name: string) => Promise<DepositVerdict>, verify = STUB.verify) {
    const round = new TestRound({ signer: STUB });
    const limits = createPlayLimits({ redis, now: () => round.now });
    const sent: string[] = [];
    const box = new RoundActor(round.state, new RefBook(), {
      append: async () => undefined,
      verify,
      sign: (bytes) => signEd25519(bytes, new Uint8Array(32).fill(7)),
      now: () => round.now,
      onCommitted: () => undefined,
      onFailed: (error) => assert.fail(String(error)),
    });
    const deps: DepositDeskDeps = {
      auth: { play: { admit: async () => undefined, reserve: limits.reserve, release: limits.release } },
      payment: {
        async acceptDeposit(_terms, who, name) {
          const refused = await who.admit?.(good(name));
          if (refused !== undefined) return refused;
          sent.push(name);
          return await network(name);
        },
      },
      logger: createLogger("test", "silent"),
      now: () => round.now,
    };
    const later: Answer[] = [];
    let ref = 0;
    const deposit = (name: string, same = `ref-${ref++}`) =>
      takeDeposit({ ref: same, tx: name }, caller, (answer) => void later.push(answer), box, deps);
    const counted = async () => (await limits.view(ann.identity)).depositedSats;
    return { round, limits, sent, deposit, counted, later };
  }
  const codeOf = (answer: Answer): ErrorCode | "ok" => (answer.ok ? "ok" : answer.code);

  it("I6: what goes beyond the limit is refused before any coin moves", async () => {
    const { limits, sent, deposit, counted } = rig(async (name) => good(name));
    await limits.change(ann.identity, { depositPerDaySats: 30_000 });
    assert.equal(codeOf(await deposit("one")), "ok");
    assert.equal(codeOf(await deposit("two")), "PLAY_LIMIT_REACHED");
    assert.deepEqual(sent, ["one"]);
    assert.equal(await counted(), 20_000);
  });

  it("I6: the same deposit sent again, with the same or another ref, counts once and is not given back", async () => {
    const { limits, deposit, counted } = rig(async (name) => good(name));
    await limits.change(ann.identity, { depositPerDaySats: 30_000 });
    assert.equal(codeOf(await deposit("one", "same")), "ok");
    assert.equal(codeOf(await deposit("one", "same")), "ok");
    assert.equal(codeOf(await deposit("one")), "DEPOSIT_CLAIMED");
    assert.equal(await counted(), 20_000);
  });

  it("I6: one that the network refuses is given back; another one then fits", async () => {
    const { limits, deposit, counted } = rig(async (name) =>
      name === "bad" ? refuse("DEPOSIT_CONFLICT") : good(name),
    );
    await limits.change(ann.identity, { depositPerDaySats: 20_000 });
    assert.equal(codeOf(await deposit("bad")), "DEPOSIT_CONFLICT");
    assert.equal(await counted(), 0);
    assert.equal(codeOf(await deposit("one")), "ok");
  });

  it("I6: after an unclear answer it stays counted: its coins may be gone", async () => {
    const { deposit, counted } = rig(async () => refuse("UNAVAILABLE"));
    assert.equal(codeOf(await deposit("one")), "UNAVAILABLE");
    assert.equal(await counted(), 20_000);
    const dead = rig(() => Promise.reject(new Error("the process died")));
    await assert.rejects(dead.deposit("one"));
    assert.equal(await counted(), 20_000);
  });

  it("I6: a slow one counts while it waits; refused in the end it is given back, taken it stays", async () => {
    const ends = new Map<string, (verdict: ReturnType<typeof good> | ReturnType<typeof refuse>) => void>();
    const { deposit, counted, later } = rig(async (name) => ({
      ok: "pending",
      pending: new Promise((resolve) => ends.set(name, resolve)),
    }));
    assert.equal(codeOf(await deposit("one")), "DEPOSIT_PENDING");
    assert.equal(codeOf(await deposit("two")), "DEPOSIT_PENDING");
    assert.equal(await counted(), 40_000);
    ends.get("one")?.(good("one"));
    ends.get("two")?.(refuse("DEPOSIT_REJECTED"));
    await until(() => later.length === 2);
    assert.deepEqual(later.map(codeOf).sort(), ["DEPOSIT_REJECTED", "ok"]);
    assert.equal(await counted(), 20_000);
  });

  it("I6: one that the round's rules refuse in the end is given back", async () => {
    const { round, deposit, counted } = rig(async (name) => {
      round.now = round.state.open.closesAt; // the network took its time
      return good(name);
    });
    assert.equal(codeOf(await deposit("one")), "DEPOSITS_CLOSED");
    assert.equal(await counted(), 0);
  });
});
