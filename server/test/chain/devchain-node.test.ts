/** The devchain as a node: rivals, what leaves the mempool, policy, and that fast signature checks change no verdict. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { P2PKH, Transaction, TransactionSignature } from "@bsv/sdk";
import { z } from "zod";
import { createVerifier } from "../../src/infra/ecdsa.ts";
import { createDigests } from "../../standins/devchain/digest.ts";
import { runScripts } from "../../standins/devchain/scripts.ts";
import { hash256, readTx, type WireTx } from "../../standins/devchain/wire.ts";
import { keyOf, type Net, readJson, START_MS, spend, startNet } from "./support.ts";

const arcTx = z.looseObject({ txStatus: z.string(), competingTxs: z.array(z.string()).nullable() });
const submitted = z.object({ outcome: z.string(), competing: z.array(z.string()) });

const alice = keyOf(21);
const idOf = (tx: Transaction): string => tx.id("hex");

describe("devchain: a node", () => {
  let net: Net;
  let clock = START_MS;
  beforeEach(async () => {
    clock = START_MS;
    net = await startNet({ now: () => clock });
  });
  afterEach(() => net.close());

  const woc = async (tx: Transaction): Promise<string> =>
    (
      await net.call("/v1/bsv/main/tx/raw", { method: "POST", body: JSON.stringify({ txhex: tx.toHex() }) })
    ).text();
  const arc = (tx: Transaction) => net.call("/v1/tx", { method: "POST", body: tx.toHex() });
  const atArc = (tx: Transaction) => readJson(net.call(`/v1/tx/${idOf(tx)}`), arcTx);
  const spentBy = (parent: Transaction) => net.chain.state.coins.get(idOf(parent), 0)?.spentBy?.txid;
  const force = async (tx: Transaction) =>
    readJson(
      net.call("/dev/submit?force=1", { method: "POST", body: JSON.stringify({ tx: tx.toHex() }) }),
      submitted,
    );

  it("M1: a rival can be forced in: the first one and all that spends it leave, and the block decides", async () => {
    const coin = await net.fund(alice, 50_000);
    const [first, rival] = [await spend(coin, alice), await spend(coin, alice, { sats: 2_000 })];
    const child = await spend(first, alice, { sats: 500 });
    await arc(first);
    await arc(child);
    assert.match(await woc(rival), /258: txn-mempool-conflict$/);
    assert.deepEqual(await force(rival), { outcome: "accepted", competing: [idOf(first)] });
    assert.equal(spentBy(coin), idOf(rival));
    assert.deepEqual(await atArc(first), {
      ...(await atArc(first)),
      txStatus: "DOUBLE_SPEND_ATTEMPTED",
      competingTxs: [idOf(rival)],
    });
    assert.equal((await atArc(rival)).txStatus, "DOUBLE_SPEND_ATTEMPTED");
    assert.equal((await atArc(child)).txStatus, "REJECTED");
    net.chain.mine();
    assert.deepEqual([(await atArc(rival)).txStatus, (await atArc(first)).txStatus], ["MINED", "REJECTED"]);
  });

  it("M1: force spares no other check, and no ancestor can be replaced by its own descendant", async () => {
    const coin = await net.fund(alice, 50_000);
    const first = await spend(coin, alice);
    await arc(first);
    const forged = await spend(coin, alice, { sats: 2_000, signer: keyOf(22) });
    const path = "/dev/submit?force=1";
    const refused = await net.call(path, { method: "POST", body: JSON.stringify({ tx: forged.toHex() }) });
    assert.deepEqual([refused.status, /^16: mandatory/.test(await refused.text())], [400, true]);
    const lock = new P2PKH().lock(alice.toAddress());
    const snake = new Transaction(1, [], [{ lockingScript: lock, satoshis: 40_000 }]);
    for (const sourceTransaction of [coin, first])
      snake.addInput({
        sourceTransaction,
        sourceOutputIndex: 0,
        unlockingScriptTemplate: new P2PKH().unlock(alice),
      });
    await snake.sign();
    assert.equal(
      (await net.call(path, { method: "POST", body: JSON.stringify({ tx: snake.toHex() }) })).status,
      400,
    );
    assert.equal(spentBy(coin), idOf(first));
  });

  it("M5: a reorganisation can bring the rival of what was mined", async () => {
    const coin = await net.fund(alice, 50_000);
    const [first, rival] = [await spend(coin, alice), await spend(coin, alice, { sats: 2_000 })];
    await arc(first);
    net.chain.mine();
    const answer = await net.call("/dev/reorg", {
      method: "POST",
      body: JSON.stringify({ depth: 1, bring: [rival.toHex()] }),
    });
    assert.equal(answer.status, 200, await answer.clone().text());
    assert.deepEqual([(await atArc(rival)).txStatus, (await atArc(first)).txStatus], ["MINED", "REJECTED"]);
    assert.equal(spentBy(coin), idOf(rival));
  });

  it("M3: a block can leave a transaction out, and what spends it", async () => {
    const tx = await spend(await net.fund(alice, 50_000), alice);
    const child = await spend(tx, alice, { sats: 500 });
    await arc(tx);
    await arc(child);
    await net.call(`/dev/mine?blocks=2&leave=${idOf(tx)}`);
    assert.deepEqual([...net.chain.state.mempool], [idOf(tx), idOf(child)]);
    net.chain.mine();
    assert.equal(net.chain.state.mempool.size, 0);
  });

  it("M3: a chain of unmined transactions has its limit, until a block", async () => {
    assert.equal(net.chain.policy.maxAncestors, 1_000);
    await net.call("/dev/policy?maxAncestors=2");
    const first = await net.fund(alice, 50_000);
    const second = await spend(first, alice, { sats: 40_000 });
    const third = await spend(second, alice, { sats: 30_000 });
    const fourth = await spend(third, alice, { sats: 20_000 });
    for (const tx of [second, third]) assert.equal((await arc(tx)).status, 200);
    assert.equal((await arc(fourth)).status, 475);
    assert.equal(await woc(fourth), "unexpected response code 500: 64: too-long-mempool-chain");
    net.chain.mine();
    assert.equal((await arc(fourth)).status, 200);
  });

  it("M3: the faucet goes on to its next coin when one's chain is too long", async () => {
    await net.call("/dev/policy?maxAncestors=0");
    for (let i = 0; i < 64; i++) await net.fund(alice, 1_000);
    assert.equal((await net.call(`/dev/faucet?address=${alice.toAddress()}&sats=5`)).status, 400);
    net.chain.mine();
    await net.fund(alice, 1_000);
  });

  it("M3: what waits too long leaves the mempool", async () => {
    await net.call("/dev/policy?mempoolExpirySeconds=100");
    const tx = await spend(await net.fund(alice, 50_000), alice);
    await arc(tx);
    clock += 90_000;
    net.chain.mine([idOf(tx)]);
    assert.ok(net.chain.state.mempool.has(idOf(tx)));
    clock += 11_000;
    net.chain.mine();
    assert.equal((await atArc(tx)).txStatus, "REJECTED");
    assert.equal((await arc(tx)).status, 200);
  });

  it("M8: fee and dust limit can be changed while it runs", async () => {
    const coin = await net.fund(alice, 50_000);
    await net.call("/dev/fee?satPerKb=1000");
    const cheap = await spend(coin, alice);
    assert.match(await woc(cheap), /66: mempool min fee not met$/);
    const fee = z.object({ policy: z.object({ miningFee: z.object({ satoshis: z.number() }) }) });
    assert.equal((await readJson(net.call("/v1/policy"), fee)).policy.miningFee.satoshis, 1_000);
    await net.call("/dev/fee?satPerKb=1");
    await net.call("/dev/policy", { method: "POST", body: JSON.stringify({ dustSats: 546 }) });
    assert.match(await woc(await spend(coin, alice, { sats: 545 })), /64: dust$/);
    assert.match(await woc(cheap), new RegExp(idOf(cheap)));
    assert.equal((await net.call("/dev/policy?feeSatPerKb=-1")).status, 400);
  });

  it("M1: requests beyond a key's rate get 429, key by key and side by side", async () => {
    await net.call("/dev/policy?wocPerSecond=3");
    const ask = (key?: string) =>
      net.call("/v1/bsv/main/woc", key === undefined ? {} : { headers: { authorization: key } });
    const said = async (times: number, key?: string): Promise<number[]> => {
      const all: number[] = [];
      for (let i = 0; i < times; i++) all.push((await ask(key)).status);
      return all;
    };
    assert.deepEqual(await said(4), [200, 200, 200, 429]);
    assert.deepEqual(await said(1, "a-key"), [200]);
    assert.equal((await net.call("/v1/policy")).status, 200);
    clock += 1_000;
    assert.deepEqual(await said(1), [200]);
  });

  it("M9: a page may read WhatsOnChain's side from anywhere", async () => {
    const asked = await net.call("/v1/bsv/main/tx/raw", { method: "OPTIONS" });
    assert.equal(asked.status, 204);
    assert.match(asked.headers.get("access-control-allow-headers") ?? "", /content-type/);
    for (const path of ["/v1/bsv/main/chain/info", "/v1/bsv/main/nothing"])
      assert.equal((await net.call(path)).headers.get("access-control-allow-origin"), "*", path);
    assert.equal((await net.call("/v1/policy")).headers.get("access-control-allow-origin"), null);
  });
});

describe("devchain: signature checks", () => {
  const native = createVerifier();
  const lock = new P2PKH().lock(alice.toAddress());
  const spent = [{ sats: 50_000, script: Uint8Array.from(lock.toBinary()) }];
  const parent = new Transaction(1, [], [{ lockingScript: lock, satoshis: 50_000 }]);

  async function signed(
    scope: "all" | "none" | "single",
    anyoneCanPay: boolean,
    version = 1,
  ): Promise<Buffer> {
    const tx = new Transaction(version, [], [], 5);
    const template = new P2PKH().unlock(alice, scope, anyoneCanPay);
    tx.addInput({
      sourceTransaction: parent,
      sourceOutputIndex: 0,
      sequence: 7,
      unlockingScriptTemplate: template,
    });
    tx.addOutput({ lockingScript: lock, satoshis: 1_000 });
    await tx.sign();
    return Buffer.from(tx.toBinary());
  }
  /** Verdicts with and without the native check: they must be the same. */
  const verdict = (tx: WireTx): boolean => {
    const fast = runScripts(tx, spent, native);
    assert.deepEqual(fast, runScripts(tx, spent));
    return fast.ok;
  };

  it("M2: every scope is accepted as the SDK alone accepts it, and its bytes may not change", async () => {
    for (const scope of ["all", "none", "single"] as const)
      for (const anyone of [false, true]) assert.equal(verdict(readTx(await signed(scope, anyone))), true);
    assert.equal(verdict(readTx(await signed("all", false, 2))), true);
    const good = await signed("all", false);
    let refused = 0;
    for (let at = 0; at < good.length; at += 3) {
      const bad = Buffer.from(good);
      bad.writeUInt8((bad[at] ?? 0) ^ 1, at);
      let tx: WireTx;
      try {
        tx = readTx(bad);
      } catch {
        continue;
      }
      // An amount that no coin can have never comes this far.
      if (tx.outputs.some(({ sats }) => !Number.isFinite(sats))) continue;
      const accepted = verdict(tx);
      assert.equal(accepted, false, `byte ${at}`);
      refused += 1;
    }
    assert.ok(refused > 50, String(refused));
  });

  it("M2: a signature that the native check refuses still has the SDK's word: high S in version 2", async () => {
    const order = BigInt("0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141");
    for (const version of [1, 2]) {
      const tx = readTx(await signed("all", false, version));
      const input = tx.inputs[0];
      assert.ok(input);
      const length = input.script[0] ?? 0;
      const { r, s } = TransactionSignature.fromChecksigFormat([...input.script.subarray(1, 1 + length)]);
      const highS = (order - BigInt(`0x${s.toString(16)}`)).toString(16).padStart(64, "0");
      const rHex = r.toString(16).padStart(64, "0");
      const rDer = (rHex > "8" ? "00" : "") + rHex;
      const body = `02${(rDer.length / 2).toString(16)}${rDer}0221${`00${highS}`}`;
      const der = `30${(body.length / 2).toString(16)}${body}41`;
      const push = Buffer.from((der.length / 2).toString(16) + der, "hex");
      input.script = Buffer.concat([push, input.script.subarray(1 + length)]);
      assert.equal(verdict(tx), version === 2);
    }
  });

  it("M2: its digests are the SDK's", async () => {
    const tx = readTx(await signed("all", false));
    const code = Uint8Array.from(lock.toBinary());
    const preimage = TransactionSignature.format({
      sourceTXID: tx.inputs[0]?.txid ?? "",
      sourceOutputIndex: 0,
      sourceSatoshis: 50_000,
      transactionVersion: 1,
      otherInputs: [],
      outputs: [{ lockingScript: lock, satoshis: 1_000 }],
      inputIndex: 0,
      subscript: lock,
      inputSequence: 7,
      lockTime: 5,
      scope: 0x41,
    });
    const digest = createHash("sha256")
      .update(createDigests(tx)(0, 50_000, code))
      .digest();
    assert.deepEqual(digest, hash256(Uint8Array.from(preimage)));
  });
});
