/** The contract of ChainPort over HTTP against the devchain in each dialect: what is sent, and where it stands. */
import assert from "node:assert/strict";
import { P2PKH, Transaction } from "@bsv/sdk";
import { createDevFaucet, verifyInputScripts } from "../../src/chain/index.ts";
import { DIALECTS, type DialectNet, startDialect } from "./dialects.ts";
import { keyOf, START_MS, spend } from "./support.ts";

for (const dialect of DIALECTS) contract(dialect);

function contract(dialect: string): void {
  describe(`ChainPort: ${dialect}`, () => {
    const alice = keyOf(11);
    const bob = keyOf(12);
    let net: DialectNet;
    before(async () => {
      net = await startDialect(dialect);
    });
    after(() => net.close());

    it("M1: a valid payment is seen, mined on the next block, and found by its script", async () => {
      const coin = await net.fund(alice, 50_000);
      const tx = await spend(coin, alice, { sats: 20_000 });
      const txid = tx.id("hex");
      assert.deepEqual(await net.port.broadcast(tx), { outcome: "seen", txid, witnesses: 2 });
      assert.deepEqual(await net.port.status(txid), { state: "seen" });
      net.chain.mine();
      const tip = await net.port.tip();
      const status = await net.port.status(txid);
      const blockHash = net.chain.state.blocks.at(-1)?.hash ?? "";
      assert.deepEqual(status, { state: "mined", height: tip.height, blockHash });
      assert.equal(await net.port.rawTx(txid), tx.toHex());
      const scriptHex = tx.outputs[0]?.lockingScript.toHex() ?? "";
      const coins = await net.port.utxosOfScript(scriptHex);
      assert.ok(
        coins.some((utxo) => utxo.txid === txid && utxo.sats === 20_000 && utxo.height === tip.height),
      );
    });

    it("M3: the same bytes again, raw or EF, are seen", async () => {
      const tx = await spend(await net.fund(alice, 50_000), alice);
      const txid = tx.id("hex");
      for (const sent of [tx, { rawHex: tx.toHex() }, { rawHex: tx.toHex(), efHex: tx.toHexEF() }]) {
        assert.deepEqual(await net.port.broadcast(sent), { outcome: "seen", txid, witnesses: 2 });
      }
      net.chain.mine();
      assert.deepEqual(await net.port.broadcast(tx), { outcome: "seen", txid, witnesses: 2 });
    });

    it("M1: a double spend is a conflict that names the other, for both", async () => {
      const coin = await net.fund(alice, 50_000);
      const first = await spend(coin, alice, { sats: 1_000 });
      const second = await spend(coin, alice, { sats: 2_000 });
      const [id1, id2] = [first.id("hex"), second.id("hex")];
      assert.equal((await net.port.broadcast(first)).outcome, "seen");
      const verdict = { outcome: "conflict", txid: id2, competing: [id1] };
      assert.deepEqual(await net.port.broadcast(second), verdict);
      assert.deepEqual(await net.port.broadcast(second), verdict);
      assert.deepEqual(await net.port.status(id1), { state: "conflict", competing: [id2] });
      assert.deepEqual(await net.port.status(id2), { state: "conflict", competing: [id1] });
      net.chain.mine();
      assert.equal((await net.port.status(id1)).state, "mined");
      assert.deepEqual(await net.port.status(id2), { state: "conflict", competing: [id1] });
      const lostTo = { txid: id1, outpoint: `${coin.id("hex")}:0` };
      assert.deepEqual(await net.port.broadcast(second), { ...verdict, lostTo });
      assert.deepEqual(await net.port.broadcast(first), { outcome: "seen", txid: id1, witnesses: 2 });
      assert.equal(await net.port.spentBy(coin.id("hex"), 0), id1);
    });

    it("M1: an invalid double spend does not mark the valid payment", async () => {
      const coin = await net.fund(alice, 50_000);
      const good = await spend(coin, alice);
      await net.port.broadcast(good);
      const forged = await spend(coin, alice, { sats: 2_000, signer: bob });
      assert.equal((await net.port.broadcast(forged)).outcome, "rejected");
      assert.deepEqual(await net.port.status(good.id("hex")), { state: "seen" });
    });

    it("M3: a spend of what a block has spent is a conflict that names who took which coin", async () => {
      const coin = await net.fund(alice, 50_000);
      const first = await spend(coin, alice);
      await net.port.broadcast(first);
      net.chain.mine();
      const late = await spend(coin, alice, { sats: 3_000 });
      const winner = first.id("hex");
      assert.deepEqual(await net.port.broadcast(late), {
        outcome: "conflict",
        txid: late.id("hex"),
        competing: [winner],
        lostTo: { txid: winner, outpoint: `${coin.id("hex")}:0` },
      });
      assert.equal(await net.port.spentBy(coin.id("hex"), 0), winner);
    });

    it("M8: a fee below the policy is rejected with FEE", async () => {
      const result = await net.port.broadcast(await spend(await net.fund(alice, 50_000), alice, { fee: 5 }));
      assert.equal(result.outcome === "rejected" && result.code, "FEE");
    });

    it("M1: a wrong signature is rejected with SCRIPT and changes nothing", async () => {
      const coin = await net.fund(alice, 50_000);
      const forged = await spend(coin, alice, { signer: bob });
      const result = await net.port.broadcast(forged);
      assert.equal(result.outcome === "rejected" && result.code, "SCRIPT");
      assert.deepEqual(await net.port.status(forged.id("hex")), { state: "unknown" });
      assert.equal(await net.port.spentBy(coin.id("hex"), 0), undefined);
      assert.equal(verifyInputScripts(forged).ok, false);
      assert.deepEqual(verifyInputScripts(await spend(coin, alice)), { ok: true });
    });

    it("M2: a lock time ahead of the chain is rejected with NON_FINAL until the median time passes it", async () => {
      const fresh = await startDialect(dialect);
      try {
        const coin = await fresh.fund(alice, 50_000);
        const lockTime = START_MS / 1000 + 86_400;
        const early = await spend(coin, alice, { lockTime, sequence: 0xfffffffe });
        const result = await fresh.port.broadcast(early);
        assert.equal(result.outcome === "rejected" && result.code, "NON_FINAL");
        await fresh.call("/dev/clock?seconds=86401");
        await fresh.call("/dev/mine?blocks=6");
        assert.ok((await fresh.port.tip()).mtp > lockTime);
        assert.equal((await fresh.port.broadcast(early)).outcome, "seen");
      } finally {
        await fresh.close();
      }
    });

    it("M3: with an unknown parent it is pending, raw or EF, and seen by itself once the parent is", async () => {
      const parent = await spend(await net.fund(alice, 50_000), alice, { sats: 9_000 });
      const child = await spend(parent, alice);
      const txid = child.id("hex");
      assert.equal((await net.port.broadcast({ rawHex: child.toHex() })).outcome, "pending");
      assert.equal((await net.port.broadcast(child)).outcome, "pending");
      assert.deepEqual(await net.port.status(txid), { state: "pending" });
      assert.equal((await net.port.broadcast(parent)).outcome, "seen");
      assert.deepEqual(await net.port.status(txid), { state: "seen" });
    });

    it("M1: bytes that are no transaction, values from nothing and doubled inputs are rejected", async () => {
      const coin = await net.fund(alice, 50_000);
      const lock = new P2PKH().lock(alice.toAddress());
      const rich = await spend(coin, alice);
      const overspent = new Transaction(1, rich.inputs, [{ lockingScript: lock, satoshis: 60_000 }]);
      await overspent.sign();
      const input = rich.inputs[0];
      assert.ok(input);
      const doubled = new Transaction(1, [input, input], [{ lockingScript: lock, satoshis: 80_000 }]);
      const codes: Record<string, unknown> = {};
      for (const [name, tx] of Object.entries({
        hexless: { rawHex: "xyz" },
        cut: { rawHex: rich.toHex().slice(0, -2) },
        longer: { rawHex: `${rich.toHex()}00` },
        overspent: { rawHex: overspent.toHex() },
        doubled: { rawHex: doubled.toHex() },
      })) {
        const result = await net.port.broadcast(tx);
        codes[name] = result.outcome === "rejected" ? result.code : result.outcome;
      }
      assert.deepEqual(codes, {
        hexless: "MALFORMED",
        cut: "MALFORMED",
        longer: "MALFORMED",
        overspent: "INPUTS",
        doubled: "INPUTS",
      });
    });

    it("M3: coins a mempool transaction spends are not offered again", async () => {
      const carol = keyOf(13);
      const coin = await net.fund(carol, 50_000);
      net.chain.mine();
      assert.equal((await net.port.utxosOfAddress(carol.toAddress())).length, 1);
      const tx = await spend(coin, carol, { sats: 7_000 });
      await net.port.broadcast(tx);
      const coins = await net.port.utxosOfAddress(carol.toAddress());
      assert.deepEqual(
        coins.map(({ txid }) => txid),
        [tx.id("hex"), tx.id("hex")],
      );
      assert.ok(coins.every(({ height }) => height === undefined));
    });

    it("M8: the fee rate is the policy's; what nobody knows is undefined or unknown", async () => {
      const nobody = "ab".repeat(32);
      assert.equal(await net.port.feeRate(), 100);
      assert.deepEqual(await net.port.status(nobody), { state: "unknown" });
      assert.equal(await net.port.rawTx(nobody), undefined);
      assert.equal(await net.port.spentBy(nobody, 0), undefined);
      assert.deepEqual(await net.port.utxosOfAddress(keyOf(99).toAddress()), []);
    });

    it("the devchain's faucet pays an address, and says what it refuses", async () => {
      const faucet = createDevFaucet({ url: net.url, timeoutMs: 5_000 });
      const paid = await faucet(bob.toAddress(), 4_321);
      assert.equal(Transaction.fromHex(paid.tx).id("hex"), paid.txid);
      assert.ok(
        (await net.port.utxosOfAddress(bob.toAddress())).some(
          ({ txid, sats }) => txid === paid.txid && sats === 4_321,
        ),
      );
      await assert.rejects(faucet("nonsense", 5), { code: "BAD_REQUEST" });
    });

    it("M5: a reorganisation takes a payment out of its block and the next blocks mine it again", async () => {
      const tx = await spend(await net.fund(alice, 50_000), alice);
      const txid = tx.id("hex");
      await net.port.broadcast(tx);
      net.chain.mine();
      const before = await net.port.status(txid);
      await net.call("/dev/reorg?depth=1");
      const after = await net.port.status(txid);
      assert.ok(before.state === "mined" && after.state === "mined");
      assert.notEqual(before.blockHash, after.blockHash);
      await net.call(`/dev/reorg?depth=1&drop=${txid}`);
      assert.equal((await net.port.status(txid)).state, "rejected");
      assert.deepEqual(await net.port.broadcast(tx), { outcome: "seen", txid, witnesses: 2 });
    });

    it("M1: one witness is enough for those who say so; two ARCs are both asked all the same", async () => {
      const tx = await spend(await net.fund(alice, 50_000), alice);
      const result = await net.port.broadcast(tx, { witnesses: 1 });
      const witnesses = dialect === "two ARCs" ? 2 : 1;
      assert.deepEqual(result, { outcome: "seen", txid: tx.id("hex"), witnesses });
      assert.equal(net.asked("/tx/raw"), 0);
    });
  });
}
