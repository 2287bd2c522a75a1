/** Playing every round by itself: once a round, within the limits, and never behind the person's back. */
import assert from "node:assert/strict";
import type { Snapshot } from "@meme-rounds/shared-schema/rest";
import fc from "fast-check";
import { createAutoJoin } from "../src/app/auto-join.ts";
import type { AutoJoinVm, Outcome } from "../src/app/model.ts";
import { createBook, type KeptDeposit } from "../src/wallet/book.ts";
import {
  beyondLimits,
  createAutoJoinSettings,
  inRound,
  isAutoJoin,
  spentOfDay,
} from "../src/wallet/spending.ts";

const NOW = 1_800_000_000_000;
const DAY_MS = 86_400_000;
const ON: AutoJoinVm = { on: true, depositSats: 10_000, perRoundSats: 20_000, perDaySats: 30_000 };
const deposit = (
  roundId: string,
  sats: number,
  at = NOW,
  state: KeptDeposit["state"] = "accepted",
): KeptDeposit => ({
  roundId,
  sats,
  at,
  state,
  txid: `${roundId}-${sats}-${at}`,
  tx: "",
  fee: 1,
  spends: [],
  escrow: { entryId: "", operatorKey: "", auditorKey: "", playKey: "", deadline: NOW / 1000 + 86_400 },
});
const payout = (roundId: string, sats: number) =>
  ({ kind: "payout", sats, at: NOW, roundId, txid: `p-${roundId}` }) as const;

function world(answers: Outcome[] = []) {
  const stored = new Map<string, string>();
  const storage = {
    getItem: (key: string) => stored.get(key) ?? null,
    setItem: (key: string, value: string) => void stored.set(key, value),
  };
  const book = createBook({ address: "mine" }, { storage, now: () => NOW });
  const state = { roundId: "main-1", now: NOW, balance: 50_000, canSign: true };
  const deposits: number[] = [];
  const notices: string[] = [];
  const timers: (() => void)[] = [];
  let tail: Promise<unknown> = Promise.resolve();
  const kept = createAutoJoinSettings({ address: () => "mine" }, { storage });
  const make = () =>
    createAutoJoin({
      kept,
      book: () => book,
      snapshot: () =>
        ({
          roundId: state.roundId,
          depositsCloseAt: NOW + 60_000,
          minDeposit: 1_000,
          maxDeposit: 100_000,
        }) as Snapshot,
      serverNow: () => state.now,
      balanceSats: () => state.balance,
      canSign: () => state.canSign,
      async deposit(sats) {
        deposits.push(sats);
        const answer = answers.shift() ?? { ok: true };
        if (answer.ok)
          book.update((before) => ({
            ...before,
            deposits: [...before.deposits, deposit(state.roundId, sats)],
          }));
        return answer;
      },
      lock: async (_name, work) => {
        const mine = tail.then(work, work);
        tail = mine.catch(() => undefined);
        return await mine;
      },
      after: (_ms, work) => {
        timers.push(work);
        return () => undefined;
      },
      random: () => 0,
      notice: (_kind, text) => void notices.push(text),
      changed: () => undefined,
    });
  /** Lets everything that waits happen. */
  const settle = async () => {
    for (const work of timers.splice(0)) work();
    for (let n = 0; n < 20; n++) await Promise.resolve();
  };
  return { one: make(), another: make, state, deposits, notices, settle, book, kept };
}

describe("auto-join", () => {
  it("I3: joins every round once, from the moment it is switched on", async () => {
    const { one, state, deposits, settle } = world();
    assert.deepEqual(await one.set(ON), { ok: true });
    await settle();
    one.look();
    await settle();
    assert.deepEqual(deposits, [10_000], "once, however often it looks");
    state.roundId = "main-2";
    one.look();
    await settle();
    assert.deepEqual(deposits, [10_000, 10_000]);
  });

  it("I3: does nothing while it is off, locked, too late, or already in by hand", async () => {
    const { one, state, deposits, settle, book, kept } = world();
    one.look();
    await settle();
    kept.write(ON);
    state.canSign = false;
    one.look();
    await settle();
    state.canSign = true;
    state.now = NOW + 60_000;
    one.look();
    await settle();
    state.now = NOW;
    book.update((before) => ({ ...before, deposits: [deposit("main-1", 5_000, NOW, "pending")] }));
    one.look();
    await settle();
    assert.deepEqual(deposits, []);
  });

  it("I3: waits for coins that come home from the round before", async () => {
    const { one, state, deposits, settle } = world();
    state.balance = 9_999;
    await one.set(ON);
    await settle();
    assert.deepEqual(deposits, []);
    state.balance = 50_000;
    one.look();
    await settle();
    assert.deepEqual(deposits, [10_000]);
  });

  it("I3: two tabs join once", async () => {
    const { one, another, deposits, settle, kept } = world();
    kept.write(ON);
    one.look();
    another().look();
    await settle();
    assert.deepEqual(deposits, [10_000]);
  });

  it("I3: a refusal that stays switches it off and says so; another one costs the round only", async () => {
    const beyond: Outcome = { ok: false, code: "SPENDING_LIMIT", message: "too much" };
    const first = world([beyond]);
    await first.one.set(ON);
    await first.settle();
    assert.equal(first.one.settings().on, false);
    assert.match(first.notices[0] ?? "", /switched off: too much/);

    const second = world([{ ok: false, code: "NETWORK_REFUSED", message: "no" }]);
    await second.one.set(ON);
    await second.settle();
    second.one.look();
    await second.settle();
    assert.equal(second.deposits.length, 1, "not again in this round");
    second.state.roundId = "main-2";
    second.one.look();
    await second.settle();
    assert.equal(second.deposits.length, 2);
  });

  it("I3: refuses settings that do not fit each other or the round", async () => {
    const { one } = world();
    for (const wrong of [
      { ...ON, depositSats: 20_001 },
      { ...ON, perRoundSats: 30_001 },
      { ...ON, depositSats: 1.5 },
      { ...ON, depositSats: -1 },
      { ...ON, depositSats: 999 },
      { ...ON, depositSats: 100_001, perRoundSats: 200_000, perDaySats: 200_000 },
    ]) {
      const outcome = await one.set(wrong);
      assert.ok(!outcome.ok && outcome.code === "BAD_REQUEST", JSON.stringify(wrong));
    }
    assert.equal(one.settings().on, false);
  });

  it("damaged settings are none", () => {
    for (const text of [
      "",
      "{",
      "null",
      '{"on":true}',
      '{"on":"yes","depositSats":1,"perRoundSats":1,"perDaySats":1}',
    ]) {
      const kept = createAutoJoinSettings(
        { address: () => "a" },
        { storage: { getItem: () => text, setItem: () => undefined } },
      );
      assert.equal(kept.read().on, false, text);
    }
  });
});

describe("spending limits", () => {
  it("I3: counts what is in the round, without what was refused", () => {
    const book = {
      deposits: [
        deposit("a", 5),
        deposit("a", 7, NOW, "pending"),
        deposit("a", 9, NOW, "refused"),
        deposit("b", 1),
      ],
    };
    assert.equal(inRound(book, "a"), 12);
  });

  it("I3: a day costs what went in less what came back, and a win buys nothing", () => {
    const deposits = [deposit("a", 100), deposit("b", 100), deposit("old", 900, NOW - DAY_MS)];
    assert.equal(spentOfDay({ deposits, history: [payout("a", 60)] }, NOW), 140);
    assert.equal(spentOfDay({ deposits, history: [payout("a", 5_000)] }, NOW), 100);
  });

  it("I3: refuses the satoshi beyond either limit, and none before", () => {
    const book = { deposits: [deposit("a", 15_000)], history: [] };
    const at = (roundId: string, sats: number) => beyondLimits(ON, book, { roundId, sats }, NOW)?.code;
    assert.equal(at("a", 5_000), undefined);
    assert.equal(at("a", 5_001), "SPENDING_LIMIT");
    assert.equal(at("b", 15_000), undefined);
    assert.equal(at("b", 15_001), "SPENDING_LIMIT");
    assert.equal(beyondLimits({ ...ON, on: false }, book, { roundId: "a", sats: 90_000 }, NOW), undefined);
  });

  it("I3: whatever is played, no deposit that passes takes the day beyond the limit", () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.record({ round: fc.nat(5), sats: fc.integer({ min: 1, max: 20_000 }), back: fc.nat(20_000) }),
          { maxLength: 30 },
        ),
        (moves) => {
          const book = { deposits: [] as KeptDeposit[], history: [] as ReturnType<typeof payout>[] };
          for (const { round, sats, back } of moves) {
            const roundId = `r${round}`;
            if (beyondLimits(ON, book, { roundId, sats }, NOW) === undefined)
              book.deposits.push({ ...deposit(roundId, sats), txid: String(book.deposits.length) });
            else if (!book.history.some((event) => event.roundId === roundId))
              book.history.push(payout(roundId, back));
            assert.ok(spentOfDay(book, NOW) <= ON.perDaySats);
            assert.ok(inRound(book, roundId) <= ON.perRoundSats);
          }
        },
      ),
    );
  });

  it("knows settings from anything else", () => {
    assert.ok(isAutoJoin(ON));
    for (const wrong of [undefined, null, 5, "on", [], {}, { ...ON, perDaySats: "30000" }])
      assert.ok(!isAutoJoin(wrong));
  });
});
