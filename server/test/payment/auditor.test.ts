/** M4: the auditor signs what the journal and the chain say, and nothing an operator makes of it. */
import { strict as assert } from "node:assert";
import { appendFile, readFile } from "node:fs/promises";
import { join } from "node:path";
import { p2pkhScript } from "@meme-rounds/shared-schema/lock";
import { EMPTY_HEAD, type Entry, seal } from "@meme-rounds/shared-schema/records";
import { type SettlementPlan, transactionOf } from "@meme-rounds/shared-schema/settlement";
import { preimages } from "@meme-rounds/shared-schema/sighash";
import { verifyPreimage } from "@meme-rounds/shared-schema/unlock";
import { actor } from "../../../shared-schema/test/support/round.ts";
import { createAuditorClient } from "../../src/payment/auditor-client.ts";
import { AuditorRefusal } from "../../src/payment/wire.ts";
import { cosign, planFor, refused } from "./auditor-kit.ts";
import { type MoneyRound, World } from "./world.ts";

const stranger = actor("stranger");

describe("auditor", function () {
  this.timeout(60_000);
  let world: World;
  let round: MoneyRound;
  let plan: SettlementPlan;
  before(async () => {
    world = await World.start();
    await world.fill();
    round = await world.play({ slot: 1, players: 4, memes: 3 });
    plan = await planFor(world, round);
  });
  after(() => world.stop());

  const lie = (change: (copy: SettlementPlan) => void): SettlementPlan => {
    const copy = structuredClone(plan);
    change(copy);
    return copy;
  };
  /** The plan's only transaction. */
  const txOf = (copy: SettlementPlan) => {
    const [tx] = copy.txs;
    assert.ok(tx && copy.txs.length === 1);
    return tx;
  };
  const out = (copy: SettlementPlan, at: number) => {
    const output = txOf(copy).outputs.at(at);
    assert.ok(output);
    return output;
  };
  /** The round's journal with one change made by whoever holds Redis, hashed through again. */
  async function withJournal(entries: readonly Entry[], work: () => Promise<void>): Promise<void> {
    await world.keep(round.open.roundId, entries);
    await work();
    await world.keep(round.open.roundId, round.entries);
  }
  function resealed(entries: readonly Entry[]): Entry[] {
    let head = EMPTY_HEAD;
    return entries.map((entry) => {
      const { kind, body, at } = entry.record;
      const { sig, private: text } = entry;
      const beside = { ...(sig ? { sig } : {}), ...(text ? { private: text } : {}) };
      const next = seal(head, at, { kind, body } as Parameters<typeof seal>[2], beside);
      head = { seq: next.record.seq, hash: next.hash, at };
      return next;
    });
  }

  it("M4 one satoshi moved from one player to another is refused", () =>
    refused(
      world,
      lie((copy) => {
        out(copy, 0).sats -= 1;
        out(copy, 1).sats += 1;
      }),
      "PLAN_WRONG",
      /is not due \d+ sat/,
    ));
  it("M4 one satoshi moved from a player to the operator is refused", () =>
    refused(
      world,
      lie((copy) => {
        out(copy, 2).sats -= 1;
        out(copy, -1).sats += 1;
      }),
      "PLAN_WRONG",
      /is not due \d+ sat/,
    ));
  it("M4 a payout to another key is refused", () =>
    refused(
      world,
      lie((copy) => {
        out(copy, 1).script = p2pkhScript(stranger.playKey);
      }),
      "PLAN_WRONG",
      /is paid to another key/,
    ));
  it("M4 a carry that goes to the operator is refused", () =>
    refused(
      world,
      lie((copy) => {
        const carry = txOf(copy).outputs.find(({ kind }) => kind === "carry");
        assert.ok(carry);
        carry.script = p2pkhScript(round.open.operatorKey);
      }),
      "PLAN_WRONG",
      /the carry is not what the journal gives/,
    ));
  it("M4 an extra input, a missing input and an extra output are refused", async () => {
    const deposit = txOf(plan).inputs[0];
    assert.ok(deposit);
    await refused(
      world,
      lie((copy) => {
        txOf(copy).inputs.push({ ...deposit, vout: 1 });
      }),
      "PLAN_WRONG",
      /is not of this round/,
    );
    await refused(
      world,
      lie((copy) => {
        txOf(copy).inputs.shift();
      }),
      "PLAN_WRONG",
      /is left out/,
    );
    await refused(
      world,
      lie((copy) => {
        const change = out(copy, -1);
        change.sats -= 10;
        txOf(copy).outputs.push({ ...change, sats: 10 });
      }),
      "PLAN_WRONG",
      /the outputs are not players, then the carry, then the change/,
    );
  });
  it("M4 a miner fee beyond the cap is refused", async () => {
    const [coin] = await world.wallet().free();
    assert.ok(coin);
    await refused(
      world,
      lie((copy) => {
        txOf(copy).inputs.push({ kind: "operator", ...coin, script: p2pkhScript(round.open.operatorKey) });
        txOf(copy).minerFee += coin.sats;
      }),
      "PLAN_WRONG",
      /miner fee/,
    );
  });

  it("M4 a voucher left out of the journal is refused", () =>
    withJournal(
      resealed(round.entries.filter(({ record }) => record.kind !== "boost" || record.seq % 2 === 0)),
      () => refused(world, plan, "JOURNAL_INVALID", /record \d+/),
    ));
  it("M4 a forged voucher is refused", () => {
    const forged = structuredClone(round.entries);
    const boost = forged.find(({ record }) => record.kind === "boost");
    assert.ok(boost?.sig);
    boost.sig = boost.sig.replace(/^../, (byte) => (byte === "00" ? "01" : "00"));
    return withJournal(forged, () => refused(world, plan, "JOURNAL_INVALID", /VOUCHER_SIGNATURE_INVALID/));
  });
  it("M4 a result that pays somebody else is refused", () => {
    const changed = structuredClone(round.entries);
    const last = changed.at(-1)?.record;
    assert.ok(last?.kind === "result" && last.body.payouts[0] && last.body.payouts[1]);
    last.body.payouts[0].returned += 1;
    last.body.payouts[1].returned -= 1;
    return withJournal(resealed(changed), () => refused(world, plan, "JOURNAL_INVALID", /differs|hash/));
  });
  it("M4 a record of another shape is refused", () => {
    const changed = structuredClone(round.entries);
    const last = changed.at(-1)?.record;
    assert.ok(last?.kind === "result");
    last.body.fee = -1;
    return withJournal(changed, () => refused(world, plan, "JOURNAL_INVALID", /shape/));
  });
  it("M4 an unfinished journal waits, a missing one is refused", async () => {
    await withJournal(round.entries.slice(0, -1), () =>
      refused(world, plan, "JOURNAL_UNFINISHED", /no result/),
    );
    await withJournal([], () => refused(world, plan, "JOURNAL_INVALID", /empty/));
  });
  it("M4 a deposit that is not on the chain is refused", async () => {
    const ghost = world.round(2);
    for (const name of ["a", "b"]) {
      const who = actor(name);
      ghost.must(ghost.deposit(who, 10_000));
      ghost.must(ghost.enter(who, `ghost ${name}`));
    }
    ghost.must(ghost.boost(actor("a"), "ghost b", 1_000));
    ghost.end();
    await world.keep(ghost.open.roundId, ghost.entries);
    await refused(world, await planFor(world, ghost), "DEPOSIT_NOT_ON_CHAIN", /not on the chain/);
  });
  it("M4 a body that is no plan is refused", async () => {
    const post = (body: string) => fetch(`${world.auditor.url}/cosign`, { method: "POST", body });
    for (const body of ["{", "{}", JSON.stringify({ roundId: "other", plan })]) {
      const answer = await post(body);
      assert.equal(answer.status, 422);
      assert.equal(((await answer.json()) as { code: string }).code, "BAD_REQUEST");
    }
  });
  it("M4 within 2 h of the refund deadline nothing is signed", async () => {
    const was = world.now;
    world.now = (round.terms.deadline - 7_199) * 1_000;
    await refused(world, plan, "TOO_LATE", /take their deposits back/);
    world.now = was;
  });

  it("M4 the true plan is signed, every deposit, and again the same after a restart", async () => {
    const signatures = await cosign(world, plan);
    const preimageOf = preimages(transactionOf(txOf(plan)));
    const publicKey = world.auditor.auditorKey;
    for (const [at, input] of txOf(plan).inputs.entries()) {
      const signature = signatures[0]?.[at];
      if (input.kind === "operator") assert.equal(signature, null);
      else assert.ok(signature && verifyPreimage(preimageOf(at), { signature, publicKey }));
    }
    assert.deepEqual(await cosign(world, plan), signatures);
    await world.restartAuditor();
    assert.equal(world.auditor.auditorKey, publicKey);
    assert.deepEqual(await cosign(world, plan), signatures);
  });
  it("M4 a second plan for the round is refused, also after a restart and a torn last line", async () => {
    const second = lie((copy) => {
      out(copy, -1).sats -= 1;
      txOf(copy).minerFee += 1;
    });
    await refused(world, second, "PLAN_DIFFERENT", /another plan/);
    const file = join(world.folder, "auditor", "signed.jsonl");
    const before = await readFile(file, "utf8");
    await appendFile(file, '{"v":1,"roundId":"mai');
    await world.restartAuditor();
    assert.equal(await readFile(file, "utf8"), before);
    await refused(world, second, "PLAN_DIFFERENT", /another plan/);
  });

  it("M4 while the chain cannot be read nothing is signed, and the answer says so", async () => {
    const later = await world.play({ slot: 21, players: 3, memes: 2 });
    const honestPlan = await planFor(world, later);
    await world.keep(later.open.roundId, later.entries);
    const url = world.auditor.url;
    await world.auditor.stop();
    await assert.rejects(
      createAuditorClient({ url, timeoutMs: 1_000 }).cosign({
        plan: honestPlan,
        collectSignatures: [[]],
        lostTxs: [],
        twins: [],
      }),
      (error: unknown) => error instanceof AuditorRefusal && error.code === "UNAVAILABLE",
    );
    await world.restartAuditor();
    assert.equal((await cosign(world, honestPlan))[0]?.length, txOf(honestPlan).inputs.length);
  });
});
