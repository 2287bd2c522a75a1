/** Two broadcasters at a time: when the second is asked, what both words come to, orphans, rivals. */
import assert from "node:assert/strict";
import { createChain } from "../../src/chain/index.ts";
import { type Asked, type Said, startProxy } from "./proxy.ts";
import { arcSays, isArc, RAW, scripted, TXID } from "./script.ts";
import { keyOf, spend, startNet } from "./support.ts";

const RIVAL = "ee".repeat(32);

const wocSays = (message: string) => ({ status: 400, body: `unexpected response code 500: ${message}` });
const isSend = (url: string): boolean => url.endsWith("/tx/raw");

describe("two broadcasters", () => {
  const words = {
    accept: "SEEN_ON_NETWORK",
    refuse: "REJECTED",
    conflict: "DOUBLE_SPEND_ATTEMPTED",
    unclear: "STORED",
  };
  type Word = keyof typeof words;
  const table: [Word, Word, string][] = [
    ["accept", "accept", "seen by 2"],
    ["accept", "refuse", "seen by 1"],
    ["accept", "unclear", "seen by 1"],
    ["accept", "conflict", "conflict"],
    ["refuse", "accept", "seen by 1"],
    ["refuse", "refuse", "rejected"],
    ["refuse", "unclear", "rejected"],
    ["refuse", "conflict", "conflict"],
    ["unclear", "accept", "seen by 1"],
    ["unclear", "unclear", "pending"],
    ["unclear", "refuse", "rejected"],
    ["conflict", "accept", "conflict"],
    ["conflict", "conflict", "conflict"],
  ];
  for (const [first, second, expected] of table)
    it(`M3: one says ${first}, the other ${second}: ${expected}`, async () => {
      const { port } = scripted(
        ({ url }) => {
          if (isArc(url)) return arcSays(words[first]);
          return url.startsWith("http://arc2/") ? arcSays(words[second]) : undefined;
        },
        { arc2Url: "http://arc2" },
      );
      const result = await port.broadcast({ rawHex: RAW });
      const said = result.outcome === "seen" ? `seen by ${result.witnesses}` : result.outcome;
      assert.equal(said, expected);
    });

  it("M3: both are asked at a time: neither waits for the other's answer", async () => {
    const waiting: (() => void)[] = [];
    const port = createChain(
      {
        network: "devchain",
        arcUrl: "http://arc",
        wocUrl: "http://woc",
        arc2Url: "http://arc2",
        timeoutMs: 5_000,
      },
      {
        fetch: async () => {
          await new Promise<void>((resolve) => {
            waiting.push(resolve);
            if (waiting.length === 2) for (const go of waiting) go();
          });
          return new Response(JSON.stringify({ txStatus: "SEEN_ON_NETWORK" }));
        },
      },
    );
    assert.equal((await port.broadcast({ rawHex: RAW })).outcome, "seen");
  });

  it("M3: WhatsOnChain is asked when its turn is near, or when it must be, and not else", async () => {
    const run = async (witnesses?: 1 | 2) => {
      const { port, asked, slept } = scripted(
        ({ url }) =>
          isArc(url)
            ? arcSays("SEEN_ON_NETWORK")
            : isSend(url)
              ? wocSays("Transaction already in the mempool")
              : { status: 404, body: "" },
        { wocRequestsPerSecond: 3 },
      );
      for (let busy = 0; busy < 6; busy++) await port.spentBy(RIVAL, busy);
      const queued = Promise.all([7, 8, 9].map((vout) => port.spentBy(RIVAL, vout)));
      const result = await port.broadcast({ rawHex: RAW }, witnesses ? { witnesses } : {});
      await queued;
      return { result, sends: asked.filter(isSend).length, slept };
    };
    const quick = scripted(({ url }) =>
      isArc(url) ? arcSays("SEEN_ON_NETWORK") : wocSays("Transaction already in the mempool"),
    );
    assert.deepEqual(await quick.port.broadcast({ rawHex: RAW }), {
      outcome: "seen",
      txid: (await quick.port.broadcast({ rawHex: RAW })).txid,
      witnesses: 2,
    });
    assert.equal((await run(1)).sends, 0);
    assert.equal((await run()).sends, 0, "the queue is longer than a second");
    assert.equal((await run(2)).sends, 1);
  });

  it("M3: Missing inputs is looked at three times and ends nothing; the bytes are sent once", async () => {
    const { port, asked, slept } = scripted(({ url }) => {
      if (isArc(url)) return { status: 502, body: "<html>" };
      if (isSend(url)) return wocSays("Missing inputs");
      return { body: [{ txid: TXID, error: "unknown" }] };
    });
    const result = await port.broadcast({ rawHex: RAW });
    assert.equal(result.outcome, "pending");
    assert.equal(asked.filter((url) => isArc(url) && url.endsWith("/tx")).length, 1);
    assert.equal(asked.filter(isSend).length, 1);
    assert.deepEqual(slept, [200, 400, 800]);
  });

  it("M3: an orphan whose parent has come by the third look is seen", async () => {
    const { port, slept } = scripted(({ url, nth }) => {
      if (isArc(url)) return arcSays("SEEN_IN_ORPHAN_MEMPOOL");
      if (isSend(url)) return wocSays("Missing inputs");
      return { body: [nth < 3 ? { txid: TXID, error: "unknown" } : { txid: TXID }] };
    });
    assert.deepEqual(await port.broadcast({ rawHex: RAW }), { outcome: "seen", txid: TXID, witnesses: 1 });
    assert.equal(slept.length, 3);
  });

  it("M3: a conflict of which ARC says no more is named by who spent the coins, and settled by a block", async () => {
    const net = await startNet();
    const hides = await startProxy(net.url, {
      after: (_: Asked, said: Said) => ({
        ...said,
        body: said.body.replace(/"competingTxs":\[[^\]]*\]/, '"competingTxs":null'),
      }),
    });
    try {
      const coin = await net.fund(keyOf(41), 50_000);
      const first = await spend(coin, keyOf(41));
      const second = await spend(coin, keyOf(41), { sats: 2_000 });
      const port = createChain({ network: "devchain", arcUrl: hides.url, wocUrl: net.url, timeoutMs: 5_000 });
      await port.broadcast(first);
      const [id1, txid] = [first.id("hex"), second.id("hex")];
      const verdict = { outcome: "conflict", txid, competing: [id1] };
      assert.deepEqual(await port.broadcast(second), verdict);
      net.chain.mine();
      const lostTo = { txid: id1, outpoint: `${coin.id("hex")}:0` };
      assert.deepEqual(await port.broadcast(second), { ...verdict, lostTo });
    } finally {
      await hides.close();
      await net.close();
    }
  });

  it("M3: a mined transaction that ARC calls a rival, and that takes no coin of ours, kills nothing", async () => {
    const net = await startNet();
    const stranger = await net.fund(keyOf(42), 7_000);
    net.chain.mine();
    const lies = await startProxy(net.url, {
      before: ({ method, path }) =>
        method === "POST" && path === "/v1/tx"
          ? {
              status: 200,
              body: JSON.stringify({
                txStatus: "DOUBLE_SPEND_ATTEMPTED",
                competingTxs: [stranger.id("hex")],
              }),
            }
          : undefined,
    });
    try {
      const tx = await spend(await net.fund(keyOf(41), 50_000), keyOf(41));
      const port = createChain({ network: "devchain", arcUrl: lies.url, wocUrl: net.url, timeoutMs: 5_000 });
      const result = await port.broadcast(tx);
      assert.deepEqual(result, { outcome: "conflict", txid: tx.id("hex"), competing: [stranger.id("hex")] });
    } finally {
      await lies.close();
      await net.close();
    }
  });

  it("M3: a conflict of what is in a block by now is none", async () => {
    const net = await startNet();
    const stuck = await startProxy(net.url, {
      after: ({ path }, said) =>
        path.startsWith("/v1/tx")
          ? { ...said, body: said.body.replace(/"txStatus":"\w+"/, '"txStatus":"DOUBLE_SPEND_ATTEMPTED"') }
          : said,
    });
    try {
      const tx = await spend(await net.fund(keyOf(41), 50_000), keyOf(41));
      await net.port.broadcast(tx);
      net.chain.mine();
      const port = createChain({ network: "devchain", arcUrl: stuck.url, wocUrl: net.url, timeoutMs: 5_000 });
      assert.equal((await port.broadcast(tx)).outcome, "seen");
      assert.equal((await port.status(tx.id("hex"))).state, "mined");
    } finally {
      await stuck.close();
      await net.close();
    }
  });
});
