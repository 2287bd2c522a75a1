/** The devchain's faults: each does what faults.ts says, only where and as often as its rule asks. */
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { MerklePath, type Transaction } from "@bsv/sdk";
import { z } from "zod";
import { Faults, type FaultsCall } from "../../standins/devchain/faults.ts";
import { until } from "../support/wait.ts";
import { keyOf, type Net, readJson, START_MS, spend, startNet } from "./support.ts";

const arcTx = z.looseObject({ txid: z.string(), txStatus: z.string(), merklePath: z.string() });
const tsc = z.tuple([z.object({ index: z.number(), target: z.string(), nodes: z.array(z.string()) })]);
const hits = z.object({ rules: z.array(z.looseObject({ kind: z.string(), hits: z.number() })) });

const alice = keyOf(21);

describe("devchain: faults", () => {
  let net: Net;
  let clock = START_MS;
  beforeEach(async () => {
    clock = START_MS;
    net = await startNet({ now: () => clock });
  });
  afterEach(() => net.close());

  const set = async (rules: FaultsCall["rules"], seed = 1): Promise<void> => {
    const answer = await net.call("/dev/faults", { method: "POST", body: JSON.stringify({ rules, seed }) });
    assert.equal(answer.status, 200, await answer.clone().text());
  };
  const hitsOf = async (): Promise<number[]> =>
    (await readJson(net.call("/dev/faults"), hits)).rules.map((rule) => rule.hits);
  const payment = async (): Promise<Transaction> => spend(await net.fund(alice, 50_000), alice);
  const arc = (tx: Transaction, headers: Record<string, string> = {}) =>
    net.call("/v1/tx", { method: "POST", headers, body: tx.toHex() });
  const woc = (tx: Transaction) =>
    net.call("/v1/bsv/main/tx/raw", { method: "POST", body: JSON.stringify({ txhex: tx.toHex() }) });
  const statusOf = async (tx: Transaction): Promise<string> => {
    const answer = await net.call(`/v1/tx/${tx.id("hex")}`);
    return answer.status === 404 ? "unknown" : (await readJson(answer, arcTx)).txStatus;
  };
  const onWoc = async (tx: Transaction) => (await net.call(`/v1/bsv/main/tx/${tx.id("hex")}/hex`)).status;

  it("M3: 500, 502 and 429 answer in place of the node, as often as asked, and nothing is done", async () => {
    const tx = await payment();
    await set([
      { kind: "500", match: "broadcast", count: 1 },
      { kind: "502", match: "/v1/tx", count: 1 },
      { kind: "429", match: "broadcast", count: 1 },
    ]);
    const said: [number, string | null][] = [];
    for (let i = 0; i < 3; i++) {
      const answer = await arc(tx);
      said.push([answer.status, answer.headers.get("content-type")]);
    }
    assert.deepEqual(said, [
      [500, "application/json"],
      [502, "text/html"],
      [429, "text/plain"],
    ]);
    assert.equal(await statusOf(tx), "unknown");
    assert.equal((await arc(tx)).status, 200);
    assert.deepEqual(await hitsOf(), [1, 1, 1]);
  });

  it("M3: drop never answers, close ends the connection, delay comes later", async () => {
    await set([{ kind: "drop", match: "/v1/policy" }]);
    await assert.rejects(net.call("/v1/policy", { signal: AbortSignal.timeout(60) }), {
      name: "TimeoutError",
    });
    await set([{ kind: "close", match: "read" }]);
    await assert.rejects(net.call("/v1/policy"), TypeError);
    await set([{ kind: "delay", match: "read", ms: 60 }]);
    const from = performance.now();
    assert.equal((await net.call("/v1/policy")).status, 200);
    assert.ok(performance.now() - from >= 55);
  });

  it("M3: what is matched is struck and nothing else; /dev only when it is named", async () => {
    await set([{ kind: "500", match: "status" }]);
    const tx = await payment();
    assert.equal((await arc(tx)).status, 200);
    assert.equal((await net.call("/v1/policy")).status, 200);
    assert.equal((await net.call(`/v1/tx/${tx.id("hex")}`)).status, 500);
    await set([{ kind: "500", match: "/" }]);
    assert.equal((await net.call("/v1/policy")).status, 500);
    assert.equal((await net.call("/dev/mine")).status, 200);
    await set([{ kind: "500", match: "/dev/" }]);
    assert.equal((await net.call("/dev/mine")).status, 500);
    await set([{ kind: "500", match: "/v1/tx", method: "GET" }]);
    assert.equal((await arc(tx)).status, 200);
    assert.equal(await net.call(`/v1/tx/${tx.id("hex")}`).then(({ status }) => status), 500);
  });

  it("M3: an orphan's answer may be wrong or right about the transaction", async () => {
    const [wrong, right, quoted] = [await payment(), await payment(), await payment()];
    await set([{ kind: "orphan", match: "broadcast" }]);
    assert.equal((await readJson(arc(wrong), arcTx)).txStatus, "SEEN_IN_ORPHAN_MEMPOOL");
    assert.equal(await statusOf(wrong), "SEEN_ON_NETWORK");
    await set([{ kind: "orphan", accepted: false }]);
    assert.match(await (await woc(right)).text(), /Missing inputs$/);
    assert.equal(await statusOf(right), "unknown");
    await set([{ kind: "quoted", quotes: false }]);
    assert.equal(await (await woc(quoted)).text(), quoted.id("hex"));
  });

  it("M3: a swallowed transaction was answered and is forgotten; its coin is free again", async () => {
    const tx = await payment();
    await set([{ kind: "swallow", count: 1 }]);
    assert.equal((await readJson(arc(tx), arcTx)).txStatus, "SEEN_ON_NETWORK");
    assert.deepEqual([await statusOf(tx), await onWoc(tx)], ["unknown", 404]);
    assert.equal((await readJson(arc(tx), arcTx)).txStatus, "SEEN_ON_NETWORK");
    assert.equal(await onWoc(tx), 200);
  });

  it("M3: a lost answer leaves the transaction accepted", async () => {
    const tx = await payment();
    await set([{ kind: "answerLost" }]);
    await assert.rejects(woc(tx), TypeError);
    assert.equal(await statusOf(tx), "SEEN_ON_NETWORK");
  });

  it("M3: an evicted transaction leaves by itself or on command, with what spends it", async () => {
    const tx = await payment();
    await set([{ kind: "evict", afterMs: 5, count: 1 }]);
    await arc(tx);
    await until(async () => (await statusOf(tx)) === "unknown", { what: "the eviction" });
    await set([]);
    await arc(tx);
    const child = await spend(tx, alice, { sats: 500 });
    await arc(child);
    await net.call(`/dev/evict?txid=${tx.id("hex")}&trace=stale`);
    assert.deepEqual([await statusOf(tx), await statusOf(child)], ["SEEN_ON_NETWORK", "SEEN_ON_NETWORK"]);
    assert.deepEqual([await onWoc(tx), await onWoc(child)], [404, 404]);
    await arc(tx);
    assert.equal(await onWoc(tx), 200);
    await net.call(`/dev/evict?txid=${tx.id("hex")}`);
    assert.equal(await statusOf(tx), "REJECTED");
  });

  it("M3: a late transaction is not yet seen, for those who do not wait", async () => {
    const tx = await payment();
    await set([{ kind: "late", ms: 40 }]);
    const from = performance.now();
    const waited = await arc(tx, { "X-WaitFor": "SEEN_ON_NETWORK", "X-MaxTimeout": "4" });
    assert.ok(performance.now() - from >= 35);
    assert.equal((await readJson(waited, arcTx)).txStatus, "ACCEPTED_BY_NETWORK");
    assert.equal(await statusOf(tx), "ACCEPTED_BY_NETWORK");
    clock += 40;
    assert.equal(await statusOf(tx), "SEEN_ON_NETWORK");
  });

  it("M5: a wrong proof is a proof, of another root, in both dialects", async () => {
    const tx = await payment();
    await arc(tx);
    const { merkleRoot } = net.chain.mine();
    const txid = tx.id("hex");
    const rootAtArc = async () =>
      MerklePath.fromHex((await readJson(net.call(`/v1/tx/${txid}`), arcTx)).merklePath).computeRoot(txid);
    const atWoc = async () => (await readJson(net.call(`/v1/bsv/main/tx/${txid}/proof/tsc`), tsc))[0];
    const honest = await atWoc();
    assert.equal(await rootAtArc(), merkleRoot);
    await set([{ kind: "wrongProof" }]);
    assert.notEqual(await rootAtArc(), merkleRoot);
    assert.notDeepEqual((await atWoc()).nodes, honest.nodes);
    assert.deepEqual(await hitsOf(), [2]);
  });

  it("M8: the policy can lie by a factor of a thousand", async () => {
    const fee = z.object({ policy: z.object({ miningFee: z.object({ satoshis: z.number() }) }) });
    const asked = async () => (await readJson(net.call("/v1/policy"), fee)).policy.miningFee.satoshis;
    await set([{ kind: "policyTimes", times: 1000, count: 1 }]);
    assert.deepEqual([await asked(), await asked()], [100_000, 100]);
  });

  it("M5: callbacks are lost, repeated, and wrong in token, txid or status", async () => {
    const got: { txid: string; txStatus: string; blockHash: string; token: string | undefined }[] = [];
    const receiver = createServer(async (request, response) => {
      const parts: Buffer[] = [];
      for await (const part of request) if (Buffer.isBuffer(part)) parts.push(part);
      const { txid, txStatus, blockHash } = JSON.parse(Buffer.concat(parts).toString());
      got.push({ txid, txStatus, blockHash, token: request.headers.authorization });
      response.end();
    });
    await new Promise<void>((resolve) => receiver.listen(0, "127.0.0.1", resolve));
    try {
      const address = receiver.address();
      assert.ok(typeof address === "object" && address);
      const headers = { "X-CallbackUrl": `http://127.0.0.1:${address.port}/`, "X-CallbackToken": "t0ken" };
      const told = async (rules: FaultsCall["rules"], least: number) => {
        const tx = await payment();
        await arc(tx, headers);
        await set(rules);
        got.length = 0;
        net.chain.mine();
        // A second transaction's callback is the sign that the first one's would have come by now.
        await set([]);
        const last = await payment();
        await arc(last, headers);
        net.chain.mine();
        await until(() => got.length > least, { what: "callbacks" });
        await until(() => got.some(({ txid }) => txid === last.id("hex")), { what: "the last callback" });
        return { txid: tx.id("hex"), said: got.filter(({ txid }) => txid !== last.id("hex")) };
      };
      assert.deepEqual((await told([{ kind: "callbackLost" }], 0)).said, []);
      const repeated = await told([{ kind: "callbackRepeated", times: 3 }], 3);
      const { hash } = net.chain.state.blocks.at(-2) ?? { hash: "" };
      const good = { txid: repeated.txid, txStatus: "MINED", blockHash: hash, token: "Bearer t0ken" };
      assert.deepEqual(repeated.said, [good, good, good]);
      const [token] = (await told([{ kind: "callbackWrong", field: "token" }], 1)).said;
      assert.equal(token?.token, "Bearer not-the-token");
      const [lie] = (await told([{ kind: "callbackWrong", field: "status" }], 1)).said;
      assert.ok(lie?.txStatus === "MINED" && lie.blockHash === "00".repeat(32));
      const other = await told([{ kind: "callbackWrong", field: "txid" }], 1);
      assert.ok(other.said[0] && other.said[0].txid !== other.txid && other.said[0].txid.length === 64);
    } finally {
      receiver.close();
    }
  });

  it("M3: what is no rule is refused with the reason, and the old rules stay", async () => {
    await set([{ kind: "500", match: "/v1/policy" }]);
    for (const rule of [
      { kind: "explode", match: "/" },
      { kind: "500" },
      { kind: "500", match: "everything" },
      { kind: "500", match: "/", share: 2 },
      { kind: "delay", match: "/", ms: -1 },
      { kind: "callbackLost", match: "read" },
      { kind: "500", match: "/", surprise: 1 },
    ]) {
      const body = JSON.stringify({ rules: [rule] });
      assert.equal((await net.call("/dev/faults", { method: "POST", body })).status, 400, body);
    }
    assert.equal((await net.call("/v1/policy")).status, 500);
  });

  it("M3: the dice fall the same way for the same seed, otherwise for another, and about as often as the share", () => {
    const call = {
      method: "GET",
      path: "/v1/policy",
      query: new URLSearchParams(),
      headers: {},
      body: Buffer.of(),
    };
    const falls = (seed: number): string => {
      const faults = new Faults({ rules: [{ kind: "500", match: "read", share: 0.3 }], seed });
      return Array.from({ length: 1000 }, () => [...faults.striking(["500"], call)].length).join("");
    };
    assert.equal(falls(7), falls(7));
    assert.notEqual(falls(7), falls(8));
    const ones = falls(7).replaceAll("0", "").length;
    assert.ok(ones > 240 && ones < 360, String(ones));
  });
});
