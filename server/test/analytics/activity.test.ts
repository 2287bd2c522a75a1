/** O1, dashboard: what each identity played: sums to the satoshi, each round once, several play keys, voided rounds. */
import { strict as assert } from "node:assert";
import { computeOutcome } from "@meme-rounds/shared-schema/payout";
import fc from "fast-check";
import { memeIdOf, OPENS_AT } from "../../../shared-schema/test/support/round.ts";
import { ActivityBook } from "../../src/analytics/activity.ts";
import { activityOf, type RoundActivity } from "../../src/analytics/activity-sums.ts";
import { earningsOf } from "../../src/analytics/activity-view.ts";
import { createAnalyticsService } from "../../src/analytics/index.ts";
import { createRedis, type Redis } from "../../src/infra/redis.ts";
import { archivedOf } from "../../src/round/snapshot.ts";
import { startRedis, type TestRedis } from "../support/redis.ts";
import { annOne, annTwo, bob, cast, cid, play, played, scripts, simple } from "./activity-kit.ts";

const keysOf = (round: RoundActivity) => [...round.players.values()].flatMap(({ keys }) => keys);
const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

describe("activity of players", () => {
  let server: TestRedis;
  let redis: Redis;
  before(async () => {
    server = await startRedis();
    redis = createRedis(server.url);
  });
  after(async () => {
    await redis.quit();
    await server.close();
  });
  beforeEach(() => redis.flushall());

  it("E8, E10: in every round, what players put in, stake, win and get back adds up to its result", () => {
    let voided = 0;
    fc.assert(
      fc.property(scripts, (script) => {
        const state = play(script);
        const activity = activityOf(state);
        const outcome = computeOutcome(state);
        const keys = keysOf(activity);
        for (const key of keys) {
          assert.equal(key.deposited, key.staked + key.seatFees + key.returned);
          for (const sats of Object.values(key)) assert.ok(typeof sats === "string" || sats >= 0);
        }
        assert.equal(keys.length, 4);
        assert.equal(activity.players.get(annOne.identity)?.keys.length, 2);
        if (outcome.kind === "void") {
          voided++;
          assert.equal(activity.outcome, "voided");
          assert.equal(
            sum(keys.map(({ deposited }) => deposited)),
            sum(outcome.returned.map(({ sats }) => sats)),
          );
          assert.ok(keys.every(({ deposited, returned, staked }) => deposited === returned && staked === 0));
          return;
        }
        const { result } = outcome;
        const won = sum(keys.map((key) => key.won));
        assert.equal(won, sum(result.payouts.map((payout) => payout.won)));
        assert.equal(sum(keys.map((key) => key.seatFees)), result.seatFees);
        // E8, with the entry price of a dropped player: it stays in the stakes, and nobody here paid it.
        const unpaid = outcome.stakes - sum(keys.map((key) => key.staked));
        assert.ok(unpaid >= 0 && (unpaid === 0 || script.dropped.length > 0));
        const collected = sum(keys.map((key) => key.deposited)) + unpaid;
        const out =
          won + sum(keys.map((key) => key.returned)) + result.fee + result.seatFees + result.carryOut;
        assert.equal(collected, out);
      }),
      { numRuns: 300 },
    );
    assert.ok(voided > 20 && voided < 280, `${voided} of 300 were voided`);
  });

  it("O1 a round counts once for everybody in it, both keys of one identity as one round", async () => {
    const state = simple();
    const book = new ActivityBook(redis);
    await book.count(activityOf(state));
    const ann = await book.totals(annOne.identity);
    assert.deepEqual([ann.rounds, ann.voided, ann.deposited], [1, 0, 40_000]);
    const [round] = await book.all(annOne.identity);
    assert.deepEqual(
      round?.keys.map(({ playKey }) => playKey),
      [annOne.playKey, annTwo.playKey],
    );
    assert.deepEqual(round?.memes, [memeIdOf("m0")]);
    await book.count(activityOf(state));
    assert.deepEqual(await book.totals(annOne.identity), ann);
    assert.equal((await book.all(annOne.identity)).length, 1);
  });

  it("O1 a count that was broken off is done again, and moves no sum twice", async () => {
    const state = simple();
    const book = new ActivityBook(redis);
    await book.count(activityOf(state));
    const before = await Promise.all(cast.map(({ identity }) => book.totals(identity)));
    await redis.del(
      "mr:activity:counted:main",
      ...["rows", "order", "totals"].map((part) => `mr:activity:${part}:${cid.identity}`),
    );
    await book.count(activityOf(state));
    assert.deepEqual(await Promise.all(cast.map(({ identity }) => book.totals(identity))), before);
  });

  it("M4: a round that is void since takes the place of its result, and the result does not come back", async () => {
    const book = new ActivityBook(redis);
    await book.count(played("main-1", OPENS_AT, 500));
    assert.deepEqual((await book.totals(bob.identity)).won, 1_500);
    const round = played("main-1", OPENS_AT, -1_000, "voided");
    await book.count(round);
    await book.count(round);
    await book.count(played("main-1", OPENS_AT, 500));
    const totals = await book.totals(bob.identity);
    assert.deepEqual([totals.rounds, totals.voided, totals.won], [1, 1, 0]);
    assert.equal((await book.all(bob.identity))[0]?.outcome, "voided");
  });

  it("O1 memory is bounded: the oldest rounds leave the list and stay in the sums, also when counted again", async () => {
    const book = new ActivityBook(redis, { keepRounds: 3 });
    const all = Array.from({ length: 7 }, (_, at) => played(`main-${at}`, OPENS_AT + at * 60_000, at));
    for (const round of [...all, ...all]) await book.count(round);
    assert.deepEqual(
      (await book.all(bob.identity)).map(({ roundId }) => roundId),
      ["main-4", "main-5", "main-6"],
    );
    const totals = await book.totals(bob.identity);
    assert.deepEqual([totals.rounds, totals.won], [7, 7_021]);
    assert.equal(await redis.hlen(`mr:activity:rows:${bob.identity}`), 3);
    const earnings = earningsOf(await book.all(bob.identity), totals);
    assert.equal(earnings.beforeSats + sum(earnings.points.map(({ netSats }) => netSats)), 21);
  });

  it("O1 the chart has 400 points at most, and none of the sum is lost", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -900, max: 9_000 }), { maxLength: 1_700 }), (nets) => {
        const rounds = nets.map((net, at) => {
          const { players, ...round } = played(`main-${at}`, OPENS_AT + at, net);
          return { ...round, keys: players.get(bob.identity)?.keys ?? [], memes: [] };
        });
        const won = sum(nets) + 1_000 * nets.length + 77;
        const totals = {
          rounds: 0,
          voided: 0,
          deposited: 1_000 * nets.length,
          staked: 0,
          seatFees: 0,
          won,
          returned: 0,
        };
        const { beforeSats, points } = earningsOf(rounds, totals);
        assert.ok(points.length <= 400);
        assert.equal(beforeSats, 77);
        assert.equal(sum(points.map(({ netSats }) => netSats)), sum(nets));
        assert.equal(sum(points.map((point) => point.rounds)), nets.length);
        assert.equal(points.at(-1)?.at, rounds.at(-1)?.closesAt);
      }),
      { numRuns: 40 },
    );
  });

  it("M6: a voided round without a journal is listed for play keys whose identity is known", async () => {
    const state = play({ sats: [10_000, 20_000, 30_000, 40_000], boosts: [], dropped: [], memes: 1 });
    const owners = new Map([[bob.playKey, bob.identity]]);
    const service = createAnalyticsService({
      redis,
      namesOf: async () => new Map(),
      ownersOf: async () => owners,
      now: () => OPENS_AT,
    });
    await service.roundFinished(archivedOf(state));
    const book = new ActivityBook(redis);
    const [rebuilt] = await book.all(bob.identity);
    assert.deepEqual(rebuilt?.keys, activityOf(state).players.get(bob.identity)?.keys);
    assert.deepEqual(await book.all(cid.identity), []);
  });

  it("I6: the part of the export tells rounds and sums, and forgetting leaves nothing of that person", async () => {
    const service = createAnalyticsService({ redis, namesOf: async () => new Map(), now: () => OPENS_AT });
    const state = simple();
    await service.roundFinished(archivedOf(state), state);
    const { personalData } = service;
    const person = { identity: bob.identity, playKeys: [bob.playKey] };
    assert.match(JSON.stringify(await personalData.exportOf(person)), new RegExp(state.open.roundId));
    assert.ok(await service.hasEntered(bob.identity, memeIdOf("m1")));
    assert.ok(!(await service.hasEntered(bob.identity, memeIdOf("m0"))), "it is another's");
    await personalData.forget(person);
    await personalData.forget(person);
    assert.doesNotMatch((await redis.keys("*")).join(), new RegExp(bob.identity));
    assert.equal((await new ActivityBook(redis).all(cid.identity)).length, 1);
  });
});
