/** The round's mailbox: one answer per command, durable before it is given. Rules R4, R5, R9, E2. */
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { ed25519PublicKey, signEd25519, verifyEd25519 } from "@meme-rounds/shared-schema/crypto";
import { acceptedBytes, rejectedBytes } from "@meme-rounds/shared-schema/receipt";
import { replay } from "@meme-rounds/shared-schema/reducer";
import { type Actor, actor, STUB, TestRound } from "../../../shared-schema/test/support/round.ts";
import { RoundActor, type Sender } from "../../src/round/actor.ts";
import type { StoredEntry } from "../../src/round/journal-store.ts";
import { RefBook } from "../../src/round/refs.ts";

const ann = actor("ann");
const bob = actor("bob");
const SEED = new Uint8Array(32).fill(7);

interface Rig {
  round: TestRound;
  mailbox: RoundActor;
  journal: StoredEntry[];
  failures: unknown[];
  append: (items: readonly StoredEntry[]) => Promise<void>;
}

/** What a journal says was answered. */
function refsOf(journal: readonly StoredEntry[]): RefBook {
  const refs = new RefBook();
  for (const item of journal) refs.replay(item);
  return refs;
}

/** A mailbox over a round in which Ann and Bob have deposits and Bob has entered a meme. */
function rig(signer = STUB, append?: (rig: Rig, items: readonly StoredEntry[]) => Promise<void>): Rig {
  const round = new TestRound({ signer });
  for (const who of [ann, bob]) round.must(round.deposit(who, 20_000));
  round.must(round.enter(bob, "frog"));
  const made: Rig = {
    round,
    journal: round.entries.map((entry) => ({ entry })),
    failures: [],
    append: async (items) => void made.journal.push(...items),
    mailbox: undefined as unknown as RoundActor,
  };
  made.mailbox = new RoundActor(round.state, refsOf(made.journal), {
    append: (items) => (append ? append(made, items) : made.append(items)),
    verify: signer.verify,
    sign: (bytes) => signEd25519(bytes, SEED),
    now: () => round.now,
    onCommitted: () => undefined,
    onFailed: (error) => made.failures.push(error),
  });
  return made;
}

const sender = (who: Actor, payload: unknown, ref = randomUUID()): Sender => ({
  playKey: who.playKey,
  ref,
  payload,
});

describe("round actor", () => {
  it("R9: an accepted command carries seq, time, hash and a receipt that verifies", async () => {
    const { round, mailbox } = rig();
    const answer = await mailbox.submit(round.boost(ann, "frog", 100), sender(ann, 1));
    assert.ok(answer.ok);
    assert.deepEqual([answer.seq, answer.hash], [round.state.head.seq, round.state.head.hash]);
    const bytes = acceptedBytes(round.state.roundTag, answer.seq, answer.at, answer.hash);
    assert.ok(verifyEd25519(bytes, answer.sig, ed25519PublicKey(SEED)));
  });

  it("R9: a refusal is signed too, and changes nothing", async () => {
    const { round, mailbox, journal } = rig();
    const before = journal.length;
    const answer = await mailbox.submit(round.boost(bob, "frog", 100), sender(bob, 1));
    assert.ok(!answer.ok);
    assert.equal(answer.code, "MEME_OWN");
    assert.equal(journal.length, before);
    const bytes = rejectedBytes(round.state.roundTag, answer.ref, answer.code);
    assert.ok(verifyEd25519(bytes, answer.sig, ed25519PublicKey(SEED)));
  });

  it("R4: nothing is acknowledged before the append has returned", async () => {
    let release: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    const { round, mailbox } = rig(STUB, (self, items) => gate.then(() => self.append(items)));
    let answered = false;
    const answer = mailbox.submit(round.boost(ann, "frog", 100), sender(ann, 1)).then(() => {
      answered = true;
    });
    await new Promise(setImmediate);
    assert.equal(answered, false);
    release();
    await answer;
    assert.equal(answered, true);
  });

  it("R11: closed, it answers what is being written and refuses the rest, which the next process then takes", async () => {
    let release: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    const { round, mailbox, journal, failures } = rig(STUB, (self, items) =>
      gate.then(() => self.append(items)),
    );
    const running = mailbox.submit(round.boost(ann, "frog", 100), sender(ann, 1));
    await new Promise(setImmediate);
    const [late, from] = [round.boost(ann, "frog", 50), sender(ann, 2)];
    const waiting = mailbox.submit(late, from);
    let closed = false;
    const closing = mailbox.close().then(() => {
      closed = true;
    });
    const refused = await waiting;
    assert.equal(!refused.ok && refused.code, "UNAVAILABLE");
    assert.equal(closed, false, "something is still being written");
    release();
    assert.ok((await running).ok);
    await closing;
    const after = await mailbox.submit(late, sender(ann, 3));
    assert.equal(!after.ok && after.code, "UNAVAILABLE");
    assert.deepEqual([journal.length, failures], [round.entries.length + 1, []]);
    await mailbox.close();
  });

  it("protocol 6: the same ref with the same bytes gets the first answer; with other bytes REF_REUSED", async () => {
    const { round, mailbox, journal } = rig();
    const command = round.boost(ann, "frog", 100);
    const from = sender(ann, { amount: 100 });
    const [first, again] = await Promise.all([mailbox.submit(command, from), mailbox.submit(command, from)]);
    const length = journal.length;
    assert.deepEqual(again, first);
    assert.deepEqual(await mailbox.submit(command, from), first);
    const other = await mailbox.submit(command, { ...from, payload: { amount: 101 } });
    assert.equal(!other.ok && other.code, "REF_REUSED");
    assert.equal(journal.length, length);
  });

  it("R5: after a takeover the same ref still gets its first answer, and is not applied twice", async () => {
    const { round, mailbox, journal } = rig();
    const command = round.boost(ann, "frog", 100);
    const from = sender(ann, { amount: 100 });
    const first = await mailbox.submit(command, from);
    const state = replay(journal.map((item) => item.entry));
    const successor = new RoundActor(state, refsOf(journal), {
      append: async (items) => void journal.push(...items),
      verify: STUB.verify,
      sign: (bytes) => signEd25519(bytes, SEED),
      now: () => round.now,
      onCommitted: () => undefined,
      onFailed: () => assert.fail("the successor must not fail"),
    });
    const length = journal.length;
    assert.deepEqual(await successor.submit(command, from), first);
    assert.equal(journal.length, length);
  });

  it("protocol 6: a refusal is remembered as it was given, and only the last refs of a player are", async () => {
    const { round, mailbox } = rig();
    const own = round.boost(bob, "frog", 100);
    const from = sender(bob, { own: true });
    const refusal = await mailbox.submit(own, from);
    assert.deepEqual(await mailbox.submit(own, from), refusal);
    for (let n = 0; n < 40; n++) await mailbox.submit(own, sender(bob, n));
    const reused = await mailbox.submit(own, { ...from, payload: "something else" });
    assert.equal(!reused.ok && reused.code, "MEME_OWN", "forgotten: judged anew");
  });

  it("R5: a journal is taken over without signing anything", async () => {
    const { round, mailbox, journal } = rig();
    const command = round.boost(ann, "frog", 100);
    const from = sender(ann, 1);
    const first = await mailbox.submit(command, from);
    let signed = 0;
    const successor = new RoundActor(replay(journal.map((item) => item.entry)), refsOf(journal), {
      append: async () => assert.fail("nothing is written"),
      verify: STUB.verify,
      sign: (bytes) => {
        signed += 1;
        return signEd25519(bytes, SEED);
      },
      now: () => round.now,
      onCommitted: () => undefined,
      onFailed: () => assert.fail("nothing fails here"),
    });
    assert.equal(signed, 0);
    assert.deepEqual(await successor.submit(command, from), first);
    assert.equal(signed, 1);
  });

  it("R4: a failing append acknowledges nothing and ends the actor", async () => {
    const { round, mailbox, failures, journal } = rig(STUB, async () => {
      throw new Error("fenced");
    });
    const length = journal.length;
    const answer = await mailbox.submit(round.boost(ann, "frog", 100), sender(ann, 1));
    assert.equal(!answer.ok && answer.code, "UNAVAILABLE");
    assert.equal(failures.length, 1);
    const later = await mailbox.submit({ kind: "freeze", dropped: [] });
    assert.equal(!later.ok && later.code, "UNAVAILABLE");
    assert.equal(journal.length, length);
  });

  it("E2: of two commands that both fit alone, the second that overspends is refused, in the same batch", async () => {
    const { round, mailbox } = rig();
    const whole = 20_000 - round.state.open.rules.seatFeeSats;
    const first = round.boost(ann, "frog", whole);
    const second = round.boost(ann, "frog", 10);
    const answers = await Promise.all([
      mailbox.submit(first, sender(ann, 1)),
      mailbox.submit(second, sender(ann, 2)),
    ]);
    assert.equal(answers[0].ok, true);
    assert.equal(answers[1].ok, false);
    assert.equal(round.state.players.get(ann.playKey)?.spent, whole);
  });

  it("R6: what the scoreboard was when it went dark is asked for before the round is blind", async () => {
    const { round } = rig();
    const seen: string[] = [];
    const mailbox = new RoundActor(round.state, new RefBook(), {
      append: async () => undefined,
      verify: STUB.verify,
      sign: () => "",
      now: () => round.state.open.blindAt,
      beforeBlind: ({ phase, staked }) => seen.push(`${phase.kind} ${staked}`),
      onCommitted: () => undefined,
      onFailed: () => assert.fail("nothing fails here"),
    });
    const boosted = mailbox.submit(round.boost(ann, "frog", 100), sender(ann, 1));
    const dark = mailbox.submit({ kind: "phase", to: "blind" });
    assert.deepEqual([(await boosted).ok, (await dark).ok], [true, true]);
    assert.deepEqual(seen, ["open 1100"], "the boost of the same batch counts");
  });

  it("R4: state is always the replay of the journal", async () => {
    const { round, mailbox, journal } = rig();
    await mailbox.submit(round.boost(ann, "frog", 50), sender(ann, 1));
    await mailbox.submit(round.chat(ann, "to the moon"), sender(ann, 2));
    assert.deepEqual(replay(journal.map((item) => item.entry)), round.state);
  });
});
