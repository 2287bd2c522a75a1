/** Paying coins out of the play wallet: quotes, bytes, lost answers, refusals, two at once. */
import assert from "node:assert/strict";
import { Transaction } from "@bsv/sdk";
import { addressOf, publicKeyOf } from "@meme-rounds/shared-schema/crypto";
import { p2pkhScript } from "@meme-rounds/shared-schema/lock";
import fc from "fast-check";
import type { Failure } from "../src/app/model.ts";
import type { Answered } from "../src/net/http.ts";
import { createBook } from "../src/wallet/book.ts";
import { type Coin, outpointOf, selectSweep, spendable, sumOf } from "../src/wallet/coins.ts";
import { createWithdraw } from "../src/wallet/withdraw.ts";

const secret = new Uint8Array(32).fill(7);
const playKey = publicKeyOf(secret);
const other = publicKeyOf(new Uint8Array(32).fill(9));
const address = addressOf(other, "devchain");
const NOW = 1_800_000_000_000;
const coin = (n: number, sats: number): Coin => ({ txid: n.toString(16).padStart(64, "0"), vout: 0, sats });
type Sent = Answered<{ txid: string; status: "seen" | "pending" }>;
const lost: Failure = { ok: false, code: "OFFLINE", message: "" };
const refused: Failure = { ok: false, code: "NETWORK_REFUSED", message: "Another transaction spends it." };

function world(amounts: number[], answers: (Sent | "seen")[] = ["seen"]) {
  const stored = new Map<string, string>();
  const storage = {
    getItem: (key: string) => stored.get(key) ?? null,
    setItem: (key: string, value: string) => void stored.set(key, value),
  };
  const sent: string[] = [];
  /** How the book stood at each moment something was sent. */
  const storedAtSend: number[] = [];
  let listed = amounts.map((sats, n) => coin(n + 1, sats));
  let satPerKb = 100;
  let tail: Promise<unknown> = Promise.resolve();
  const book = () => createBook({ address: "mine" }, { storage, now: () => NOW });
  const make = () =>
    createWithdraw({
      key: () => ({ secret, playKey }),
      network: () => "devchain",
      coins: () => {
        const { notes, payments } = book().read();
        const promised = new Set(payments.flatMap((one) => (one.state === "pending" ? one.spends : [])));
        return spendable(listed, notes).filter((one) => !promised.has(outpointOf(one)));
      },
      book,
      api: {
        fee: async () => ({ ok: true, data: { satPerKb } }),
        async broadcast(tx) {
          sent.push(tx);
          storedAtSend.push(book().read().payments.length);
          const answer = answers.shift() ?? "seen";
          if (answer !== "seen") return answer;
          return { ok: true, data: { txid: Transaction.fromHex(tx).id("hex"), status: "seen" } };
        },
      },
      refresh: async () => undefined,
      lock: async (_name, work) => {
        const mine = tail.then(work, work);
        tail = mine.catch(() => undefined);
        return await mine;
      },
      now: () => NOW,
      changed: () => undefined,
    });
  return {
    withdraw: make(),
    /** As after a reload: nothing but what is stored. */
    reloaded: make,
    book,
    sent,
    storedAtSend,
    rate: (next: number) => {
      satPerKb = next;
    },
    list: (next: Coin[]) => {
      listed = next;
    },
  };
}

const quoteOf = async (one: ReturnType<typeof world>, sats: number | "max") => {
  const quote = await one.withdraw.quote({ address, sats });
  assert.ok(quote.ok);
  return quote.data;
};

describe("withdrawing", () => {
  it("I3: pays an amount to an address, change comes back, and the history says so", async () => {
    const one = world([5_000, 20_000]);
    const shown = await quoteOf(one, 8_000);
    assert.deepEqual(await one.withdraw.pay({ address, sats: 8_000 }, shown), { ok: true });
    const tx = Transaction.fromHex(one.sent[0] ?? "");
    assert.deepEqual(
      tx.outputs.map(({ satoshis, lockingScript }) => [satoshis, lockingScript.toHex()]),
      [
        [8_000, p2pkhScript(other)],
        [12_000 - shown.fee, p2pkhScript(playKey)],
      ],
    );
    const { payments, history, notes } = one.book().read();
    assert.equal(payments[0]?.state, "sent");
    assert.equal(notes.change[0]?.sats, 12_000 - shown.fee);
    assert.deepEqual(history[0], { kind: "withdrawal", sats: 8_000, at: NOW, txid: tx.id("hex") });
    assert.deepEqual(one.storedAtSend, [1], "it is stored before it is sent");
  });

  it("I3: max empties the wallet but for the fee", async () => {
    const one = world([5_000, 20_000, 3]);
    const shown = await quoteOf(one, "max");
    await one.withdraw.pay({ address, sats: "max" }, shown);
    const tx = Transaction.fromHex(one.sent[0] ?? "");
    assert.equal(tx.inputs.length, 2, "a coin that costs more than it holds stays");
    assert.equal(tx.outputs.length, 1);
    assert.equal(tx.outputs[0]?.satoshis, 25_000 - shown.fee);
    assert.equal(shown.sats, 25_000 - shown.fee);
  });

  it("I3: max never spends more than the coins hold, and pays what was asked per byte", () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 1_000_000 }), { maxLength: 30 }),
        fc.integer({ min: 1, max: 500 }),
        (amounts, satPerKb) => {
          const coins = amounts.map((sats, n) => coin(n + 1, sats));
          const found = selectSweep(coins, { scriptBytes: 25, satPerKb });
          if (found === undefined) return;
          const arriving = sumOf(found.coins) - found.fee;
          assert.ok(arriving > 0 && found.change === 0);
          assert.ok(found.fee >= ((found.coins.length * 148 + 44) * satPerKb) / 1000 - 1);
          assert.equal(new Set(found.coins.map(outpointOf)).size, found.coins.length);
        },
      ),
    );
  });

  for (const [what, typed, words] of [
    ["a wrong checksum", `${address.slice(0, -1)}${address.endsWith("x") ? "y" : "x"}`, /no address/],
    ["another network's", addressOf(other, "test"), /another network/],
    ["the wallet's own", addressOf(playKey, "devchain"), /this wallet itself/],
    ["a segwit address", "bc1q9vza2e8x573nczrlzms0wvx3gsqjx7vavgkx0l", /no address/],
    ["an empty one", " ", /no address/],
  ] as const)
    it(`I3: refuses ${what}`, async () => {
      const one = world([20_000]);
      const answer = await one.withdraw.quote({ address: typed, sats: 1_000 });
      assert.ok(!answer.ok && answer.code === "ADDRESS_WRONG");
      assert.match(answer.message, words);
      assert.equal(
        (await one.withdraw.pay({ address: typed, sats: 1_000 }, { sats: 1_000, fee: 99 })).ok,
        false,
      );
      assert.deepEqual(one.sent, []);
    });

  it("I3: refuses amounts that are none, and more than there is", async () => {
    const one = world([20_000]);
    for (const sats of [0, -5, 1.5, Number.NaN, 2 ** 60]) {
      const answer = await one.withdraw.quote({ address, sats });
      assert.ok(!answer.ok && answer.code === "BAD_REQUEST", String(sats));
    }
    const answer = await one.withdraw.quote({ address, sats: 20_000 });
    assert.ok(!answer.ok && answer.code === "BALANCE_LOW");
  });

  it("I3: never takes a higher fee than was shown", async () => {
    const one = world([20_000]);
    const shown = await quoteOf(one, 1_000);
    one.rate(400);
    const outcome = await one.withdraw.pay({ address, sats: 1_000 }, shown);
    assert.ok(!outcome.ok && outcome.code === "QUOTE_CHANGED");
    assert.deepEqual(one.sent, []);
  });

  it("M3: after a lost answer the same bytes go out again, also after a reload, and pay once", async () => {
    const one = world([20_000], [lost, lost, "seen"]);
    const outcome = await one.withdraw.pay({ address, sats: 1_000 }, await quoteOf(one, 1_000));
    assert.ok(!outcome.ok && outcome.code === "OFFLINE");
    await one.withdraw.resend();
    await one.reloaded().resend();
    assert.equal(one.sent.length, 3);
    assert.equal(new Set(one.sent).size, 1);
    assert.equal(one.book().read().payments[0]?.state, "sent");
    await one.withdraw.resend();
    assert.equal(one.sent.length, 3, "nothing more once it is answered");
    assert.equal(one.book().read().history.length, 1);
  });

  it("M3: while there is no answer its coins are not used for another payment", async () => {
    const one = world([20_000], [lost]);
    await one.withdraw.pay({ address, sats: 1_000 }, await quoteOf(one, 1_000));
    const book = one.book();
    // The network's listing still has the coin, and the notes have forgotten it.
    book.update((before) => ({ ...before, notes: { spent: {}, change: [] } }));
    const answer = await one.withdraw.quote({ address, sats: 1_000 });
    assert.ok(!answer.ok && answer.code === "BALANCE_LOW");
  });

  it("I3: a payment the network refuses gives its coins back", async () => {
    const one = world([20_000], [refused]);
    const shown = await quoteOf(one, 1_000);
    const outcome = await one.withdraw.pay({ address, sats: 1_000 }, shown);
    assert.ok(!outcome.ok && outcome.code === "NETWORK_REFUSED");
    assert.deepEqual(await quoteOf(one, 1_000), shown);
    assert.deepEqual(one.book().read().history, []);
  });

  it("I3: two presses at once spend two coins, never one twice", async () => {
    const one = world([20_000, 20_000]);
    const shown = await quoteOf(one, 15_000);
    const outcomes = await Promise.all([
      one.withdraw.pay({ address, sats: 15_000 }, shown),
      one.withdraw.pay({ address, sats: 15_000 }, shown),
    ]);
    assert.ok(outcomes.every(({ ok }) => ok));
    const spent = one.sent.flatMap((tx) => Transaction.fromHex(tx).inputs.map((input) => input.sourceTXID));
    assert.equal(new Set(spent).size, 2);
  });
});
