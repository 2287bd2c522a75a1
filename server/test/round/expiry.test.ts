/** M4: the 12 h rule, done by whichever process comes first. */
import assert from "node:assert/strict";
import { VOID_EXPIRED } from "@meme-rounds/shared-schema/payout";
import { VOID_AFTER_MS } from "@meme-rounds/shared-schema/rules";
import { verifyJournal } from "@meme-rounds/shared-schema/verify-journal";
import { actor, STUB, TestRound } from "../../../shared-schema/test/support/round.ts";
import { takeLease } from "../../src/infra/leases.ts";
import { createLogger } from "../../src/infra/logger.ts";
import { createRedis, type Redis } from "../../src/infra/redis.ts";
import { RoundDirectory } from "../../src/round/directory.ts";
import { type ExpiryDeps, RoundExpiry } from "../../src/round/expiry.ts";
import { appendJournal, readJournal } from "../../src/round/journal-store.ts";
import { archivedOf } from "../../src/round/snapshot.ts";
import { startRedis, type TestRedis } from "../support/redis.ts";

const [ann, bob, cat] = [actor("ann"), actor("bob"), actor("cat")];

describe("a round without a settlement", () => {
  let server: TestRedis;
  let redis: Redis;
  let directory: RoundDirectory;
  before(async () => {
    server = await startRedis();
    redis = createRedis(server.url);
    directory = new RoundDirectory(redis);
  });
  after(async () => {
    redis.disconnect();
    await server.close();
  });
  beforeEach(() => redis.flushall());

  /** A finished round with a result in journal and archive, and a payment service that signed nothing for it. */
  async function rig() {
    const round = new TestRound();
    for (const who of [ann, bob, cat]) round.must(round.deposit(who, 50_000));
    round.must(round.enter(ann, "frog"));
    round.must(round.enter(bob, "dog"));
    round.must(round.boost(cat, "frog", 500));
    round.end();
    const { roundId, closesAt } = round.state.open;
    const lease = await takeLease(redis, `round:${roundId}`, 60_000);
    assert.ok(lease);
    await appendJournal(
      redis,
      lease,
      roundId,
      round.entries.map((entry) => ({ entry })),
    );
    await redis.del(`mr:lease:round:${roundId}`);
    await directory.finish(archivedOf(round.state));
    const asked: string[] = [];
    const rule = { unsettled: [roundId], mayGiveUp: true, now: closesAt + VOID_AFTER_MS };
    const expiryWith = (patch: Partial<ExpiryDeps["payment"]> = {}) =>
      new RoundExpiry(
        { arena: "main" },
        {
          redis,
          directory,
          payment: {
            unsettled: async () => rule.unsettled,
            giveUp: async () => {
              asked.push("give up");
              return rule.mayGiveUp;
            },
            enqueueSettlement: async () => void asked.push("settle"),
            ...patch,
          },
          analytics: {
            roundVoided: async (before, after) => void asked.push(`${before.outcome} ${after.outcome}`),
          },
          verify: STUB.verify,
          logger: createLogger("test", "silent"),
          now: () => rule.now,
        },
      );
    const outcome = async () => (await directory.finished(roundId))?.outcome;
    return { round, roundId, asked, rule, expiryWith, outcome };
  }

  it("M4: is void from 12 h after its end on: in the journal, in the archive, and settled anew", async () => {
    const { round, roundId, asked, rule, expiryWith, outcome } = await rig();
    const expiry = expiryWith();
    rule.now -= 1;
    await expiry.sweep();
    assert.deepEqual([asked, await outcome()], [[], "closed"]);
    rule.now += 1;
    await expiry.sweep();
    assert.deepEqual(asked, ["give up", "give up", "closed voided", "settle"]);
    const entries = await readJournal(redis, roundId);
    assert.equal(entries.length, round.entries.length + 1);
    const verified = verifyJournal(entries, STUB.verify);
    assert.ok(verified.ok && verified.state.phase.kind === "final");
    assert.equal(verified.state.phase.outcome.kind, "void");
    const archived = await directory.finished(roundId);
    assert.deepEqual([archived?.outcome, archived?.reason], ["voided", VOID_EXPIRED]);
    assert.equal(archived?.journalHash, entries.at(-1)?.hash);
    await expiry.sweep();
    assert.equal(asked.length, 4, "once");
  });
  it("M4: stays as it is while the auditor has signed something, or does not answer", async () => {
    const { round, roundId, asked, rule, expiryWith, outcome } = await rig();
    rule.mayGiveUp = false;
    await expiryWith().sweep();
    await expiryWith({ giveUp: async () => assert.fail("the auditor is away") }).sweep();
    assert.deepEqual([asked, await outcome()], [["give up"], "closed"]);
    assert.equal((await readJournal(redis, roundId)).length, round.entries.length);
    assert.ok(await takeLease(redis, `round:${roundId}`, 1_000), "the lease is free again");
  });
  it("M4: a process that died at any step leaves a round that the next one finishes", async () => {
    const { round, roundId, asked, expiryWith, outcome } = await rig();
    const dying = expiryWith({ enqueueSettlement: async () => assert.fail("killed") });
    await dying.sweep();
    assert.equal(await outcome(), "voided");
    // As if it had died before the archive was written.
    await directory.finish(archivedOf(round.state));
    assert.equal(await outcome(), "closed");
    await expiryWith().sweep();
    assert.deepEqual([await outcome(), asked.at(-1)], ["voided", "settle"]);
    assert.equal((await readJournal(redis, roundId)).length, round.entries.length + 1, "one void");
  });
  it("R1: while somebody holds its lease, and in other arenas, nothing is touched", async () => {
    const { roundId, asked, rule, expiryWith } = await rig();
    rule.unsettled = ["other-1800000000", roundId];
    const lease = await takeLease(redis, `round:${roundId}`, 60_000);
    assert.ok(lease);
    await expiryWith().sweep();
    assert.deepEqual(asked, []);
  });
});
