/** What becomes of the rounds of a stopping process (R11): the decision, and when it is made again. */
import assert from "node:assert/strict";
import { fateOf, type HostedRound, HostedRounds, RESULT_MS, type Standing } from "../../src/round/drain.ts";

const NOW = 1_000_000;

function stage() {
  let now = NOW;
  const timers = new Set<{ at: number; work: () => void }>();
  const log: string[] = [];
  const hosted = new HostedRounds({
    logger: {
      error: (about: unknown) => log.push(`error ${JSON.stringify(about)}`),
      info: () => undefined,
    } as never,
    now: () => now,
    after(ms, work) {
      const timer = { at: now + ms, work };
      timers.add(timer);
      return () => timers.delete(timer);
    },
  });
  const roundOf = (roundId: string, standing: Standing, handOver = async () => undefined): HostedRound => ({
    roundId,
    standing: () => standing,
    warn: (until) => log.push(`${roundId} is warned: ${until - NOW}`),
    async handOver() {
      log.push(`${roundId} is handed over`);
      await handOver();
    },
  });
  const pass = (ms: number): void => {
    now += ms;
    for (const timer of [...timers].filter(({ at }) => at <= now)) {
      timers.delete(timer);
      timer.work();
    }
  };
  const hurry = new AbortController();
  return { hosted, log, roundOf, pass, hurry, drain: { until: NOW + 660_000, hurry: hurry.signal } };
}

describe("draining: finish or hand over", () => {
  const until = NOW + 660_000;
  const fate = (closesInMs: number, more: { isFinished?: boolean; hurried?: boolean } = {}, now = NOW) =>
    fateOf(
      { closesAt: NOW + closesInMs, isFinished: more.isFinished ?? false },
      { until, hurried: more.hurried ?? false },
      now,
    );

  it("R11: a round whose result can be shown in time is finished, any other is handed over at once", () => {
    assert.equal(fate(600_000), "finish");
    assert.equal(fate(660_000 - RESULT_MS), "finish");
    assert.equal(fate(660_000 - RESULT_MS + 1), "hand over");
    assert.equal(fate(3_600_000), "hand over");
  });

  it("R11: a result stays up for those who read it, but not beyond the end of the drain", () => {
    assert.equal(fate(-600_000, { isFinished: true }), "finish");
    assert.equal(fate(-600_000, { isFinished: true }, until - 1), "finish");
    assert.equal(fate(-600_000, { isFinished: true }, until), "hand over");
  });

  it("R11: in a hurry, or when the time is up, nothing is finished any more", () => {
    assert.equal(fate(600_000, { hurried: true }), "hand over");
    assert.equal(fate(600_000, {}, until), "hand over");
  });
});

describe("draining: the rounds of a process", () => {
  it("R11: people are told until when the round stays; the process waits for it", async () => {
    const { hosted, log, roundOf, pass, drain } = stage();
    const round = roundOf("a", { closesAt: NOW + 300_000, isFinished: false });
    hosted.add(round);
    hosted.begin(drain);
    let over = false;
    const waiting = hosted.none().then(() => {
      over = true;
    });
    pass(300_000);
    await Promise.resolve();
    assert.equal(over, false);
    hosted.delete(round);
    await waiting;
    assert.deepEqual(log, ["a is warned: 300000"]);
  });

  it("R11: one that does not end in time goes at once, and the others stay", async () => {
    const { hosted, log, roundOf, drain } = stage();
    hosted.add(roundOf("short", { closesAt: NOW + 1_000, isFinished: false }));
    hosted.add(roundOf("long", { closesAt: NOW + 900_000, isFinished: false }));
    hosted.begin(drain);
    assert.deepEqual(log, ["short is warned: 1000", "long is warned: 0", "long is handed over"]);
  });

  it("R11: what is not over when the drain ends is handed over then, once", async () => {
    const { hosted, log, roundOf, pass, hurry, drain } = stage();
    hosted.add(roundOf("a", { closesAt: NOW + 300_000, isFinished: false }));
    hosted.begin(drain);
    pass(660_000);
    hurry.abort();
    await hosted.none();
    assert.deepEqual(log.slice(1), ["a is warned: 660000", "a is handed over"]);
  });

  it("R11: a second signal hands over at once; a room that opens later goes the same way", async () => {
    const { hosted, log, roundOf, hurry, drain } = stage();
    hosted.add(roundOf("a", { closesAt: NOW + 300_000, isFinished: false }));
    hosted.begin(drain);
    hurry.abort();
    hosted.add(roundOf("late", { closesAt: NOW + 300_000, isFinished: false }));
    await hosted.none();
    assert.deepEqual(log.slice(1), [
      "a is warned: 0",
      "a is handed over",
      "late is warned: 0",
      "late is handed over",
    ]);
  });

  it("R11: a round that cannot be let go of keeps no process alive: its lease runs out", async () => {
    const { hosted, log, roundOf, drain } = stage();
    const away = async () => {
      throw new Error("Redis is away");
    };
    hosted.add(roundOf("a", { closesAt: NOW + 900_000, isFinished: false }, away));
    hosted.begin(drain);
    await hosted.none();
    assert.match(log.at(-1) ?? "", /^error .*"roundId":"a"/);
  });

  it("R11: without a round there is nothing to wait for", async () => {
    const { hosted, drain } = stage();
    hosted.begin(drain);
    await hosted.none();
  });
});
