/** Bounds people set on their own play, against a real Redis: what counts, what waits, what never exceeds (I6). */
import assert from "node:assert/strict";
import { type PlayLimits, playLimitsAnswer } from "@meme-rounds/shared-schema/rest-me";
import fc from "fast-check";
import { createPlayLimits, WINDOW_MS } from "../../src/auth/play-limits.ts";
import { createRedis, type Redis } from "../../src/infra/redis.ts";
import { startRedis, type TestRedis } from "../support/redis.ts";
import { type Harness, player, signIn, startAuth } from "./support.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const { identity } = player(1);
const deposit = (name: string, sats: number) => ({ txid: `tx-${name}`, sats, roundId: "main-1" });

describe("auth: limits on one's own play (I6)", () => {
  let server: TestRedis;
  let redis: Redis;
  let harness: Harness;
  let token: string;

  before(async () => {
    server = await startRedis();
    redis = createRedis(server.url);
  });
  after(async () => {
    redis.disconnect();
    await server.close();
  });
  beforeEach(async () => {
    await redis.flushall();
    harness = await startAuth(redis);
    token = (await signIn(harness, player(1))).accessToken;
  });
  afterEach(() => harness.close());

  const patch = (body: unknown) => harness.call("PATCH", "/me/limits", { token, body });
  const set = async (body: unknown): Promise<PlayLimits> => {
    const reply = await patch(body);
    assert.equal(reply.status, 200, JSON.stringify(reply.body));
    return playLimitsAnswer.parse(reply.body);
  };
  const view = async (): Promise<PlayLimits> =>
    playLimitsAnswer.parse((await harness.call("GET", "/me/limits", { token })).body);
  const reserve = async (name: string, sats: number): Promise<string> =>
    (await harness.auth.play.reserve(identity, deposit(name, sats)))?.code ?? "ok";
  const admit = (act: Parameters<Harness["auth"]["play"]["admit"]>[1]): Promise<string> =>
    harness.auth.play.admit(identity, act).then(
      () => "ok",
      (error: { code: string }) => error.code,
    );
  /** The clock and the token go on together: access tokens live for 15 minutes only. */
  const wait = async (ms: number): Promise<void> => {
    harness.clock.ms += ms;
    token = (await signIn(harness, player(1))).accessToken;
  };

  it("I6: nobody has a limit until they set one, and what was deposited before counts from then on", async () => {
    assert.deepEqual(await view(), { depositPerDaySats: null, depositedSats: 0 });
    assert.equal(await reserve("a", 90_000), "ok");
    assert.equal((await set({ depositPerDaySats: 100_000 })).depositedSats, 90_000);
    assert.equal(await reserve("b", 10_001), "PLAY_LIMIT_REACHED");
    assert.equal(await reserve("b", 10_000), "ok");
    assert.equal((await view()).depositedSats, 100_000);
    const refused = await harness.auth.play.reserve(identity, deposit("c", 1));
    assert.match(refused?.message ?? "", /100000 sat in 24 hours; 0 sat of it are left/);
  });

  it("I6: the same transaction counts once, a refused one is given back, and giving back twice takes nothing", async () => {
    await set({ depositPerDaySats: 30_000 });
    for (let time = 0; time < 3; time++) assert.equal(await reserve("a", 20_000), "ok");
    assert.equal((await view()).depositedSats, 20_000);
    assert.equal(await reserve("b", 20_000), "PLAY_LIMIT_REACHED");
    for (let time = 0; time < 2; time++) await harness.auth.play.release(identity, deposit("a", 20_000));
    await harness.auth.play.release(identity, deposit("never", 5));
    assert.equal((await view()).depositedSats, 0);
    assert.equal(await reserve("b", 20_000), "ok");
  });

  it("I6: the window is the last 24 hours, to the millisecond", async () => {
    await set({ depositPerDaySats: 10_000 });
    assert.equal(await reserve("a", 10_000), "ok");
    await wait(DAY - 1);
    assert.equal(await reserve("b", 1_000), "PLAY_LIMIT_REACHED");
    await wait(1);
    assert.equal((await view()).depositedSats, 0);
    assert.equal(await reserve("b", 10_000), "ok");
  });

  it("I6: lower counts at once; higher, or none, only after 24 hours, and asking again does not wait longer", async () => {
    await set({ depositPerDaySats: 50_000 });
    assert.equal((await set({ depositPerDaySats: 20_000 })).depositPerDaySats, 20_000);
    const asked = await set({ depositPerDaySats: 80_000 });
    const from = harness.clock.ms + DAY;
    assert.deepEqual(asked.next, { depositPerDaySats: 80_000, from });
    assert.equal(asked.depositPerDaySats, 20_000);
    await wait(HOUR);
    assert.equal((await set({ depositPerDaySats: 80_000 })).next?.from, from);
    assert.equal(await reserve("a", 20_001), "PLAY_LIMIT_REACHED");
    await wait(DAY - HOUR);
    assert.equal((await view()).depositPerDaySats, 80_000);
    assert.equal(await reserve("a", 80_000), "ok");
    assert.deepEqual((await set({ depositPerDaySats: null })).next?.depositPerDaySats, null);
    assert.equal(await reserve("b", 1), "PLAY_LIMIT_REACHED");
    await wait(DAY);
    assert.equal(await reserve("b", 1_000_000), "ok");
  });

  it("I6: a lower limit ends a higher one that waits", async () => {
    await set({ depositPerDaySats: 10_000 });
    await set({ depositPerDaySats: 90_000 });
    assert.equal((await set({ depositPerDaySats: 10_000 })).next, undefined);
    await wait(2 * DAY);
    assert.equal((await view()).depositPerDaySats, 10_000);
  });

  it("I6: many processes at once never let in more than the limit, and never less than fits", async () => {
    await set({ depositPerDaySats: 100_000 });
    const others = [redis, createRedis(server.url), createRedis(server.url)];
    const doors = others.map((one) => createPlayLimits({ redis: one, now: () => harness.clock.ms }));
    const answers = await Promise.all(
      Array.from({ length: 60 }, (_, index) =>
        doors[(index + Math.floor(index / 30)) % 3]?.reserve(identity, deposit(String(index % 30), 7_000)),
      ),
    );
    for (const one of others.slice(1)) one.disconnect();
    // 30 transactions, each sent twice by two processes; 14 fit.
    assert.equal((await view()).depositedSats, 98_000);
    assert.equal(answers.filter((answer) => answer === undefined).length, 28);
  });

  it("I6: whatever is reserved, released and waited for, what counts never exceeds the limit", async () => {
    const limits = createPlayLimits({ redis, now: () => harness.clock.ms });
    const step = fc.oneof(
      fc.record({
        kind: fc.constant("reserve" as const),
        tx: fc.nat(8),
        sats: fc.integer({ min: 1, max: 60 }),
      }),
      fc.record({
        kind: fc.constant("release" as const),
        tx: fc.nat(8),
        sats: fc.integer({ min: 1, max: 60 }),
      }),
      fc.record({ kind: fc.constant("wait" as const), ms: fc.integer({ min: 1, max: DAY }) }),
      fc.record({ kind: fc.constant("limit" as const), sats: fc.integer({ min: 0, max: 200 }) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
        await redis.flushall();
        await limits.change(identity, { depositPerDaySats: 150 });
        const counted = new Map<string, { at: number; sats: number }>();
        const sum = () => [...counted.values()].reduce((total, { sats }) => total + sats, 0);
        for (const one of steps) {
          if (one.kind === "wait") harness.clock.ms += one.ms;
          for (const [key, { at }] of counted) if (at <= harness.clock.ms - WINDOW_MS) counted.delete(key);
          if (one.kind === "limit") await limits.change(identity, { depositPerDaySats: one.sats });
          const { depositPerDaySats } = await limits.view(identity);
          if (one.kind === "reserve" || one.kind === "release") {
            const it = deposit(String(one.tx), one.sats);
            const key = `${one.tx}:${one.sats}`;
            if (one.kind === "release") {
              await limits.release(identity, it);
              counted.delete(key);
            } else {
              const fits =
                counted.has(key) || sum() + one.sats <= (depositPerDaySats ?? Number.POSITIVE_INFINITY);
              assert.equal(
                (await limits.reserve(identity, it))?.code,
                fits ? undefined : "PLAY_LIMIT_REACHED",
              );
              if (fits && !counted.has(key)) counted.set(key, { at: harness.clock.ms, sats: one.sats });
            }
          }
          assert.equal((await limits.view(identity)).depositedSats, sum());
        }
      }),
      { numRuns: 40 },
    );
  });

  it("I6: a break stops deposits, entries and boosts until it ends, is never shortened, and nothing else", async () => {
    assert.equal(await admit("boost"), "ok");
    const { coolOffUntil } = await set({ coolOffHours: 48 });
    assert.equal(coolOffUntil, harness.clock.ms + 48 * HOUR);
    for (const act of ["deposit", "enter", "boost"] as const)
      assert.equal(await admit(act), "COOLING_OFF", act);
    for (const act of ["join", "upload"] as const) assert.equal(await admit(act), "ok", act);
    assert.equal(await reserve("a", 1_000), "COOLING_OFF");
    assert.equal((await set({ coolOffHours: 1 })).coolOffUntil, coolOffUntil);
    await wait(48 * HOUR);
    assert.equal((await view()).coolOffUntil, undefined);
    for (const act of ["deposit", "enter", "boost"] as const) assert.equal(await admit(act), "ok", act);
    assert.equal(await reserve("a", 1_000), "ok");
  });

  it("I6: self-exclusion also closes the room, cannot be shortened, and for ever is for ever", async () => {
    await set({ selfExclusion: { days: 30, confirm: "exclude me" } });
    for (const act of ["join", "deposit", "enter", "boost"] as const)
      assert.equal(await admit(act), "SELF_EXCLUDED", act);
    assert.equal(await reserve("a", 1_000), "SELF_EXCLUDED");
    // Signing in, and with it withdrawing and the export, works as before.
    await wait(DAY);
    assert.equal(
      (await set({ selfExclusion: { days: "forever", confirm: "exclude me" } })).excludedUntil,
      "forever",
    );
    await set({ selfExclusion: { days: 30, confirm: "exclude me" } });
    await wait(40 * 365 * DAY);
    assert.equal((await view()).excludedUntil, "forever");
    assert.equal(await admit("join"), "SELF_EXCLUDED");
  });

  it("I6: a second play key of the same identity does not get around any of it", async () => {
    await set({ depositPerDaySats: 5_000 });
    assert.equal(await reserve("a", 5_000), "ok");
    const again = await signIn(harness, { ...player(1), ...playKeyOf(7) });
    assert.equal(again.user.identity, identity);
    assert.notEqual(again.user.playKey, player(1).playKey);
    const caller = await harness.auth.authenticate(again.accessToken);
    const refused = await harness.auth.play.reserve(caller.identity, deposit("b", 1));
    assert.equal(refused?.code, "PLAY_LIMIT_REACHED");
  });

  it("I6: bad wishes are refused whole and change nothing", async () => {
    await set({ depositPerDaySats: 5_000 });
    const bad = [
      {},
      null,
      [],
      { depositPerDaySats: -1 },
      { depositPerDaySats: 1.5 },
      { depositPerDaySats: "9000" },
      { depositPerDaySats: 1e300 },
      { depositPerDaySats: 9_000, coolOffHours: 0 },
      { coolOffHours: 721 },
      { coolOffHours: Number.NaN },
      { selfExclusion: { days: 29, confirm: "exclude me" } },
      { selfExclusion: { days: "forever" } },
      { selfExclusion: { days: "forever", confirm: "yes" } },
      { selfExclusion: { days: 3_651, confirm: "exclude me" } },
      { depositPerDaySats: 1, identity: player(2).identity },
    ];
    for (const body of bad)
      assert.equal((await patch(body)).problem().code, "BAD_REQUEST", JSON.stringify(body));
    assert.deepEqual(await view(), { depositPerDaySats: 5_000, depositedSats: 0 });
  });

  it("I6: what is remembered for boosts is a second old at most, and boosts leave in the order they came", async () => {
    const other = createPlayLimits({ redis, now: () => harness.clock.ms });
    assert.equal(await admit("boost"), "ok");
    await other.change(identity, { coolOffHours: 1 }); // by another process
    harness.clock.ms += 999;
    assert.equal(await admit("boost"), "ok");
    harness.clock.ms += 1;
    assert.equal(await admit("boost"), "COOLING_OFF");

    const order: number[] = [];
    const who = player(3).identity;
    await Promise.all(
      Array.from({ length: 20 }, async (_, index) => {
        if (index % 5 === 0) harness.clock.ms += 1_000;
        await harness.auth.play.admit(who, "boost");
        order.push(index);
      }),
    );
    assert.deepEqual(
      order,
      [...order].sort((a, b) => a - b),
    );
  });

  it("I6: what counts does not stay in memory for good", async () => {
    await reserve("a", 1_000);
    for (const key of ["deposits", "rounds"]) {
      const ttl = await redis.pttl(`mr:auth:${key}:${identity}`);
      assert.ok(ttl > 0 && ttl <= 30 * DAY, key);
    }
  });
});

function playKeyOf(number: number) {
  const { play, playKey } = player(number);
  return { play, playKey };
}
