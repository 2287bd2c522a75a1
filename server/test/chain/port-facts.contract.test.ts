/** The contract of ChainPort over HTTP against the devchain in each dialect: proofs, histories, many at once. */
import assert from "node:assert/strict";
import { MerklePath } from "@bsv/sdk";
import { DIALECTS, type DialectNet, startDialect } from "./dialects.ts";
import { keyOf, spend } from "./support.ts";

for (const dialect of DIALECTS) contract(dialect);

function contract(dialect: string): void {
  describe(`ChainPort facts: ${dialect}`, () => {
    const alice = keyOf(11);
    let net: DialectNet;
    before(async () => {
      net = await startDialect(dialect);
    });
    after(() => net.close());

    it("M5: a proof leads to the root of a block of the chain, for every transaction in it; none before", async () => {
      const coins = await Promise.all([1, 2, 3, 4].map(() => net.fund(alice, 50_000)));
      const txs = await Promise.all(coins.map((coin) => spend(coin, alice)));
      for (const tx of txs) await net.port.broadcast(tx);
      const [first] = txs;
      assert.ok(first);
      assert.equal(await net.port.proof(first.id("hex")), undefined);
      net.chain.mine();
      const block = net.chain.state.blocks.at(-1);
      assert.ok(block);
      for (const tx of txs) {
        const proof = await net.port.proof(tx.id("hex"));
        assert.ok(proof);
        assert.deepEqual([proof.height, proof.blockHash], [block.height, block.hash]);
        assert.equal(MerklePath.fromHex(proof.bump).computeRoot(tx.id("hex")), block.merkleRoot);
      }
      assert.equal(await net.port.isRootAt(block.merkleRoot, block.height), true);
      assert.equal(await net.port.isRootAt(block.merkleRoot, block.height - 1), false);
      assert.equal(await net.port.isRootAt(block.merkleRoot, block.height + 1), false);
    });

    it("M5: the proof follows a reorganisation, and is gone while the transaction is out", async () => {
      const tx = await spend(await net.fund(alice, 50_000), alice);
      const txid = tx.id("hex");
      await net.port.broadcast(tx);
      net.chain.mine();
      const before = await net.port.proof(txid);
      await net.call("/dev/reorg?depth=1");
      const after = await net.port.proof(txid);
      assert.ok(before && after);
      assert.notEqual(before.blockHash, after.blockHash);
      await net.call(`/dev/reorg?depth=1&drop=${txid}`);
      assert.equal(await net.port.proof(txid), undefined);
    });

    it("M9: an address' history has the mined ones first, oldest first, and the unmined without a height", async () => {
      const dave = keyOf(14);
      const coin = await net.fund(dave, 50_000);
      net.chain.mine();
      const tx = await spend(coin, dave);
      await net.port.broadcast(tx);
      const { height } = await net.port.tip();
      assert.deepEqual(await net.port.historyOfAddress(dave.toAddress()), [
        { txid: coin.id("hex"), height },
        { txid: tx.id("hex") },
      ]);
      assert.deepEqual(await net.port.historyOfAddress(keyOf(98).toAddress()), []);
    });

    it("M3: many statuses at once: mined, seen, a refused rival, unknown", async () => {
      const coin = await net.fund(alice, 50_000);
      net.chain.mine();
      const first = await spend(coin, alice);
      const rival = await spend(coin, alice, { sats: 2_000 });
      await net.port.broadcast(first);
      await net.port.broadcast(rival);
      const nobody = "ab".repeat(32);
      const asked = [coin.id("hex"), first.id("hex"), rival.id("hex"), nobody];
      const padding = Array.from({ length: 40 }, (_, i) => i.toString(16).padStart(64, "0"));
      const found = await net.port.statuses([...padding, ...asked]);
      assert.deepEqual(
        asked.map((txid) => found.get(txid)?.state),
        ["mined", "seen", "conflict", "unknown"],
      );
      assert.equal(found.size, 44);
    });
  });
}
