/** M4: lying settlements of a round that the auditor watched, each refused with the reason; and the honest one signed. */
import { strict as assert } from "node:assert";
import { p2pkhScript } from "@meme-rounds/shared-schema/lock";
import type { Entry, JournalRecord } from "@meme-rounds/shared-schema/records";
import type { PlannedTx } from "@meme-rounds/shared-schema/settlement";
import { actor } from "../../../shared-schema/test/support/round.ts";
import type { RefusalCode } from "../../src/payment/wire.ts";
import { cosign, planFor, refused } from "./auditor-kit.ts";
import { boosts, type Forgery, forge, Watching, withRules } from "./watched.ts";
import { type MoneyRound, World } from "./world.ts";

const MEMES = 3;
const keep = (): Partial<JournalRecord> => ({});

describe("lying settlements", function () {
  this.timeout(60_000);
  let world: World;
  let watching: Watching;
  before(async () => {
    world = await World.start();
    watching = new Watching(world);
    await world.fill(40);
  });
  after(() => world.stop());

  it("the honest one is signed, whatever was refused before", async () => {
    const round = await watching.round();
    const plan = await planFor(world, round);
    const forgery = structuredClone(plan);
    const payout = forgery.txs[0]?.outputs[0];
    assert.ok(payout);
    payout.sats -= 1;
    await refused(world, forgery, "PLAN_WRONG", /is not due/);
    assert.equal((await cosign(world, plan)).length, plan.txs.length);
  });

  const onPlan: [name: string, lie: (tx: PlannedTx) => void, reason: RegExp][] = [
    [
      "one satoshi goes from one player to another",
      ({ outputs: [one, two] }) => {
        assert.ok(one && two);
        one.sats += 1;
        two.sats -= 1;
      },
      /is not due/,
    ],
    [
      "a payout goes to another key",
      ({ outputs: [one] }) => {
        assert.ok(one);
        one.script = p2pkhScript(actor("stranger").playKey);
      },
      /is paid to another key/,
    ],
    [
      "a player is left out",
      (tx) => {
        const [gone] = tx.outputs.splice(0, 1);
        assert.ok(gone);
        const change = tx.outputs.at(-1);
        if (change?.kind === "change") change.sats += gone.sats;
      },
      /is not paid/,
    ],
    [
      "the carry is one satoshi less, the change one more",
      ({ outputs }) => {
        const [carry, change] = [outputs.find(({ kind }) => kind === "carry"), outputs.at(-1)];
        assert.ok(carry && change?.kind === "change");
        carry.sats -= 1;
        change.sats += 1;
      },
      /the carry is not what the journal gives/,
    ],
  ];
  for (const [name, lie, reason] of onPlan)
    it(`M4: ${name}`, async () => {
      const plan = await planFor(world, await watching.round());
      const [tx] = plan.txs;
      assert.ok(tx);
      lie(tx);
      await watching.deny(plan, "PLAN_WRONG", reason);
    });

  const onJournal: [
    name: string,
    forgery: (round: MoneyRound) => Forgery,
    code: RefusalCode,
    reason: RegExp,
  ][] = [
    [
      "a player's last voucher is left out",
      (round) => {
        const last = boosts(round).at(-1)?.record.seq;
        return forge(round.entries, (record) => (record.seq === last ? undefined : {}));
      },
      "JOURNAL_CONTRADICTS_HEAD",
      /was signed and is gone|is not the one that was signed/,
    ],
    [
      "a voucher that others follow is left out",
      (round) => {
        const entered = round.entries.find(({ record }) => record.kind === "enter")?.record.seq;
        const { entries } = forge(round.entries.slice(0, entered), keep);
        const cut = round.entries.filter(({ record }) => record.seq !== entered);
        return { entries: [...entries.slice(0, -1), ...cut.slice(entries.length - 1)], state: round.state };
      },
      "JOURNAL_INVALID",
      /record \d+: /,
    ],
    [
      "two players' vouchers change places, and the times stay",
      (round) => {
        const [one, two] = boosts(round);
        assert.ok(one && two);
        const entries = round.entries.map((entry) => {
          const other = entry === one ? two : entry === two ? one : entry;
          return { ...other, record: { ...other.record, at: entry.record.at } } as Entry;
        });
        return forge(entries, keep);
      },
      "JOURNAL_CONTRADICTS_HEAD",
      /is not the one that was signed/,
    ],
    [
      "a voucher counts as earlier than it came",
      (round) => {
        const last = boosts(round).at(-1)?.record;
        assert.ok(last);
        return forge(round.entries, (record) => (record.seq === last.seq ? { at: last.at - 900 } : {}));
      },
      "JOURNAL_CONTRADICTS_HEAD",
      /is not the one that was signed/,
    ],
    [
      "another first record: a second journal of the same round",
      (round) => ({
        ...forge(round.entries.slice(0, 1), (record) => ({ at: record.at + 1 })),
        state: round.state,
      }),
      "JOURNAL_UNFINISHED",
      /no result/,
    ],
    [
      "a cancellation where there was a result",
      (round) =>
        forge(round.entries, (record) =>
          record.kind === "result"
            ? ({ kind: "void", body: { reason: "I lost", by: "operator" } } as Partial<JournalRecord>)
            : {},
        ),
      "JOURNAL_CONTRADICTS_HEAD",
      /is not the one that was signed/,
    ],
  ];
  for (const [name, forgery, code, reason] of onJournal)
    it(`M4: ${name}`, async () => {
      const round = await watching.round();
      await watching.deny(await watching.planOf(round, forgery(round)), code, reason);
    });

  it("M4: a forged voucher, with or without a signature of somebody's", async () => {
    const round = await watching.round();
    const boost = boosts(round)[0];
    assert.ok(boost?.sig);
    for (const sig of [boosts(round)[1]?.sig, "00".repeat(64)]) {
      const entries = round.entries.map((entry) =>
        entry === boost ? { ...entry, ...(sig && { sig }) } : entry,
      );
      await watching.deny(
        await watching.planOf(round, { entries, state: round.state }),
        "JOURNAL_INVALID",
        /VOUCHER_SIGNATURE_INVALID/,
      );
    }
  });
  it("M4: a second journal of a round, played to its end by other rules of the fee's", async () => {
    const round = await watching.round();
    const other = world.round(watching.slot);
    const second = forge(other.entries, withRules({ seatFeeSats: 60 }));
    Object.assign(other, { entries: second.entries, state: second.state, open: second.state.open });
    for (const [at, { record }] of round.entries
      .filter(({ record: { kind } }) => kind === "deposit")
      .entries()) {
      if (record.kind !== "deposit") continue;
      other.must({ kind: "deposit", ...record.body });
      if (at < MEMES) other.must(other.enter(actor(`s${watching.slot}p${at}`), `n${at}`));
    }
    other.at(2_000).must(other.boost(actor(`s${watching.slot}p3`), "n0", 500));
    other.end();
    await watching.deny(await watching.planOf(other, other), "JOURNAL_CONTRADICTS_HEAD", /was signed/);
  });
  it("E11: a round by other rules than this network's, seen live or only at its end", async () => {
    const live = await watching.round({ rules: { feeBps: 9_000 }, end: false });
    for (const isLive of [true, false]) {
      const round = isLive ? live : world.round(++watching.slot);
      if (!isLive) {
        const { entries, state } = forge(round.entries, withRules({ creatorBps: 9_000 }));
        Object.assign(round, { entries, state, open: state.open });
      }
      round.now = round.open.opensAt;
      for (const name of ["a", "b"]) {
        const who = actor(name);
        round.must(round.deposit(who, 10_000));
        round.must(round.enter(who, name));
      }
      round.must(round.boost(actor("a"), "b", 100));
      round.end();
      world.now = round.now;
      await watching.deny(
        await watching.planOf(round, round),
        "RULES_FOREIGN",
        isLive ? /feeBps is 9000/ : /creatorBps is 9000/,
      );
    }
  });
  it("M4: a record put in later than it says, while the round was live", async () => {
    watching.slot += 1;
    const round = await world.play({ slot: watching.slot, players: 4, memes: MEMES });
    const { roundId, rules } = round.open;
    await world.redis.sadd("mr:unfinished:main", roundId);
    const last = boosts(round).at(-1)?.record;
    assert.ok(last && last.at < round.open.opensAt + 10_000);
    // For a minute the journal stands without the boost; then it is there, dated as if it always had been.
    await watching.look(
      round,
      60_000,
      round.entries.filter(({ record }) => record.seq < last.seq),
    );
    await watching.look(round, rules.roundMs);
    const plan = await planFor(world, round);
    await watching.deny(plan, "JOURNAL_BACKDATED", /is dated 5\d\.\d s before the auditor saw/);
  });
  it("M1: a good deposit that is dropped, though not mined yet; what the auditor saw then counts for good", async () => {
    const round = await watching.round({ drop: 1 });
    const plan = await planFor(world, round);
    await watching.deny(plan, "DEPOSIT_DROPPED_WRONGLY", /stood on the chain unharmed/);
  });
});
