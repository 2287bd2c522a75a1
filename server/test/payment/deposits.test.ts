/** M1, M2: what counts as a deposit, decided by script, amount and network. */
import { strict as assert } from "node:assert";
import { Transaction } from "@bsv/sdk";
import { toHex } from "@meme-rounds/shared-schema/bytes";
import { p2pkhScript } from "@meme-rounds/shared-schema/lock";
import { type PlainTx, rawTxBytes } from "@meme-rounds/shared-schema/sighash";
import { refundUnlock } from "@meme-rounds/shared-schema/unlock";
import { type Actor, actor } from "../../../shared-schema/test/support/round.ts";
import { readTransaction } from "../../src/payment/transaction.ts";
import { START_MS } from "../chain/support.ts";
import { depositTx, payTx } from "./pay.ts";
import { type MoneyRound, World } from "./world.ts";

describe("deposits", function () {
  this.timeout(30_000);
  let world: World;
  let round: MoneyRound;
  let count = 0;
  before(async () => {
    world = await World.start();
    round = world.round(1);
  });
  after(() => world.stop());

  const somebody = (): Actor => actor(`depositor ${++count}`);
  const accept = (who: Actor, tx: string, terms = round.terms) => world.payment.acceptDeposit(terms, who, tx);
  async function refusedWith(code: string, made: Promise<{ who: Actor; tx: string }>): Promise<void> {
    const { who, tx } = await made;
    const verdict = await accept(who, tx);
    assert.equal(verdict.ok, false);
    assert.equal(verdict.ok === false && verdict.code, code, JSON.stringify(verdict));
    const read = readTransaction(tx);
    if (read)
      assert.equal((await world.net.port.status(read.txid)).state, "unknown", "it was sent all the same");
  }
  const make = async (sats: number, patch: Parameters<typeof depositTx>[4] = {}, coinSats = sats + 2_000) => {
    const who = somebody();
    return { who, tx: depositTx(who, await world.coin(who, coinSats), sats, round.terms, patch).rawHex };
  };

  it("M1 accepts raw, EF, BEEF and Atomic BEEF of a good deposit", async () => {
    for (const form of ["raw", "ef", "beef", "atomic"] as const) {
      const who = somebody();
      const coin = await world.coin(who, 12_000);
      const { rawHex, efHex } = depositTx(who, coin, 10_000, round.terms);
      const tx = Transaction.fromHex(rawHex);
      const input = tx.inputs[0];
      assert.ok(input);
      input.sourceTransaction = Transaction.fromHex((await world.net.port.rawTx(coin.txid)) ?? "");
      input.sourceTransaction.inputs = [];
      const beef = () => toHex(Uint8Array.from(tx.toBEEF(true)));
      const atomic = () => toHex(Uint8Array.from(tx.toAtomicBEEF(true)));
      const sent = { raw: () => rawHex, ef: () => efHex, beef, atomic }[form]();
      const txid = tx.id("hex");
      assert.deepEqual(await accept(who, sent), { ok: true, txid, vout: 0, sats: 10_000 }, form);
      assert.equal((await world.net.port.status(txid)).state, "seen");
    }
  });
  it("M1 the same transaction of the same player gets the same answer, and nobody else's key does", async () => {
    const { who, tx } = await make(5_000);
    const first = await accept(who, tx);
    assert.equal(first.ok, true);
    assert.deepEqual(await accept(who, tx), first);
    const other = await accept(somebody(), tx);
    assert.equal(other.ok === false && other.code, "DEPOSIT_SCRIPT_WRONG");
  });
  it("M1 an outpoint that another round has claimed is not credited again", async () => {
    const { who, tx } = await make(5_000);
    const txid = readTransaction(tx)?.txid ?? "";
    await world.redis.set(`mr:payment:claim:${txid}:0`, `main-1|${who.playKey}`);
    const verdict = await accept(who, tx);
    assert.equal(verdict.ok === false && verdict.code, "DEPOSIT_CLAIMED");
  });
  it("M1 refuses the escrow of another key, another round, another operator, and no escrow", async () => {
    await refusedWith("DEPOSIT_SCRIPT_WRONG", make(5_000, { playKey: actor("else").playKey }));
    for (const terms of [
      world.round(2).terms,
      { ...round.terms, operatorKey: actor("thief").playKey },
      { ...round.terms, deadline: round.terms.deadline + 1 },
    ]) {
      const who = somebody();
      const tx = depositTx(who, await world.coin(who, 7_000), 5_000, terms).rawHex;
      await refusedWith("DEPOSIT_SCRIPT_WRONG", Promise.resolve({ who, tx }));
    }
    const who = somebody();
    const plain = payTx(who, await world.coin(who, 7_000), [
      { sats: 5_000, script: p2pkhScript(who.playKey) },
    ]);
    await refusedWith("DEPOSIT_SCRIPT_WRONG", Promise.resolve({ who, tx: plain.rawHex }));
  });
  it("M1 keeps to the amounts: 1,000 to 100,000 sat", async () => {
    await refusedWith("DEPOSIT_AMOUNT_LOW", make(999));
    await refusedWith("DEPOSIT_AMOUNT_HIGH", make(100_001));
    for (const sats of [1_000, 20_000]) {
      const { who, tx } = await make(sats);
      assert.equal((await accept(who, tx)).ok, true);
    }
  });
  it("M1 refuses version 2, a wrong signature, an overspend and a slip of a fee", async () => {
    await refusedWith("DEPOSIT_REJECTED", make(5_000, { version: 2 }));
    const { who, tx } = await make(5_000);
    const at = tx.indexOf("41".concat("21"));
    assert.ok(at > 0);
    const broken = `${tx.slice(0, at - 4)}${tx.slice(at - 4, at - 2) === "00" ? "01" : "00"}${tx.slice(at - 2)}`;
    await refusedWith("DEPOSIT_REJECTED", Promise.resolve({ who, tx: broken }));
    await refusedWith("DEPOSIT_REJECTED", make(5_000, { fee: -5_000 }, 2_000));
    await refusedWith("DEPOSIT_REJECTED", make(5_000, { fee: 20_000 }, 30_000));
  });
  it("M1 refuses a fee below the network's rate with the network's words", () =>
    refusedWith("DEPOSIT_REJECTED", make(5_000, { fee: 1 })));
  it("M1 refuses a transaction that is not final yet", async () => {
    const who = somebody();
    const coin = await world.coin(who, 7_000);
    const final = depositTx(who, coin, 5_000, round.terms, { locktime: START_MS / 1000 + 86_400 });
    assert.equal(
      (await accept(who, final.rawHex)).ok,
      true,
      "a lock time without a low sequence locks nothing",
    );
    const other = await world.coin(who, 7_000);
    const locked = payTx(
      who,
      other,
      [{ sats: 5_000, script: readTransaction(final.rawHex)?.outputs[0]?.script ?? "" }],
      {
        locktime: START_MS / 1000 + 86_400,
        inputs: [{ ...other, script: p2pkhScript(who.playKey), sequence: 0 }],
      },
    );
    await refusedWith("DEPOSIT_REJECTED", Promise.resolve({ who, tx: locked.rawHex }));
  });
  it("M1 refuses coins the network does not know, and says that sending it again may help", async () => {
    const who = somebody();
    const tx = depositTx(who, { txid: "ab".repeat(32), vout: 0, sats: 9_000 }, 5_000, round.terms).rawHex;
    await refusedWith("DEPOSIT_INPUTS_UNKNOWN", Promise.resolve({ who, tx }));
  });
  it("M1 refuses coins that were spent already", async () => {
    const who = somebody();
    const coin = await world.coin(who, 12_000);
    const first = payTx(who, coin, [{ sats: 9_000, script: p2pkhScript(who.playKey) }]);
    assert.equal((await world.net.port.broadcast(first)).outcome, "seen");
    const tx = depositTx(who, coin, 10_000, round.terms).rawHex;
    const verdict = await accept(who, tx);
    assert.equal(verdict.ok === false && verdict.code, "DEPOSIT_CONFLICT");
    // Once the other is mined, the node takes ours for an orphan instead.
    await world.net.call("/dev/mine", { method: "POST" });
    const later = await accept(who, tx);
    assert.equal(later.ok === false && later.code, "DEPOSIT_CONFLICT");
  });
  it("M1 refuses what is no transaction, and lengths beyond the bytes cost nothing", async () => {
    const { tx } = await make(5_000);
    const hostile = `01000000${"0000000000ef"}01${"00".repeat(32)}ffffffff00ffffffff${"00".repeat(8)}0000000000`;
    const forged = [
      "",
      "00",
      "zz",
      tx.slice(0, -2),
      `${tx}00`,
      `0100000001${"00".repeat(32)}00000000feffffff7f`,
      "01000000ffffffffffffffffff",
      "0100beef",
      `0100beef01fe00000000ff${"fdffff"}00`,
      `0200beefff${"ff".repeat(8)}`,
      `01010101${"00".repeat(32)}0100beef0000`,
      `01010101${"00".repeat(32)}${tx}`,
    ];
    const who = somebody();
    for (const hex of forged) {
      const verdict = await accept(who, hex);
      assert.equal(verdict.ok === false && verdict.code, "DEPOSIT_MALFORMED", hex.slice(0, 40));
    }
    const odd = await accept(who, hostile);
    assert.equal(odd.ok, false);
  });

  it("M2, M9 the devchain refuses a refund before its deadline and takes it after", async () => {
    const who = somebody();
    const { rawHex } = depositTx(who, await world.coin(who, 7_000), 5_000, round.terms);
    const verdict = await accept(who, rawHex);
    assert.ok(verdict.ok === true);
    const script = readTransaction(rawHex)?.outputs[0]?.script ?? "";
    const unsigned: PlainTx = {
      version: 1,
      inputs: [{ txid: verdict.txid, vout: 0, sats: 5_000, script, sequence: 0xfffffffe }],
      outputs: [{ sats: 4_900, script: p2pkhScript(who.playKey) }],
      locktime: round.terms.deadline,
    };
    const { tx, unlocking } = refundUnlock(unsigned, 0, { secret: who.secret, publicKey: who.playKey });
    const refund = { rawHex: toHex(rawTxBytes(tx, [unlocking])) };
    const early = await world.net.port.broadcast(refund);
    assert.equal(early.outcome === "rejected" && early.code, "NON_FINAL", JSON.stringify(early));
    const seconds = round.terms.deadline - START_MS / 1000 + 1;
    await world.net.call(`/dev/clock?seconds=${seconds}`, { method: "POST" });
    await world.net.call("/dev/mine?blocks=12", { method: "POST" });
    assert.equal((await world.net.port.broadcast(refund)).outcome, "seen");
  });
});
