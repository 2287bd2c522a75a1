/** The room's edge: what it asks of moderation before and after the rules. Rules R10, R12. */
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { signEd25519 } from "@meme-rounds/shared-schema/crypto";
import { type Actor, actor, memeIdOf, STUB, TestRound } from "../../../shared-schema/test/support/round.ts";
import { judgeText } from "../../src/content/moderation/text.ts";
import type { Standing } from "../../src/infra/limiter.ts";
import { LIMITS, type LimitRule } from "../../src/infra/limits.ts";
import { createLogger } from "../../src/infra/logger.ts";
import { RoundActor } from "../../src/round/actor.ts";
import { CommandEdge } from "../../src/round/commands.ts";
import { RefBook } from "../../src/round/refs.ts";

const [ann, bob] = [actor("ann"), actor("bob")];
const unasked = (): never => assert.fail("not asked for");

function rig() {
  const round = new TestRound({ signer: STUB });
  for (const who of [ann, bob]) round.must(round.deposit(who, 20_000));
  round.must(round.enter(ann, "dog"));
  round.must(round.enter(bob, "frog"));
  const reported: unknown[] = [];
  const kicks: Actor[] = [];
  const limiter = {
    judge: (_rule: LimitRule): Standing | Promise<Standing> => ({ verdict: "ok", remaining: 1, resetMs: 0 }),
  };
  const mailbox = new RoundActor(round.state, new RefBook(), {
    append: async () => undefined,
    verify: STUB.verify,
    sign: (bytes) => signEd25519(bytes, new Uint8Array(32).fill(7)),
    now: () => round.now,
    onCommitted: () => undefined,
    onFailed: unasked,
  });
  const edge = new CommandEdge(mailbox, {
    auth: { play: { admit: async () => undefined, reserve: unasked, release: unasked } },
    content: {
      contentOf: unasked,
      enqueueTransforms: unasked,
      modelsOf: unasked,
      sculpturesOf: unasked,
      judgeText,
      reported: async (report) => void reported.push(report),
    },
    payment: new Proxy({} as ConstructorParameters<typeof CommandEdge>[1]["payment"], { get: unasked }),
    limiter: { judge: (rule) => limiter.judge(rule) },
    logger: createLogger("test", "silent"),
    now: () => round.now,
  });
  const send = (kind: "chat" | "report", who: Actor, body: Record<string, unknown>) =>
    edge.handle(
      kind,
      { ref: randomUUID(), ...body },
      {
        identity: who.identity,
        playKey: who.playKey,
        role: "player",
        sessionId: "s",
        ip: "192.0.2.1",
        expiresAt: Number.MAX_SAFE_INTEGER,
      },
      {
        later: () => undefined,
        kick: () => {
          kicks.push(who);
        },
      },
    );
  return { round, reported, send, limiter, kicks };
}

describe("the room's edge", () => {
  it("R10: a slur is refused before it reaches the journal, and uses up no number", async () => {
    const { round, send } = rig();
    const before = round.state.head.seq;
    const sig = "00".repeat(64);
    const answer = await send("chat", ann, { text: "n1gger", sig });
    assert.ok(!answer.ok);
    assert.equal(answer.code, "CHAT_REFUSED");
    assert.equal(round.state.head.seq, before);
    assert.equal(round.state.players.get(ann.playKey)?.chatNext ?? 1, 1);
  });

  it("R10: a crude line is let through to the rules, nobody could review it in time", async () => {
    const { send } = rig();
    const answer = await send("chat", ann, { text: "holy shit", sig: "00".repeat(64) });
    assert.ok(answer.ok || answer.code === "CHAT_SIGNATURE_INVALID");
  });

  it("R12: an accepted report reaches the moderators with its reason, a refused one does not", async () => {
    const { round, reported, send } = rig();
    const memeId = memeIdOf("frog");
    assert.ok((await send("report", ann, { memeId, reason: "rude" })).ok);
    assert.deepEqual(reported, [{ roundId: round.state.open.roundId, memeId, reason: "rude" }]);
    const again = await send("report", ann, { memeId, reason: "rude" });
    assert.ok(!again.ok && again.code === "REPORT_TWICE");
    assert.equal(reported.length, 1);
  });

  it("I5: a kind beyond its limit is answered RATE_LIMITED with when to come back; a malformed message counts for its address only", async () => {
    const { send, limiter, kicks } = rig();
    const asked: string[] = [];
    limiter.judge = (rule) => {
      asked.push(rule.name);
      const over = rule === LIMITS.chat;
      return { verdict: over ? "limit" : "ok", remaining: 0, resetMs: 4_200 };
    };
    const malformed = await send("chat", ann, { nonsense: true });
    assert.ok(!malformed.ok && malformed.code === "BAD_REQUEST");
    assert.deepEqual(asked.splice(0), [LIMITS.messages.name]);
    const answer = await send("chat", ann, { text: "hi", sig: "00".repeat(64) });
    assert.ok(!answer.ok && answer.code === "RATE_LIMITED");
    assert.match(answer.message, /5 s/);
    assert.deepEqual(asked, [LIMITS.messages.name, LIMITS.chat.name]);
    assert.ok((await send("report", ann, { memeId: memeIdOf("frog"), reason: "rude" })).ok);
    assert.deepEqual(kicks, []);
  });

  it("I5: who goes on far beyond it is answered and thrown out", async () => {
    const { send, limiter, kicks } = rig();
    limiter.judge = () => ({ verdict: "kick", remaining: 0, resetMs: 60_000 });
    const answer = await send("chat", ann, { text: "hi", sig: "00".repeat(64) });
    assert.ok(!answer.ok && answer.code === "RATE_LIMITED");
    assert.deepEqual(kicks, [ann]);
  });

  it("I5: a message whose limit has to be asked for is not overtaken by the next of its player", async () => {
    const { round, send, limiter } = rig();
    const good: Standing = { verdict: "ok", remaining: 1, resetMs: 0 };
    const held = Promise.withResolvers<Standing>();
    let calls = 0;
    limiter.judge = (rule) => {
      if (rule !== LIMITS.report) return good;
      calls++;
      return calls === 1 ? held.promise : good;
    };
    const answered: string[] = [];
    const report = (who: Actor, meme: string) =>
      send("report", who, { memeId: memeIdOf(meme), reason: "rude" }).then(() =>
        answered.push(`${who === ann ? "ann" : "bob"} ${meme}`),
      );
    const all = [report(ann, "frog"), report(ann, "dog"), report(bob, "dog")];
    await all[2];
    assert.deepEqual(answered, ["bob dog"]);
    held.resolve(good);
    await Promise.all(all);
    assert.deepEqual(answered, ["bob dog", "ann frog", "ann dog"]);
    assert.equal(round.state.head.seq > 0, true);
  });
});
