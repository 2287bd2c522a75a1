/** Reading along in rounds that others host, and going on from there. Rules R4, R5, R6. */
import assert from "node:assert/strict";
import type { Entry } from "@meme-rounds/shared-schema/records";
import { replay } from "@meme-rounds/shared-schema/reducer";
import { actor, TestRound } from "../../../shared-schema/test/support/round.ts";
import { createLogger } from "../../src/infra/logger.ts";
import type { Redis } from "../../src/infra/redis.ts";
import { RoundFollower } from "../../src/round/follower.ts";
import { restoreJournal } from "../../src/round/journal-store.ts";
import { openRound } from "../../src/round/open.ts";
import { standingsOf } from "../../src/round/projection.ts";
import { connected } from "../support/redis.ts";

const [ann, bob, cat] = [actor("ann"), actor("bob"), actor("cat")];
const ARENA = "main";

describe("round follower", () => {
  let redis: Redis;
  connected((connection) => {
    redis = connection;
  });
  beforeEach(() => redis.flushall());

  /** A round of others whose journal grows; `write` brings Redis up to date. */
  function rig() {
    const round = new TestRound();
    const { roundId } = round.state.open;
    let written = 0;
    const write = async (): Promise<void> => {
      for (const entry of round.entries.slice(written)) await append(entry);
      written = round.entries.length;
    };
    const append = (entry: Entry) => {
      const mark = { playKey: ann.playKey, ref: `ref ${entry.record.seq}`, digest: "d" };
      return redis.xadd(
        `mr:journal:${roundId}`,
        `${entry.record.seq}-0`,
        "e",
        JSON.stringify(entry),
        "r",
        JSON.stringify(mark),
      );
    };
    for (const who of [ann, bob, cat]) round.must(round.deposit(who, 50_000));
    round.must(round.enter(ann, "frog"));
    round.must(round.enter(bob, "dog"));
    let unfinished = [roundId];
    const follower = new RoundFollower(
      { arena: ARENA },
      {
        redis,
        directory: { unfinished: async () => unfinished },
        logger: createLogger("test", "silent"),
        after: () => () => undefined,
      },
    );
    const open = (follow = true) =>
      openRound(
        { network: "devchain", arena: ARENA, roundId, roundSeconds: 600, opensAt: round.state.open.opensAt },
        { name: "unused", token: 1 },
        {
          redis,
          payment: {} as never,
          now: () => assert.fail("nothing is written"),
          ...(follow ? { follower } : {}),
        },
      );
    return {
      round,
      roundId,
      follower,
      write,
      open,
      end: () => {
        unfinished = [];
      },
    };
  }

  it("R5: only what came last is read at a takeover, and it all adds up to the same", async () => {
    const { round, follower, write, open } = rig();
    await write();
    await follower.look();
    const before = round.entries.length;
    for (let n = 0; n < 5; n++) round.must(round.boost(cat, "frog", 100 + n));
    await write();
    await follower.look();
    round.must(round.boost(cat, "dog", 700));
    const frozen = standingsOf(round.state);
    round.at(575_000);
    round.must(round.boost(cat, "dog", 900));
    await write();
    const opened = await open();
    assert.deepEqual([opened.records, opened.known], [round.entries.length, before + 5]);
    assert.deepEqual(opened.state, replay(round.entries));
    assert.deepEqual(opened.darkened, frozen, "R6: the numbers of the moment it went dark");
    const { seq, hash } = round.state.head;
    const outcome = opened.refs.get(ann.playKey, `ref ${seq}`)?.outcome;
    assert.ok(outcome?.kind === "accepted");
    assert.deepEqual([outcome.seq, outcome.hash], [seq, hash]);
    const cold = await open(false);
    assert.deepEqual(cold.state, opened.state);
    assert.deepEqual([cold.darkened, cold.known], [frozen, 0]);
  });

  it("R4: what the journal does not say any more counts nothing", async () => {
    const { round, roundId, follower, write, open } = rig();
    round.must(round.boost(cat, "frog", 100));
    await write();
    await follower.look();
    // Redis came back without its last second, and another process went on from there.
    const other = new TestRound();
    for (const who of [ann, bob, cat]) other.must(other.deposit(who, 50_000));
    other.must(other.enter(ann, "frog"));
    other.must(other.enter(bob, "dog"));
    other.must(other.boost(cat, "dog", 300));
    await redis.del(`mr:journal:${roundId}`);
    await restoreJournal(redis, roundId, other.entries);
    const opened = await open();
    assert.deepEqual([opened.known, opened.state.head.hash], [0, other.state.head.hash]);
  });

  it("does not read along in a round that is hosted here, or over", async () => {
    const { roundId, follower, write, end } = rig();
    await write();
    assert.equal(await follower.take(roundId), undefined);
    await follower.look();
    assert.equal(await follower.take(roundId), undefined);
    follower.leave(roundId);
    await follower.look();
    end();
    await follower.look();
    assert.equal(await follower.take(roundId), undefined);
  });

  it("R4: a journal that cannot be read is begun anew, not half believed", async () => {
    const { round, roundId, follower, write, open } = rig();
    await write();
    await redis.xadd(`mr:journal:${roundId}`, `${round.entries.length + 1}-0`, "e", "{", "r", "");
    await assert.rejects(follower.look());
    assert.equal(await follower.take(roundId), undefined);
    await assert.rejects(open());
  });
});
