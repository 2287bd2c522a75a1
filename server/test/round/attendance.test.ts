/** Who keeps a place in the room: sessions that ended, tokens that ran out, many players, a Redis that fails (I2). */
import assert from "node:assert/strict";
import { Attendance } from "../../src/round/attendance.ts";
import type { Seated } from "../../src/round/door.ts";

const TTL = 15 * 60_000;

function world(count = 1) {
  const state = {
    ended: [] as string[],
    gone: new Set<string>(),
    asked: [] as string[][],
    askedEnded: 0,
    fails: false,
  };
  const attendance = new Attendance({
    auth: {
      sessions: {
        accessTtlMs: TTL,
        async endedSince() {
          state.askedEnded++;
          if (state.fails) throw new Error("Redis is away");
          return state.ended;
        },
        async gone(ids) {
          state.asked.push([...ids]);
          return new Set(ids.filter((id) => state.gone.has(id)));
        },
      },
    },
  });
  const attendees = Array.from({ length: count }, (_, n) => ({
    auth: {
      identity: "i",
      playKey: `p${n}`,
      role: "player",
      sessionId: `s${n}`,
      ip: "",
      expiresAt: TTL,
    } as Seated,
  }));
  return { state, attendance, attendees };
}

describe("attendance", () => {
  it("I2: who was signed out somewhere is named within half a second, the others never", async () => {
    const { state, attendance, attendees } = world(3);
    assert.deepEqual(await attendance.ended(attendees, 1_000), []);
    state.ended = ["s1", "of another room"];
    assert.deepEqual(await attendance.ended(attendees, 1_400), [], "asked twice a second at most");
    assert.equal(state.askedEnded, 1);
    assert.deepEqual(await attendance.ended(attendees, 1_500), [attendees[1]]);
    assert.deepEqual(state.asked, [], "no session is looked up before its token has run out");
  });

  it("I2: when a token runs out its session is looked up: a living one stays, for as long as a token lives", async () => {
    const { state, attendance, attendees } = world(2);
    state.gone.add("s1");
    assert.deepEqual(await attendance.ended(attendees, TTL - 1), []);
    assert.deepEqual(await attendance.ended(attendees, TTL + 500), [attendees[1]]);
    assert.deepEqual(state.asked, [["s0", "s1"]]);
    await attendance.ended([attendees[0] as (typeof attendees)[0]], TTL + 1_000);
    assert.equal(state.asked.length, 1);
    await attendance.ended([attendees[0] as (typeof attendees)[0]], 2 * TTL + 500);
    assert.deepEqual(state.asked[1], ["s0"]);
  });

  it("I2: a Redis that is away costs nobody the place, and is asked again", async () => {
    const { state, attendance, attendees } = world();
    state.fails = true;
    await assert.rejects(attendance.ended(attendees, 1_000));
    state.fails = false;
    state.ended = ["s0"];
    assert.deepEqual(await attendance.ended(attendees, 1_500), attendees);
  });

  it("I2: two devices of one session, and somebody who has not joined yet", async () => {
    const { state, attendance, attendees } = world();
    const [one] = attendees;
    assert.ok(one);
    state.ended = ["s0"];
    assert.equal((await attendance.ended([one, { auth: { ...one.auth } }, {}], 1_000)).length, 2);
  });
});
