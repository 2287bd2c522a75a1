/** The play wallet's coins and deposits: selection, fees, and bytes that the network's own script engine accepts. */
import assert from "node:assert/strict";
import { LockingScript, Spend, Transaction } from "@bsv/sdk";
import { publicKeyOf } from "@meme-rounds/shared-schema/crypto";
import { parseEscrow } from "@meme-rounds/shared-schema/escrow";
import { p2pkhScript } from "@meme-rounds/shared-schema/lock";
import { fromWif, toWif } from "@meme-rounds/shared-schema/wif";
import fc from "fast-check";
import {
  type Coin,
  feeOf,
  noteRefused,
  noteSpent,
  outpointOf,
  prune,
  selectCoins,
  spendable,
  sumOf,
} from "../src/wallet/coins.ts";
import { buildDeposit, type EscrowRound } from "../src/wallet/deposit.ts";

const secret = new Uint8Array(32).fill(7);
const operatorKey = publicKeyOf(new Uint8Array(32).fill(1));
const auditorKey = publicKeyOf(new Uint8Array(32).fill(2));
const closesAt = 1_800_000_000_000;
const round: EscrowRound = {
  roundId: "main-1799999400",
  network: "devchain",
  operatorKey,
  auditorKey,
  closesAt,
  deadline: closesAt / 1000 + 86_400,
};
const coin = (n: number, sats: number): Coin => ({
  txid: n.toString(16).padStart(64, "0"),
  vout: n % 3,
  sats,
});
const coinsOf = (amounts: number[]): Coin[] => amounts.map((sats, n) => coin(n + 1, sats));

describe("coins", () => {
  it("takes the smallest coin that suffices alone", () => {
    const chosen = selectCoins(coinsOf([90_000, 6_000, 20_000]), {
      sats: 5_000,
      scriptBytes: 217,
      satPerKb: 100,
    });
    assert.deepEqual(
      chosen?.coins.map(({ sats }) => sats),
      [6_000],
    );
  });

  it("M8: a fee rate above 500 sat/KB is not believed, whoever names it", () => {
    assert.equal(feeOf(1_000, 500), 500);
    assert.equal(feeOf(1_000, 200_000), 500);
    const chosen = selectCoins(coinsOf([100_000]), { sats: 5_000, scriptBytes: 217, satPerKb: 200_000 });
    assert.ok(chosen && chosen.change > 94_000, "the coins go back to the player, not to miners");
  });

  it("E10 pays amount, fee and change to the satoshi, and never less than the rate", () => {
    const wanted = fc.record({
      sats: fc.integer({ min: 1, max: 100_000 }),
      satPerKb: fc.integer({ min: 1, max: 500 }),
    });
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 60_000 }), { maxLength: 30 }),
        wanted,
        (amounts, want) => {
          const coins = coinsOf(amounts);
          const found = selectCoins(coins, { ...want, scriptBytes: 217 });
          if (found === undefined) {
            const most = 226 + amounts.length * 148 + 60;
            return sumOf(coins) < want.sats + feeOf(most, want.satPerKb);
          }
          const bytes = 8 + 2 + found.coins.length * 148 + 226 + (found.change > 0 ? 34 : 0);
          return (
            sumOf(found.coins) === want.sats + found.fee + found.change &&
            found.fee >= feeOf(bytes, want.satPerKb) &&
            new Set(found.coins.map(outpointOf)).size === found.coins.length
          );
        },
      ),
    );
  });

  it("M1 takes at most 100 coins", () => {
    const many = coinsOf(new Array<number>(150).fill(100));
    assert.equal(selectCoins(many, { sats: 12_000, scriptBytes: 217, satPerKb: 1 }), undefined);
  });

  it("does not offer what it spent, offers its change, and takes both back when refused", () => {
    const [a, b] = [coin(1, 5_000), coin(2, 700)];
    const change = { ...coin(9, 300), vout: 1 };
    const notes = noteSpent({ spent: {}, change: [] }, [a], change, 1_000);
    assert.deepEqual(
      spendable([a, b], notes)
        .map(({ sats }) => sats)
        .sort(),
      [300, 700],
    );
    const back = noteRefused(notes, [outpointOf(a)], change.txid);
    assert.deepEqual(
      spendable([a, b], back).map(({ sats }) => sats),
      [5_000, 700],
    );
  });

  it("believes the network's listing again after ten minutes", () => {
    const a = coin(1, 5_000);
    const notes = noteSpent({ spent: {}, change: [] }, [a], undefined, 0);
    assert.deepEqual(spendable([a], prune([a], notes, 599_999)), []);
    assert.deepEqual(spendable([a], prune([a], notes, 600_000)), [a]);
  });
});

describe("deposit", () => {
  it("M1 M2 has the round's escrow first, change last, and unlocks every coin", () => {
    const coins = coinsOf([3_000, 4_000, 5_000]);
    const built = buildDeposit(round, coins, { sats: 10_000, satPerKb: 100 }, secret);
    assert.ok(built);
    const tx = Transaction.fromHex(built.tx);
    assert.equal(tx.version, 1);
    assert.equal(tx.id("hex"), built.txid);
    assert.equal(tx.outputs[0]?.satoshis, 10_000);
    const escrow = parseEscrow(tx.outputs[0]?.lockingScript.toHex() ?? "");
    assert.equal(escrow?.deadline, round.deadline);
    assert.equal(tx.outputs[1]?.lockingScript.toHex(), p2pkhScript(publicKeyOf(secret)));
    assert.equal(tx.outputs[1]?.satoshis, built.change?.sats);
    assert.ok(
      built.fee >= feeOf(built.tx.length / 2, 100),
      `fee ${built.fee} of ${built.tx.length / 2} bytes`,
    );
    for (const [index, input] of tx.inputs.entries()) {
      const source = coins.find((one) => one.txid === input.sourceTXID);
      assert.ok(source && input.unlockingScript);
      const spend: Spend = new Spend({
        sourceTXID: source.txid,
        sourceOutputIndex: source.vout,
        sourceSatoshis: source.sats,
        lockingScript: LockingScript.fromHex(p2pkhScript(publicKeyOf(secret))),
        transactionVersion: tx.version,
        otherInputs: tx.inputs.filter((_, other) => other !== index),
        outputs: tx.outputs,
        inputIndex: index,
        unlockingScript: input.unlockingScript,
        inputSequence: input.sequence ?? 0xffffffff,
        lockTime: tx.lockTime,
      });
      assert.equal(spend.validate(), true);
    }
  });

  it("says when the coins do not suffice", () => {
    assert.equal(buildDeposit(round, coinsOf([10_000]), { sats: 10_000, satPerKb: 100 }, secret), undefined);
  });

  it("M2 refuses terms that would lock the coins for longer than the rules say", () => {
    const far = { ...round, deadline: round.deadline + 30 * 86_400 };
    assert.throws(
      () => buildDeposit(far, coinsOf([50_000]), { sats: 10_000, satPerKb: 100 }, secret),
      RangeError,
    );
  });
});

describe("WIF", () => {
  it("reads what it writes, and the known example", () => {
    const known = "KwDiBf89QgGbjEhKnhXJuH7LrciVrZi3qYjgd9M7rFU73sVHnoWn";
    const one = new Uint8Array(32);
    one[31] = 1;
    assert.equal(toWif(one, "main"), known);
    assert.deepEqual(fromWif(` ${known}\n`), one);
    assert.deepEqual(fromWif(toWif(secret, "test")), secret);
  });

  it("refuses a slip of the pen", () => {
    const wif = toWif(secret, "main");
    for (let at = 0; at < wif.length; at++) {
      const wrong = wif.slice(0, at) + (wif[at] === "a" ? "b" : "a") + wif.slice(at + 1);
      assert.equal(fromWif(wrong), undefined, wrong);
    }
  });
});
