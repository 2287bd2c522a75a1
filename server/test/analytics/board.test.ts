/** O1: sums over finished rounds: each counted once, in its day, in the week and over all time. */
import { strict as assert } from "node:assert";
import { utf8 } from "@meme-rounds/shared-schema/bytes";
import { publicKeyOf } from "@meme-rounds/shared-schema/crypto";
import { sha256 } from "@meme-rounds/shared-schema/hash";
import { Board, type FinishedRound } from "../../src/analytics/board.ts";
import { createAnalyticsService } from "../../src/analytics/index.ts";
import { createRedis, type Redis } from "../../src/infra/redis.ts";
import { startRedis, type TestRedis } from "../support/redis.ts";

const DAY = 86_400_000;
const NOON = 20_000 * DAY + DAY / 2;
const key = (name: string): string => publicKeyOf(sha256(utf8(name)));
const [ann, bob, cid] = [key("ann"), key("bob"), key("cid")];

describe("leaderboard and figures", () => {
  let server: TestRedis;
  let redis: Redis;
  let board: Board;
  let arenas = 0;
  let arena = "";
  before(async () => {
    server = await startRedis();
    redis = createRedis(server.url);
    board = new Board(redis);
  });
  after(async () => {
    await redis.quit();
    await server.close();
  });
  beforeEach(() => {
    arena = `arena${++arenas}`;
  });

  const round = (closesAt: number, won: Record<string, number>, patch: Partial<FinishedRound> = {}) => ({
    arena,
    roundId: `${arena}-${closesAt / 1000}`,
    closesAt,
    outcome: "closed" as const,
    pot: 1_000,
    players: 3,
    memes: 2,
    fee: 20,
    seatFees: 90,
    payouts: Object.entries(won).map(([playKey, sats]) => ({ playKey, won: sats, returned: 7 })),
    ...patch,
  });
  const rows = async (window: "day" | "week" | "all", now = NOON) =>
    (await board.top(arena, window, 10, now)).map(({ playKey, won, rounds }) => [playKey, won, rounds]);

  it("O1 adds up what each player won, and a player who won nothing is not on it", async () => {
    await board.count(round(NOON, { [ann]: 300, [bob]: 500, [cid]: 0 }), NOON);
    await board.count(round(NOON + 600_000, { [ann]: 300 }), NOON);
    assert.deepEqual(await rows("all"), [
      [ann, 600, 2],
      [bob, 500, 1],
    ]);
    assert.deepEqual(await rows("day"), await rows("all"));
  });
  it("O1 the same round again changes nothing", async () => {
    const one = round(NOON, { [ann]: 300 });
    await Promise.all([board.count(one, NOON), board.count(one, NOON), board.count(one, NOON)]);
    assert.deepEqual(await rows("all"), [[ann, 300, 1]]);
    assert.equal((await board.stats(arena)).rounds, 1);
  });
  it("O1 thousands of winners are counted in parts: broken off anywhere and done again, each counts once", async () => {
    const winners = Object.fromEntries(Array.from({ length: 1_200 }, (_, n) => [`winner ${n}`, n + 1]));
    const big = round(NOON, winners);
    // A connection that breaks when the second part is on its way.
    let left = 2;
    const breaking = new Proxy(redis, {
      get(target, name) {
        if (name === "evalsha" && left-- === 0) throw new Error("the connection broke");
        const value = Reflect.get(target, name);
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
    await assert.rejects(new Board(breaking).count(big, NOON), /broke/);
    await Promise.all([board.count(big, NOON), board.count(big, NOON)]);
    await board.count(big, NOON);
    assert.equal((await board.stats(arena)).rounds, 1);
    const sums = await redis.zrange(`mr:board:won:${arena}:all`, 0, -1, "WITHSCORES");
    assert.deepEqual(
      Object.fromEntries(sums.flatMap((text, at) => (at % 2 === 0 ? [[text, Number(sums[at + 1])]] : []))),
      winners,
    );
    assert.deepEqual(await redis.smembers(`mr:board:counted:${arena}`), [big.roundId]);
  });
  it("O1 day and week forget, all time does not, also for rounds counted long after", async () => {
    await board.count(round(NOON - 40 * DAY, { [ann]: 900 }), NOON);
    await board.count(round(NOON - 6 * DAY, { [bob]: 50 }), NOON);
    await board.count(round(NOON - DAY, { [cid]: 60 }), NOON);
    await board.count(round(NOON, { [bob]: 20 }), NOON);
    assert.deepEqual(await rows("day"), [[bob, 20, 1]]);
    assert.deepEqual(await rows("week"), [
      [bob, 70, 2],
      [cid, 60, 1],
    ]);
    assert.equal((await rows("all")).length, 3);
    assert.deepEqual(await rows("week", NOON + 3 * DAY), [
      [cid, 60, 1],
      [bob, 20, 1],
    ]);
  });
  it("O1 figures are sums of whole satoshis, a voided round has no pot", async () => {
    await board.count(round(NOON, { [ann]: 300, [bob]: 1 }), NOON);
    await board.count(round(NOON + 600_000, { [ann]: 0 }, { outcome: "voided", fee: 0, seatFees: 0 }), NOON);
    assert.deepEqual(await board.stats(arena), {
      rounds: 2,
      voided: 1,
      seats: 6,
      memes: 4,
      pots: 1_000,
      won: 301,
      returned: 21,
      fees: 20,
      seatFees: 90,
    });
  });
  it("M4: a round that is void after it was counted is taken back, once, from day, all time and figures", async () => {
    await board.count(round(NOON - 600_000, { [ann]: 100 }), NOON);
    const before = round(NOON, { [ann]: 300, [bob]: 500 });
    const after = { ...round(NOON, { [ann]: 0, [bob]: 0 }), outcome: "voided" as const, fee: 0, seatFees: 0 };
    await board.count(before, NOON);
    for (let again = 0; again < 2; again++) {
      await board.recount(before, after, NOON + DAY / 4);
      assert.deepEqual(await rows("all"), [[ann, 100, 1]]);
      assert.deepEqual(await rows("day"), [[ann, 100, 1]]);
      const { rounds, voided, pots, won, fees, seatFees, returned } = await board.stats(arena);
      assert.deepEqual([rounds, voided, pots, won, fees, seatFees, returned], [2, 1, 1_000, 100, 20, 90, 21]);
    }
    await board.count(before, NOON);
    assert.deepEqual(await rows("all"), [[ann, 100, 1]], "a late count of the result changes nothing");
  });
  it("names stand beside the keys that have one", async () => {
    await board.count(round(NOON, { [ann]: 300, [bob]: 1 }), NOON);
    const service = createAnalyticsService({
      redis,
      namesOf: async () => new Map([[ann, "Ann"]]),
      now: () => NOON,
    });
    const found = service.routes.find(({ path }) => path === "/leaderboard");
    const input = { query: { arena, window: "all" } } as unknown as Parameters<
      NonNullable<typeof found>["handler"]
    >[0];
    assert.deepEqual(await found?.handler(input), {
      window: "all",
      rows: [
        { rank: 1, playKey: ann, name: "Ann", won: 300, rounds: 1 },
        { rank: 2, playKey: bob, won: 1, rounds: 1 },
      ],
    });
  });
});
