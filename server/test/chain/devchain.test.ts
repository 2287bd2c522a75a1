/** The devchain's own dialects, its disk and its callbacks. The port's contract is in port.contract.test.ts. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { appendFile, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { defaultHttpClient, MerklePath, type Transaction, WhatsOnChain } from "@bsv/sdk";
import { hash256 } from "@meme-rounds/shared-schema/hash";
import { z } from "zod";
import { startDevchain } from "../../standins/devchain/server.ts";
import { openStore } from "../../standins/devchain/store.ts";
import { until } from "../support/wait.ts";
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

  it("M1: the faucet refuses what it cannot pay", async () => {
    for (const query of ["address=nonsense&sats=5", `address=${alice.toAddress()}&sats=0`, "sats=5"]) {
      assert.equal((await net.call(`/dev/faucet?${query}`)).status, 400, query);
    }
  });
});

describe("devchain: disk", () => {
  let dir: string;
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), "devchain-"));
  });
  afterEach(() => rm(dir, { recursive: true }));

  /** Everything that callers can ask for, as text. */
  const picture = ({ chain: { state } }: Net): string =>
    JSON.stringify({
      blocks: state.blocks.map(({ hash, txids }) => ({ hash, txids })),
      mempool: [...state.mempool],
      rows: [...state.rows.values()].map(({ tx, status, competing, mined }) => [
        tx.txid,
        status,
        competing,
        mined?.block.hash,
        tx.outputs.map((_, vout) => state.coins.get(tx.txid, vout)?.spentBy),
      ]),
      aheadMs: state.aheadMs,
    });

  /** A chain with a conflict, a reorganisation, an eviction and a moved clock behind it. */
  async function live(): Promise<{ net: Net; coin: Transaction }> {
    const net = await startNet({ dataDir: dir });
    const coin = await net.fund(alice, 50_000);
    const tx = await spend(coin, alice);
    await net.port.broadcast(tx);
    await net.port.broadcast(await spend(coin, alice, { sats: 2_000 }));
    await net.call("/dev/mine");
    const dropped = await net.fund(keyOf(23), 4_000);
    await net.call("/dev/mine");
    await net.call(`/dev/reorg?depth=2&drop=${dropped.id("hex")}`);
    await net.call("/dev/clock?seconds=60");
    return { net, coin: await net.fund(alice, 60_000) };
  }

  it("O4: stopped and started again it is the same, and goes on", async () => {
    const { net, coin } = await live();
    const before = picture(net);
    await net.close();
    const again = await startNet({ dataDir: dir });
    try {
      assert.equal(picture(again), before);
      assert.equal((await again.port.broadcast(await spend(coin, alice))).outcome, "seen");
      again.chain.mine();
    } finally {
      await again.close();
    }
  });

  it("O4: a torn last line is cut off, and the log goes on behind it", async () => {
    const { net } = await live();
    const before = picture(net);
    await net.close();
    const log = join(dir, "devchain", "log.jsonl");
    const whole = await readFile(log, "utf8");
    await appendFile(log, '{"t":"tx","at":18000');
    const again = await startNet({ dataDir: dir });
    assert.equal(picture(again), before);
    await again.call("/dev/mine");
    const after = picture(again);
    await again.close();
    assert.ok((await readFile(log, "utf8")).startsWith(whole));
    const third = await startNet({ dataDir: dir });
    assert.equal(picture(third), after);
    await third.close();
  });

  it("O4: damage before the last line is refused, with the line's number", async () => {
    await (await live()).net.close();
    const log = join(dir, "devchain", "log.jsonl");
    const lines = (await readFile(log, "utf8")).split("\n");
    lines[2] = lines[2]?.slice(0, -9) ?? "";
    await writeFile(log, lines.join("\n"));
    await assert.rejects(startDevchain({ port: 0, dataDir: dir, blockSeconds: 0 }), /line 3 is damaged/);
  });

  it("O4: what was acknowledged is on disk before the answer", async () => {
    const net = await startNet({ dataDir: dir });
    const tx = await spend(await net.fund(alice, 50_000), alice);
    await net.port.broadcast(tx);
    const { events, store } = await openStore(join(dir, "devchain"));
    await store.close();
    assert.ok(events.some((event) => event.t === "tx" && event.hex === tx.toHex()));
    await net.close();
  });

  it("O4: as a process it says when it is ready, mines by itself, and ends with 0 on SIGTERM", async () => {
    const child = spawn(process.execPath, [join(import.meta.dirname, "../../standins/devchain/main.ts")], {
      env: {
        ...process.env,
        NODE_ENV: "test",
        DEVCHAIN_PORT: "0",
        DATA_DIR: dir,
        DEVCHAIN_BLOCK_SECONDS: "0.05",
      },
      stdio: ["ignore", "pipe", "inherit"],
    });
    let said = "";
    child.stdout.setEncoding("utf8").on("data", (part: string) => {
      said += part;
    });
    const url = await until(() => /"ready":true,"url":"([^"]+)"/.exec(said)?.[1], { deadlineMs: 15_000 });
    await until(
      async () =>
        (await readJson(fetch(`${url}/v1/bsv/main/chain/info`), z.object({ blocks: z.number() }))).blocks >=
        2,
    );
    const ended = once(child, "exit");
    child.kill("SIGTERM");
    assert.deepEqual(await ended, [0, null]);
  });
});
