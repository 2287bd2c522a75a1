/** What anybody but the actor sees of a round is durable. Rules R4, R5, R10, M1, E10. */
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import type { SignedHead } from "@meme-rounds/shared-schema/receipt";
import { replay } from "@meme-rounds/shared-schema/reducer";
import type { Snapshot } from "@meme-rounds/shared-schema/rest";
import type { RoundState } from "@meme-rounds/shared-schema/round-state";
import { RoundView } from "@meme-rounds/shared-schema/sync-state";
import fc from "fast-check";
import { type Actor, actor, memeIdOf, STUB, TestRound } from "../../../shared-schema/test/support/round.ts";
import { createLogger } from "../../src/infra/logger.ts";
import { RoundActor } from "../../src/round/actor.ts";
import { CommandEdge } from "../../src/round/commands.ts";
import { RoundLife } from "../../src/round/life.ts";
import { project, projectOpening, standingsOf } from "../../src/round/projection.ts";
import { RefBook } from "../../src/round/refs.ts";
import { RoundShow } from "../../src/round/show.ts";
import { TickMeter } from "../../src/round/tick-meter.ts";

const [ann, bob] = [actor("ann"), actor("bob")];
const FROG = memeIdOf("frog");
const logger = createLogger("test", "silent");
const LEASE = { name: "round:test", token: 1 };

/** What everybody learns of the numbers. */
const shownOf = (view: RoundView): string =>
  JSON.stringify([
    view.phase,
    view.pot,
    view.players,
    [...view.memes.values()].map(({ memeId, boostSats, score, backers }) => [
      memeId,
      boostSats,
      score,
      backers,
    ]),
  ]);

function shownBy(state: RoundState): string {
  const view = new RoundView();
  projectOpening(view, state);
  project(view, state, 0);
  return shownOf(view);
}

/** Lets everything go on that waits for nothing but its turn. */
const settled = async (): Promise<void> => {
  for (let n = 0; n < 4; n++) await new Promise(setImmediate);
};

/** A round with its actor and all that shows it, over virtual time, whose appends end when the test says so. */
function rig() {
  const round = new TestRound();
  for (const who of [ann, bob]) round.must(round.deposit(who, 50_000));
  round.must(round.enter(bob, "frog"));
  round.must(round.chat(ann, "hello"));
  const journal = [...round.entries];
  const time = { ms: 0 };
  const timers = new Set<{ at: number; run(): void }>();
  const held: { end(error?: Error): void }[] = [];
  const patches: { at: number; shown: string; chat: string[] }[] = [];
  const snapshots: Snapshot[] = [];
  const told: string[] = [];
  const failures: unknown[] = [];
  const view = new RoundView();
  const after = (ms: number, run: () => void) => {
    const timer = { at: time.ms + ms, run };
    timers.add(timer);
    return () => timers.delete(timer);
  };
  const show: RoundShow = new RoundShow(view, {
    directory: { setSnapshot: async (snapshot) => snapshots.push(snapshot) > 0 },
    payment: { keys: () => ({}) as never, headOf: async () => undefined as SignedHead | undefined },
    audience: { spectators: async () => 0 },
    meter: new TickMeter(),
    logger,
    now: () => round.now + time.ms,
    clock: () => time.ms,
    after,
    send: () => patches.push({ at: time.ms, shown: shownOf(view), chat: show.lines.map(({ text }) => text) }),
    sockets: () => 0,
    tell: (kind, body) => void told.push(`${kind} ${"text" in body ? body.text : ""}`),
    tellEach: () => undefined,
  });
  const mailbox = new RoundActor(round.state, new RefBook(), {
    append: (items) =>
      new Promise<void>((resolve, reject) => {
        held.push({
          end(error) {
            if (error) return reject(error);
            journal.push(...items.map(({ entry }) => entry));
            resolve();
          },
        });
      }),
    verify: STUB.verify,
    sign: () => "",
    now: () => round.now,
    pause: () => new Promise(setImmediate),
    beforeBlind: (state) => show.darken(standingsOf(state)),
    onCommitted: (entries, state) => show.committed(entries, state),
    onFailed: (error) => failures.push(error),
  });
  const edge = new CommandEdge(mailbox, {} as never);
  show.begin(mailbox, round.state, undefined);
  /** Virtual time passes, and all that is due in it happens. */
  const pass = async (ms: number): Promise<void> => {
    const end = time.ms + ms;
    for (;;) {
      const next = [...timers].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
      if (next === undefined) break;
      time.ms = Math.max(time.ms, next.at);
      timers.delete(next);
      next.run();
      await settled();
    }
    time.ms = end;
    await settled();
  };
  let refs = 0;
  const boost = (who: Actor, sats: number) =>
    mailbox.submit(round.boost(who, "frog", sats), { playKey: who.playKey, ref: `${refs++}`, payload: refs });
  const publish = () => show.publish("room", LEASE, round.now + time.ms);
  const you = (who: Actor) => edge.you({ ...who, sessionId: "s" } as never);
  return {
    ...{ round, journal, held, patches, snapshots, told, failures },
    ...{ mailbox, show, time, after, pass, boost, publish, you },
  };
}

describe("durability of what is shown", () => {
  it("R4: while an append is held open nothing of it is seen by anybody; with its end all of it is", async () => {
    const { round, journal, held, patches, snapshots, told, mailbox, show, pass, boost, publish, you } =
      rig();
    await pass(150);
    const before = patches.at(-1)?.shown;
    const boosted = boost(ann, 500);
    const from = { playKey: ann.playKey, ref: randomUUID(), payload: "line" };
    const said = mailbox.submit(round.chat(ann, "to the moon"), from);
    const spent: number[] = [];
    const asked = you(ann).then((mine) => spent.push(mine.spent));
    const first = patches.length;
    for (let n = 0; n < 30; n++) {
      // What lets patches leave besides: models, time; and the snapshot of once a second.
      if (n % 10 === 0)
        show.model({ memeId: FROG, glb: "a", poster: "b", turntable: "c", provider: "local" });
      await pass(100);
      await publish();
    }
    const meanwhile = patches.slice(first);
    assert.ok(meanwhile.length >= 3, "the room is heard of all the while");
    assert.deepEqual(new Set(meanwhile.map(({ shown }) => shown)), new Set([before]));
    assert.ok(meanwhile.every(({ chat }) => chat.join() === "hello"));
    assert.ok(snapshots.length >= 2);
    assert.ok(snapshots.every(({ memes, pot }) => memes[0]?.boostSats === 0 && pot === snapshots[0]?.pot));
    assert.deepEqual([spent, told.filter((what) => what.includes("moon"))], [[], []]);

    held.shift()?.end();
    await settled();
    await asked;
    assert.deepEqual([(await boosted).ok, spent], [true, [500]]);
    assert.equal(patches.length, first + meanwhile.length + 1, "the beat that waited comes with the commit");
    assert.equal(patches.at(-1)?.shown, shownBy(replay(journal)));
    held.shift()?.end();
    assert.equal((await said).ok, true);
    assert.deepEqual(
      show.lines.map(({ text }) => text),
      ["hello", "to the moon"],
    );
    show.end();
  });

  it("R4: of a lost append nothing was ever seen, nor is it afterwards", async () => {
    const { held, patches, failures, told, mailbox, show, pass, boost, publish, snapshots, you } = rig();
    await pass(150);
    const before = patches.at(-1)?.shown;
    const boosted = boost(ann, 500);
    const asked = assert.rejects(you(ann), { code: "UNAVAILABLE" });
    await pass(1_200);
    held.shift()?.end(new Error("fenced"));
    assert.equal((await boosted).ok, false);
    await asked;
    show.takenDown(FROG);
    await pass(3_000);
    await publish();
    assert.deepEqual(new Set(patches.map(({ shown }) => shown)), new Set([before]));
    assert.ok(snapshots.every(({ memes }) => memes[0]?.boostSats === 0));
    await assert.rejects(
      mailbox.read(() => "seen"),
      { code: "UNAVAILABLE" },
    );
    assert.deepEqual([failures.length, told.length], [1, 1]);
    show.end();
  });

  it("E10, R5: a cancelled round is archived and settled when its record is durable, and not before", async () => {
    const { round, held, mailbox } = rig();
    const asked: string[] = [];
    const ask = (what: string) => async () => void asked.push(what);
    const life = new RoundLife(mailbox, {
      payment: { judgeDeposits: async () => [], enqueueSettlement: ask("settlement") } as never,
      content: { modelsOf: async () => [] } as never,
      analytics: { roundFinished: ask("counted") } as never,
      directory: { finish: ask("archived") } as never,
      logger,
      onFinal: () => asked.push("final"),
      onSettled: () => undefined,
      onModel: () => undefined,
      onOver: () => undefined,
    });
    const cancelled = life.cancel("ecdsa-secp256k1:admin", "the picture was stolen");
    await settled();
    const tick = life.tick(round.now);
    await settled();
    assert.deepEqual([held.length, asked], [1, []]);
    held.shift()?.end();
    await Promise.all([cancelled, tick]);
    await life.tick(round.now);
    assert.deepEqual(asked, ["settlement", "counted", "archived", "final"]);
  });

  it("R4: under appends without a pause between them patches leave at their rhythm, each with what is durable", async () => {
    const { journal, held, patches, show, after, pass, boost, time } = rig();
    /** Since when, ms. */
    const durable = new Map([[shownBy(replay(journal)), 0]]);
    // 8 ms an append, and the next one begins with its end; players boost all the time.
    const end = (): void => {
      held.shift()?.end();
      durable.set(shownBy(replay(journal)), time.ms);
      after(8, end);
    };
    const play = (): void => {
      for (let n = 0; n < 4; n++) void boost(ann, 10);
      after(2, play);
    };
    play();
    after(8, end);
    await pass(2_000);
    show.end();
    assert.ok(patches.length >= 19, `${patches.length} patches in 2 s`);
    for (const { at, shown } of patches) assert.ok((durable.get(shown) ?? Number.POSITIVE_INFINITY) <= at);
    assert.ok(new Set(patches.map(({ shown }) => shown)).size >= 18, "each shows something new");
    const gaps = patches.slice(1).map(({ at }, n) => at - (patches[n]?.at ?? 0));
    assert.ok(Math.max(...gaps) <= 120, `${Math.max(...gaps)} ms between two patches`);
  });

  it("R4, property: whatever appends take and wherever one is lost, what is seen is what a journal adds up to", async () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant("boost" as const), sats: fc.integer({ min: 10, max: 50 }) }),
      fc.record({ kind: fc.constant("pass" as const), ms: fc.integer({ min: 1, max: 400 }) }),
      fc.record({ kind: fc.constant("end" as const), lost: fc.integer({ min: 0, max: 9 }) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 30 }), async (steps) => {
        const { journal, held, patches, show, mailbox, pass, boost, publish, snapshots } = rig();
        const durable = new Set([shownBy(replay(journal))]);
        const seen: string[] = [];
        const heads = new Set([journal.at(-1)?.hash]);
        for (const one of steps) {
          if (one.kind === "boost") void boost(ann, one.sats);
          else if (one.kind === "pass") await pass(one.ms);
          else held.shift()?.end(one.lost === 0 ? new Error("lost") : undefined);
          // Appended by now, though not yet heard of.
          durable.add(shownBy(replay(journal)));
          heads.add(journal.at(-1)?.hash);
          mailbox.read(({ head }) => seen.push(head.hash)).catch(() => undefined);
          await publish();
        }
        await settled();
        show.end();
        assert.ok(patches.every(({ shown }) => durable.has(shown)));
        assert.ok(seen.every((hash) => heads.has(hash)));
        const boosted = new Set([...durable].map((shown) => JSON.parse(shown)[3][0][1]));
        assert.ok(snapshots.length > 0 && snapshots.every(({ memes }) => boosted.has(memes[0]?.boostSats)));
      }),
      { numRuns: 60 },
    );
  });
});
