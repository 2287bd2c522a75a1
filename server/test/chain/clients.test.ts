/** What the port makes of odd providers: a scripted fetch and a clock that only moves when told. */
import assert from "node:assert/strict";
import { createTokenBucket } from "../../src/chain/http-client.ts";
import { type ChainOptions, createChain } from "../../src/chain/index.ts";
import { keyOf, spend, startNet } from "./support.ts";

type Reply = { status?: number; body: unknown } | Error;

/** A port whose every request takes the next reply; says what was asked and how long it slept. */
function scripted(replies: Reply[], options: Partial<ChainOptions> = {}) {
  const asked: string[] = [];
  const slept: number[] = [];
  const clock = { ms: 1_000_000 };
  const port = createChain(
    { network: "devchain", arcUrl: "http://arc", wocUrl: "http://woc/", timeoutMs: 1_000, ...options },
    {
      now: () => clock.ms,
      sleep: async (ms) => {
        slept.push(ms);
        clock.ms += ms;
      },
      fetch: async (input) => {
        asked.push(String(input));
        const reply = replies.shift();
        if (!reply) throw new Error("no reply is left");
        if (reply instanceof Error) throw reply;
        const body = typeof reply.body === "string" ? reply.body : JSON.stringify(reply.body);
        return new Response(body, { status: reply.status ?? 200 });
      },
    },
  );
  return { port, asked, slept, clock };
}

const RAW = "01000000000000000000";
const OTHER = "ee".repeat(32);

describe("ChainPort: odd providers", () => {
  const outcome = async (reply: Reply): Promise<string> => {
    const result = await scripted([reply]).port.broadcast({ rawHex: RAW });
    return result.outcome === "rejected" ? result.code : result.outcome;
  };
  const arc = (txStatus: string, more: object = {}): Reply => ({ body: { txStatus, txid: OTHER, ...more } });
  const problem = (status: number, extraInfo = ""): Reply => ({
    status,
    body: { title: "t", status, detail: "d", extraInfo },
  });

  const cases: [string, Reply, string][] = [
    ["seen", arc("SEEN_ON_NETWORK"), "seen"],
    ["mined with competitors", arc("MINED", { competingTxs: [OTHER] }), "seen"],
    ["Arcade's SEEN_MULTIPLE_NODES", arc("SEEN_MULTIPLE_NODES"), "seen"],
    ["seen, but with a competitor", arc("SEEN_ON_NETWORK", { competingTxs: [OTHER] }), "conflict"],
    ["double spend without names", arc("DOUBLE_SPEND_ATTEMPTED", { competingTxs: null }), "conflict"],
    ["orphan", arc("SEEN_IN_ORPHAN_MEMPOOL"), "pending"],
    ["stale block", arc("MINED_IN_STALE_BLOCK"), "pending"],
    ["stored", arc("STORED"), "pending"],
    ["a status of tomorrow", arc("TELEPORTED"), "pending"],
    ["rejected for missing inputs", arc("REJECTED", { extraInfo: "Missing inputs" }), "pending"],
    ["rejected for a conflict", arc("REJECTED", { extraInfo: "258: txn-mempool-conflict" }), "conflict"],
    ["rejected", arc("REJECTED", { extraInfo: "64: dust" }), "REFUSED"],
    ["an error that says it is known", problem(409, "Transaction already in the mempool"), "seen"],
    ["parents unknown", problem(460), "pending"],
    ["script", problem(461), "SCRIPT"],
    ["fee", problem(465), "FEE"],
    ["conflict", problem(466), "conflict"],
    ["frozen", problem(471), "FROZEN"],
    ["a bad key", problem(401), "pending"],
    ["too many requests", problem(429), "pending"],
    ["server error", problem(503), "pending"],
    ["a proxy's 400 page", { status: 400, body: "<html>Bad Request</html>" }, "pending"],
    ["a 200 that is no answer", { body: "<html>" }, "pending"],
    ["no answer", new Error("ECONNRESET"), "pending"],
  ];
  for (const [name, reply, expected] of cases) {
    it(`M3: broadcast: ${name} means ${expected}`, async () => assert.equal(await outcome(reply), expected));
  }

  it("M3: the txid is our own whatever the provider says, and a time-out is pending", async () => {
    const result = await scripted([arc("SEEN_ON_NETWORK")]).port.broadcast({ rawHex: RAW });
    assert.notEqual(result.txid, OTHER);
    const net = await startNet();
    const tx = await spend(await net.fund(keyOf(5), 9_000), keyOf(5));
    const hung = createChain(
      { network: "devchain", arcUrl: net.url, wocUrl: net.url, timeoutMs: 30 },
      {
        fetch: (_, init) =>
          new Promise((_resolve, reject) => {
            init?.signal?.addEventListener("abort", () => reject(init.signal?.reason));
          }),
      },
    );
    assert.equal((await hung.broadcast(tx)).outcome, "pending");
    await net.close();
  });

  it("M5: a conflict that a block has settled is mined; an unknown one is asked for elsewhere", async () => {
    const woc = { body: [{ txid: OTHER, blockhash: "aa", blockheight: 7 }] };
    const mined = { state: "mined", height: 7, blockHash: "aa" };
    const stuck = scripted([arc("DOUBLE_SPEND_ATTEMPTED", { competingTxs: ["bb"] }), woc]);
    assert.deepEqual(await stuck.port.status(OTHER), mined);
    assert.deepEqual(await scripted([{ status: 404, body: {} }, woc]).port.status(OTHER), mined);
    const down = Array.from({ length: 4 }, () => new Error("down"));
    assert.deepEqual(await scripted([...down, woc]).port.status(OTHER), mined);
  });

  it("M8: the rate is clamped, kept for 5 minutes, and 100 while nobody answers", async () => {
    const policy = (satoshis: number, bytes: number): Reply => ({
      body: { policy: { miningFee: { satoshis, bytes } } },
    });
    const down = Array.from({ length: 4 }, () => new Error("down"));
    const { port, clock, asked } = scripted([...down, policy(5, 1000), policy(49, 1000), policy(9, 50)]);
    assert.equal(await port.feeRate(), 100);
    clock.ms += 30_000;
    assert.equal(await port.feeRate(), 5);
    clock.ms += 299_999;
    assert.equal(await port.feeRate(), 5);
    assert.equal(asked.length, 5);
    clock.ms += 1;
    assert.deepEqual(await Promise.all([port.feeRate(), port.feeRate()]), [49, 49]);
    clock.ms += 300_000;
    assert.equal(await port.feeRate(), 180);
  });

  it("M1: coins are paged, spent ones left out, 429 waited for, errors not taken for empty", async () => {
    const item = (tx_pos: number, more: object = {}) => ({ tx_hash: OTHER, tx_pos, value: 5, ...more });
    const { port, asked, slept } = scripted([
      { status: 429, body: "Too Many Requests" },
      {
        body: {
          result: [item(0, { height: 3 }), item(1, { isSpentInMempoolTx: true })],
          nextPageToken: "p2",
        },
      },
      { body: { result: [item(2)], error: "" } },
      { body: { result: [], error: "index is behind" } },
    ]);
    assert.deepEqual(await port.utxosOfAddress("addr"), [
      { txid: OTHER, vout: 0, sats: 5, height: 3 },
      { txid: OTHER, vout: 2, sats: 5 },
    ]);
    assert.equal(asked.at(-1), "http://woc/v1/bsv/main/address/addr/unspent/all?token=p2");
    assert.ok(slept.reduce((sum, ms) => sum + ms, 0) >= 1_000);
    await assert.rejects(port.utxosOfAddress("addr"), { code: "UNAVAILABLE" });
  });

  it("M4: a raw transaction loses its quotes, and another one than asked for is refused", async () => {
    const { port } = scripted([{ body: `"${RAW}"` }, { body: RAW }, { status: 404, body: "" }]);
    const result = await scripted([arc("SEEN_ON_NETWORK")]).port.broadcast({ rawHex: RAW });
    assert.equal(await port.rawTx(result.txid), RAW);
    await assert.rejects(port.rawTx(OTHER), { code: "UNAVAILABLE" });
    assert.equal(await port.rawTx(OTHER), undefined);
  });

  it("M1: no second has more requests than allowed, and none is lost", async () => {
    let ms = 0;
    const at: number[] = [];
    const { turn, pause, waitMs } = createTokenBucket(3, {
      now: () => ms,
      sleep: async (wait) => void at.push(ms + wait),
    });
    for (let i = 0; i < 7; i++) await turn();
    assert.deepEqual(at, [1000, 1000, 1000, 2000]);
    assert.equal(waitMs(), 2000);
    ms = 10_000;
    assert.equal(waitMs(), 0);
    for (let i = 0; i < 3; i++) await turn();
    assert.equal(at.length, 4);
    ms = 20_000;
    pause(700);
    await turn();
    assert.equal(at.at(-1), 20_700);
  });
});
