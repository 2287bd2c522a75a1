/** The devchain's own dialects. The port's contract is in port.contract.test.ts. */
import assert from "node:assert/strict";
import { defaultHttpClient, MerklePath, type Transaction, WhatsOnChain } from "@bsv/sdk";
import { hash256 } from "@meme-rounds/shared-schema/hash";
import { z } from "zod";
import { keyOf, type Net, readJson, spend, startNet } from "./support.ts";

const arcTx = z.object({
  txid: z.string(),
  txStatus: z.string(),
  status: z.number().optional(),
  merklePath: z.string(),
});
const problem = z.object({ status: z.number(), title: z.string(), detail: z.string() });
const tscProof = z.tuple([z.object({ index: z.number(), target: z.string(), nodes: z.array(z.string()) })]);
const statuses = z.array(
  z.object({ txid: z.string(), error: z.string().optional(), blockhash: z.string().optional() }),
);
const header = z.object({ hash: z.string(), height: z.number(), merkleroot: z.string() });
const txView = z.object({
  vout: z.array(
    z.object({ value: z.number(), scriptPubKey: z.object({ addresses: z.array(z.string()).optional() }) }),
  ),
});

/** The merkle root that a TSC proof leads to. */
function rootOfTsc(txid: string, index: number, nodes: string[]): string {
  let node = Buffer.from(txid, "hex").reverse();
  nodes.forEach((sibling, depth) => {
    const other = sibling === "*" ? node : Buffer.from(sibling, "hex").reverse();
    const isRight = (index >> depth) % 2 === 1;
    node = Buffer.from(hash256(Buffer.concat(isRight ? [other, node] : [node, other])));
  });
  return node.reverse().toString("hex");
}

const alice = keyOf(21);
const rawTx = (net: Net, txhex: string) =>
  net.call("/v1/bsv/main/tx/raw", { method: "POST", body: JSON.stringify({ txhex }) });

describe("devchain: WhatsOnChain's and ARC's words", () => {
  let net: Net;
  before(async () => {
    net = await startNet();
  });
  after(() => net.close());

  it("M1: WhatsOnChain broadcasts answer a quoted txid, then the node's messages", async () => {
    const coin = await net.fund(alice, 50_000);
    const tx = await spend(coin, alice);
    const first = await rawTx(net, tx.toHex());
    assert.deepEqual([first.status, await first.text()], [200, `"${tx.id("hex")}"`]);
    const said = async (other: Transaction) => (await rawTx(net, other.toHex())).text();
    assert.match(await said(tx), /^unexpected response code 500: Transaction already in the mempool$/);
    assert.match(await said(await spend(coin, alice, { sats: 2_000 })), /258: txn-mempool-conflict$/);
    const fresh = await net.fund(alice, 50_000);
    assert.match(await said(await spend(fresh, alice, { fee: 1 })), /66: mempool min fee not met$/);
    assert.match(
      await said(await spend(fresh, alice, { signer: keyOf(22) })),
      /16: mandatory-script-verify-flag/,
    );
    assert.match(await said(await spend(fresh, alice, { lockTime: 900, sequence: 0 })), /64: non-final$/);
    assert.match(await said(await spend(await spend(fresh, alice), alice)), /Missing inputs$/);
  });

  it("M1: ARC takes text, JSON, bytes and lists, and answers refusals as problem documents", async () => {
    const post = (type: string, body: string | Uint8Array, path = "/v1/tx") =>
      net.call(path, { method: "POST", headers: { "content-type": type }, body });
    const tx = await spend(await net.fund(alice, 50_000), alice);
    for (const answer of [
      await post("text/plain", tx.toHex()),
      await post("application/json", JSON.stringify({ rawTx: tx.toHexEF() })),
      await post("application/octet-stream", Uint8Array.from(tx.toEF())),
    ]) {
      const { txid, txStatus, status } = await readJson(answer, arcTx);
      assert.deepEqual(
        { txid, txStatus, status },
        { txid: tx.id("hex"), txStatus: "SEEN_ON_NETWORK", status: 200 },
      );
    }
    const bad = await post("text/plain", "00ff");
    assert.deepEqual([bad.status, (await readJson(bad, problem)).status], [463, 463]);
    assert.equal((await post("text/plain", "no hex")).status, 400);
    assert.equal((await post("application/json", "{")).status, 400);
    const unknown = await net.call(`/v1/tx/${"cd".repeat(32)}`);
    assert.deepEqual([unknown.status, (await readJson(unknown, problem)).title], [404, "Not found"]);
    const child = await spend(tx, alice, { sats: 500 });
    const list = await post(
      "application/json",
      JSON.stringify([tx, child].map((t) => ({ rawTx: t.toHex() }))),
      "/v1/txs",
    );
    const { transactions } = await readJson(list, z.object({ transactions: z.array(arcTx) }));
    assert.deepEqual(
      transactions.map(({ txid }) => txid),
      [tx.id("hex"), child.id("hex")],
    );
  });

  it("M4: BUMP and TSC proofs verify against the header, for every place in blocks of 1 to 6", async () => {
    const tracker = new WhatsOnChain("main", {
      httpClient: {
        request: (url, options) =>
          defaultHttpClient().request(url.replace("https://api.whatsonchain.com", net.url), options),
      },
    });
    for (let size = 1; size <= 6; size++) {
      const payments: Transaction[] = [];
      for (let i = 0; i < size; i++) payments.push(await net.fund(alice, 1_000 + i));
      const block = net.chain.mine();
      for (const tx of payments) {
        const txid = tx.id("hex");
        const { merklePath } = await readJson(net.call(`/v1/tx/${txid}`), arcTx);
        assert.equal(await MerklePath.fromHex(merklePath).verify(txid, tracker), true);
        const [tsc] = await readJson(net.call(`/v1/bsv/main/tx/${txid}/proof/tsc`), tscProof);
        assert.equal(tsc.target, block.hash);
        assert.equal(rootOfTsc(txid, tsc.index, tsc.nodes), block.merkleRoot);
      }
    }
  });

  it("M1: statuses, history, single transactions and headers have WhatsOnChain's shapes", async () => {
    const dave = keyOf(24);
    const coin = await net.fund(dave, 12_345);
    const txid = coin.id("hex");
    const read = <T>(path: string, schema: z.ZodType<T>, init?: RequestInit) =>
      readJson(net.call(`/v1/bsv/main${path}`, init), schema);
    const status = () =>
      read("/txs/status", statuses, {
        method: "POST",
        body: JSON.stringify({ txids: [txid, "00".repeat(32)] }),
      });
    assert.deepEqual(await status(), [{ txid }, { txid: "00".repeat(32), error: "unknown" }]);
    const block = net.chain.mine();
    assert.equal((await status())[0]?.blockhash, block.hash);
    assert.deepEqual(await read(`/address/${dave.toAddress()}/history`, z.unknown()), [
      { tx_hash: txid, height: block.height },
    ]);
    const view = await read(`/tx/hash/${txid}`, txView);
    assert.deepEqual(view.vout[0]?.scriptPubKey.addresses, [dave.toAddress()]);
    assert.equal(view.vout[0]?.value, 0.00012345);
    assert.equal((await read("/block/headers", z.array(header)))[0]?.hash, block.hash);
    assert.equal((await read(`/block/${block.height}/header`, header)).merkleroot, block.merkleRoot);
    assert.equal((await net.call(`/v1/bsv/main/tx/${txid}/0/spent`)).status, 404);
    assert.equal((await net.call("/v1/bsv/main/address/nonsense/unspent/all")).status, 400);
  });

  it("M1: Arcade's paths have no /v1, take bytes alone, and speak words of their own", async () => {
    const coin = await net.fund(alice, 50_000);
    const tx = await spend(coin, alice);
    const child = await spend(tx, alice, { sats: 500 });
    const post = (type: string, body: string | Uint8Array, path = "/tx") =>
      net.call(path, { method: "POST", headers: { "content-type": type }, body });
    const bytes = (...txs: Transaction[]) => Uint8Array.from(txs.flatMap((one) => one.toBinary()));
    assert.equal((await post("application/json", JSON.stringify({ rawTx: tx.toHex() }))).status, 400);
    assert.equal((await post("text/plain", tx.toHex(), "/txs")).status, 400);
    assert.equal((await readJson(post("text/plain", tx.toHex()), arcTx)).txStatus, "SEEN_MULTIPLE_NODES");
    const list = await readJson(
      post("application/octet-stream", bytes(tx, child), "/txs"),
      z.object({ transactions: z.array(arcTx) }),
    );
    assert.deepEqual(
      list.transactions.map(({ txid }) => txid),
      [tx.id("hex"), child.id("hex")],
    );
    assert.equal((await post("application/octet-stream", bytes(tx).subarray(1), "/txs")).status, 400);
    const status = async () => (await readJson(net.call(`/tx/${tx.id("hex")}`), arcTx)).txStatus;
    net.chain.mine();
    assert.equal(await status(), "MINED");
    await net.call("/dev/mine?blocks=99");
    assert.equal(await status(), "IMMUTABLE");
    assert.equal((await net.call(`/tx/${"cd".repeat(32)}`)).status, 404);
    for (const path of ["/policy", "/health", "/ready"])
      assert.equal((await net.call(path)).status, 200, path);
  });

  it("M1: confirmed and unconfirmed lists part what the whole ones hold, one address or many, and scripts", async () => {
    const erin = keyOf(25);
    const old = await net.fund(erin, 11_000);
    net.chain.mine();
    const young = await net.fund(erin, 22_000);
    const address = erin.toAddress();
    const script = net.chain.state.coins.get(young.id("hex"), 0)?.scriptHash;
    const [oldId, youngId] = [old.id("hex"), young.id("hex")];
    const txidsOf = z.array(z.object({ tx_hash: z.string() }));
    const page = z.object({ result: txidsOf });
    const many = z.array(z.object({ address: z.string(), unspent: txidsOf }));
    const read = <T>(path: string, schema: z.ZodType<T>, init?: RequestInit) =>
      readJson(net.call(`/v1/bsv/main${path}`, init), schema);
    for (const name of [`/address/${address}`, `/script/${script}`]) {
      for (const [part, ids] of [
        ["/confirmed", [oldId]],
        ["/unconfirmed", [youngId]],
        ["", [oldId, youngId]],
      ] as const) {
        const history = await read(`${name}${part}/history`, txidsOf);
        const unspent = await read(`${name}${part}/unspent`, page);
        assert.deepEqual(history.map(({ tx_hash }) => tx_hash).sort(), [...ids].sort(), name + part);
        assert.deepEqual(unspent.result.map(({ tx_hash }) => tx_hash).sort(), [...ids].sort(), name + part);
      }
    }
    const body = JSON.stringify({ addresses: [address, keyOf(26).toAddress()] });
    assert.deepEqual(
      (await read("/addresses/confirmed/unspent", many, { method: "POST", body })).map(({ unspent }) =>
        unspent.map(({ tx_hash }) => tx_hash),
      ),
      [[oldId], []],
    );
    const spender = await spend(old, erin);
    await net.port.broadcast(spender);
    const spentIn = await read(
      "/utxos/spent",
      z.array(z.object({ spentIn: z.object({ txid: z.string() }).optional() })),
      {
        method: "POST",
        body: JSON.stringify({ utxos: [oldId, youngId].map((txid) => ({ txid, vout: 0 })) }),
      },
    );
    assert.deepEqual(
      spentIn.map((one) => one.spentIn?.txid),
      [spender.id("hex"), undefined],
    );
    assert.equal((await net.call(`/v1/bsv/main/tx/${oldId}/0/confirmed/spent`)).status, 404);
    assert.equal((await net.call(`/v1/bsv/main/tx/${oldId}/0/unconfirmed/spent`)).status, 200);
  });

  it("M1: the faucet refuses what it cannot pay", async () => {
    for (const query of ["address=nonsense&sats=5", `address=${alice.toAddress()}&sats=0`, "sats=5"]) {
      assert.equal((await net.call(`/dev/faucet?${query}`)).status, 400, query);
    }
  });
});
