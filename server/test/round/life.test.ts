/** A round's life by the clock that is passed in. Rules R2, R3, R5, M1. */
import assert from "node:assert/strict";
import { CodedError } from "@meme-rounds/shared-schema/errors";
import { VOID_EXPIRED } from "@meme-rounds/shared-schema/payout";
import { VOID_AFTER_MS } from "@meme-rounds/shared-schema/rules";
import { actor, STUB, TestRound } from "../../../shared-schema/test/support/round.ts";
import { createLogger } from "../../src/infra/logger.ts";
import { createRedis, type Redis } from "../../src/infra/redis.ts";
import { RoundActor } from "../../src/round/actor.ts";
import { RoundDirectory } from "../../src/round/directory.ts";
import { RoundKeeper } from "../../src/round/keeper.ts";
import { RoundLife } from "../../src/round/life.ts";
import type { SettlementView } from "../../src/round/ports.ts";
import { RefBook } from "../../src/round/refs.ts";
import type { RoomOptions } from "../../src/round/room-deps.ts";
import { startRedis, type TestRedis } from "../support/redis.ts";
import { until } from "../support/wait.ts";

const logger = createLogger("test", "silent");
const [ann, bob, cat] = [actor("ann"), actor("bob"), actor("cat")];

const phaseOf = (round: TestRound): string => round.state.phase.kind;

describe("round life", () => {
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

  /** A played round with its life, and everything the life asked others to do. */
  function rig(dropped: string[] = []) {
    const round = new TestRound();
    for (const who of [ann, bob, cat]) round.must(round.deposit(who, 50_000));
    round.must(round.enter(ann, "frog"));
    round.must(round.enter(bob, "dog"));
    round.must(round.boost(cat, "frog", 500));
    const asked: string[] = [];
    let settlement: SettlementView | undefined;
    let failing: string | undefined;
    const step = async (name: string) => {
      if (failing === name) throw new Error(`${name} is down`);
      asked.push(name);
    };
    const mailbox = new RoundActor(round.state, new RefBook(), {
      append: async () => undefined,
      verify: STUB.verify,
      sign: () => "",
      now: () => round.now,
      onCommitted: () => undefined,
      onFailed: (error) => assert.fail(String(error)),
    });
    const directory = new RoundDirectory(redis);
    const life = new RoundLife(mailbox, {
      payment: {
        keys: () => assert.fail("not asked for"),
        signReceipt: () => "",
        feeRate: async () => 100,
        claimCarry: async () => [],
        acceptDeposit: async () => ({ ok: false, code: "INTERNAL" }),
        judgeDeposits: async () => dropped,
        enqueueSettlement: () => step("settlement"),
        settlementOf: async () => settlement,
        headOf: async () => undefined,
        headsOf: async () => [],
        ledgerOf: async () => undefined,
        costOf: async () => ({}),
        unsettled: async () => [],
        giveUp: async () => assert.fail("not asked for"),
      },
      content: {
        contentOf: async () => undefined,
        enqueueTransforms: (_roundId, winners) => step(`transforms ${winners.length}`),
        modelsOf: async () => [],
        sculpturesOf: async () => ({}),
        reported: async () => undefined,
        judgeText: () => ({ verdict: "approved" }),
      },
      analytics: {
        roundFinished: ({ roundId }) => step(`counted ${roundId === round.state.open.roundId}`),
        roundVoided: () => assert.fail("not asked for"),
      },
      directory,
      logger,
      onFinal: () => asked.push("final"),
      onSettled: () => asked.push("settled"),
      onModel: () => undefined,
      onOver: () => asked.push("over"),
    });
    const tickAt = async (ms: number, times = 1) => {
      round.now = round.state.open.opensAt + ms;
      for (let i = 0; i < times; i++) await life.tick(round.now);
    };
    return {
      round,
      asked,
      directory,
      tickAt,
      life,
      settle: (value: SettlementView) => {
        settlement = value;
      },
      fail: (name: string | undefined) => {
        failing = name;
      },
    };
  }

  it("R2, R3: open -> blind -> settling -> final, each at its time and not before", async () => {
    const { round, tickAt, asked, directory } = rig();
    await tickAt(569_999);
    assert.equal(phaseOf(round), "open");
    await tickAt(570_000);
    assert.equal(phaseOf(round), "blind");
    await tickAt(599_999, 2);
    assert.equal(phaseOf(round), "blind");
    await tickAt(600_000, 4);
    assert.equal(phaseOf(round), "final");
    assert.deepEqual(asked, ["settlement", "transforms 1", "counted true", "final"]);
    const archived = await directory.finished(round.state.open.roundId);
    assert.equal(archived?.outcome, "closed");
    assert.equal(archived?.journalHash, round.state.head.hash);
  });

  it("R3: results stay up for 60 s after the settlement was sent, then the room may go", async () => {
    const { tickAt, asked, settle } = rig();
    await tickAt(570_000);
    await tickAt(600_000, 4);
    await tickAt(610_000, 2);
    assert.ok(!asked.includes("settled"));
    settle({ state: "sent", txids: ["aa".repeat(32)], payouts: [] });
    await tickAt(611_000);
    assert.equal(asked.at(-1), "settled");
    await tickAt(670_999, 2);
    assert.ok(!asked.includes("over"));
    await tickAt(671_000, 2);
    assert.equal(asked.filter((what) => what === "over").length, 1);
  });

  it("R5: a step that fails is done again; the archive comes last", async () => {
    const { tickAt, asked, fail, directory, round } = rig();
    fail("transforms 1");
    await tickAt(570_000);
    await tickAt(600_000, 6);
    assert.equal(await directory.finished(round.state.open.roundId), undefined);
    fail(undefined);
    await tickAt(600_400);
    assert.ok(asked.includes("final"));
    assert.ok(await directory.finished(round.state.open.roundId));
  });

  it("M1: a dropped deposit is judged once, in freeze, and voids what hangs on it", async () => {
    const probe = rig();
    const deposit = probe.round.state.players.get(bob.playKey)?.deposits[0];
    assert.ok(deposit);
    const { round, tickAt } = rig([`${deposit.txid}:${deposit.vout}`]);
    await tickAt(570_000);
    await tickAt(600_000, 4);
    const phase = round.state.phase;
    assert.ok(phase.kind === "final");
    assert.equal(phase.frozen.dropped.length, 1);
    assert.equal(phase.frozen.voidMemes.length, 1);
    assert.equal(phase.outcome.kind, "void", "one valid entry is left (E10)");
  });

  it("M4: a round whose process was away for 12 h ends void, and everything goes back", async () => {
    const { round, tickAt, directory, asked } = rig();
    await tickAt(600_000 + VOID_AFTER_MS, 6);
    const { phase } = round.state;
    assert.ok(phase.kind === "final" && phase.outcome.kind === "void");
    assert.equal(phase.outcome.reason, VOID_EXPIRED);
    assert.deepEqual(
      phase.outcome.returned.map(({ sats }) => sats),
      [50_000, 50_000, 50_000],
    );
    assert.ok(asked.includes("settlement"), "the deposits go back by a settlement");
    const archived = await directory.finished(round.state.open.roundId);
    assert.equal(archived?.outcome, "voided");
    assert.ok(archived?.memesRanked.every(({ creator }) => creator === undefined));
  });

  it("E10: a cancelled round goes through the same end: deposits judged, archived void, settled", async () => {
    const probe = rig();
    const deposit = probe.round.state.players.get(bob.playKey)?.deposits[0];
    assert.ok(deposit);
    const { round, life, tickAt, asked, directory } = rig([`${deposit.txid}:${deposit.vout}`]);
    await tickAt(100_000);
    await life.cancel("ecdsa-secp256k1:admin", "the picture was stolen");
    const { phase } = round.state;
    assert.ok(phase.kind === "final" && phase.outcome.kind === "void");
    assert.equal(phase.outcome.returned.length, 2);
    await tickAt(100_200, 2);
    assert.deepEqual(asked, ["settlement", "counted true", "final"]);
    const archived = await directory.finished(round.state.open.roundId);
    assert.deepEqual([archived?.outcome, archived?.reason], ["voided", "the picture was stolen"]);
    await assert.rejects(
      life.cancel("ecdsa-secp256k1:admin", "again"),
      (error: unknown) => error instanceof CodedError && error.code === "PHASE_WRONG",
    );
  });

  it("R1: of two keepers one opens the slot; R5: an unfinished round of a dead process is taken over", async () => {
    const directory = new RoundDirectory(redis);
    const created: { by: string; options: RoomOptions }[] = [];
    const keeper = (by: string) =>
      new RoundKeeper(
        { arena: "main", roundSeconds: 600 },
        {
          redis,
          directory,
          logger,
          now: () => 1_740_000_123_000,
          after: () => () => undefined,
          load: () => ({ clients: 0, lagMs: 0 }),
          frees: async () => false,
          createRoom: async (options) => void created.push({ by, options }),
        },
      );
    await directory.begin("main", "main-1739999400");
    const keepers = ["a", "b", "c"].map(keeper);
    await Promise.all(keepers.map((one) => one.look()));
    await Promise.all(keepers.map((one) => one.look()));
    const rounds = created.map(({ options }) => options.roundId).sort();
    assert.deepEqual(rounds, ["main-1739999400", "main-1740000000"]);
    assert.equal(
      created.find(({ options }) => options.roundId === "main-1740000000")?.options.opensAt,
      1_740_000_000_000,
    );
  });

  it("R1: a keeper whose room cannot be made gives the lease back", async () => {
    const directory = new RoundDirectory(redis);
    let tries = 0;
    const keeper = new RoundKeeper(
      { arena: "main", roundSeconds: 600 },
      {
        redis,
        directory,
        logger,
        now: () => 1_740_000_123_000,
        after: () => () => undefined,
        load: () => ({ clients: 0, lagMs: 0 }),
        frees: async () => false,
        createRoom: async () => {
          tries += 1;
          throw new Error("no room here");
        },
      },
    );
    await keeper.look();
    await until(
      async () => {
        await keeper.look();
        return tries === 2;
      },
      { what: "another try" },
    );
  });
});
