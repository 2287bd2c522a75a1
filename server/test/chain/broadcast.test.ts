/** Two broadcasters at a time: when the second is asked, what both words come to, orphans, rivals, headers, networks. */
import assert from "node:assert/strict";
import { type ChainOptions, createChain } from "../../src/chain/index.ts";
import { MAX_MONEY } from "../../standins/devchain/wire.ts";
import { type Asked, type Said, startProxy } from "./proxy.ts";
import { keyOf, spend, startNet } from "./support.ts";

const RAW = "01000000000000000000";
/** Of RAW: double SHA-256, as shown. */
const TXID = "d21633ba23f70118185227be58a63527675641ad37967e2aa461559f577aec43";
const RIVAL = "ee".repeat(32);

type Answers = (asked: { url: string; nth: number }) => { status?: number; body: unknown } | undefined;

/** A port whose providers answer by URL; says what was asked, and for how long it slept. */
function scripted(answers: Answers, options: Partial<ChainOptions> = {}) {
  const asked: string[] = [];
  const headers: Headers[] = [];
  const slept: number[] = [];
  const clock = { ms: 1_000_000 };
  const port = createChain(
    { network: "devchain", arcUrl: "http://arc", wocUrl: "http://woc", timeoutMs: 1_000, ...options },
    {
      now: () => clock.ms,
      sleep: async (ms) => {
        slept.push(ms);
        clock.ms += ms;
      },
      fetch: async (input, init) => {
        const url = String(input);
        asked.push(url);
        headers.push(new Headers(init?.headers));
        const said = answers({ url, nth: asked.filter((one) => one === url).length });
        if (!said) throw new Error("ECONNREFUSED");
        const body = typeof said.body === "string" ? said.body : JSON.stringify(said.body);
        return new Response(body, { status: said.status ?? 200 });
      },
    },
  );
  return { port, asked, headers, slept, clock };
}

const arcSays = (txStatus: string, more: object = {}) => ({ body: { txStatus, ...more } });
const wocSays = (message: string) => ({ status: 400, body: `unexpected response code 500: ${message}` });
const isArc = (url: string): boolean => url.startsWith("http://arc/");
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

  it("M5: ARC is asked to call back, with every status, only when somebody listens", async () => {
    const callback = { url: "https://here.example/api/chain/callback", token: "a token of ours" };
    const listening = scripted(() => arcSays("SEEN_ON_NETWORK"), { callback, arc2Url: "http://arc2" });
    await listening.port.broadcast({ rawHex: RAW });
    assert.equal(listening.headers.length, 2);
    for (const sent of listening.headers)
      assert.deepEqual(
        ["x-callbackurl", "x-callbacktoken", "x-fullstatusupdates"].map((name) => sent.get(name)),
        [callback.url, callback.token, "true"],
      );
    const deaf = scripted(() => arcSays("SEEN_ON_NETWORK"));
    await deaf.port.broadcast({ rawHex: RAW });
    assert.equal(deaf.headers[0]?.has("x-callbackurl"), false);
  });

  it("M3: each network and dialect has its paths and keys; every dialect is sent bytes", async () => {
    const cases: [Partial<ChainOptions>, string, string][] = [
      [{ network: "main" }, "http://arc/v1/tx", "http://woc/v1/bsv/main/chain/info"],
      [{ network: "test" }, "http://arc/v1/tx", "http://woc/v1/bsv/test/chain/info"],
      [{ network: "devchain" }, "http://arc/v1/tx", "http://woc/v1/bsv/main/chain/info"],
      [{ arcDialect: "arcade", wocUrl: "http://woc/" }, "http://arc/tx", "http://woc/v1/bsv/main/chain/info"],
    ];
    for (const [options, tx, info] of cases) {
      const { port, asked, headers } = scripted(
        ({ url }) => (isArc(url) ? arcSays("SEEN_ON_NETWORK") : { body: { blocks: 1, mediantime: 1 } }),
        { arcApiKey: "arc-key", wocApiKey: "woc-key", ...options },
      );
      await port.broadcast({ rawHex: RAW }, { witnesses: 1 });
      await port.tip();
      assert.deepEqual(asked, [tx, info]);
      assert.equal(headers[0]?.get("content-type"), "application/octet-stream");
      assert.deepEqual(
        headers.map((sent) => sent.get("authorization")),
        ["Bearer arc-key", "woc-key"],
      );
    }
  });

  it("M1: what is no transaction goes nowhere, and neither do two transactions given as one", async () => {
    const { port, asked } = scripted(() => arcSays("SEEN_ON_NETWORK"));
    const other = "01000000000001000000000000000000" + "00000000";
    const money = Buffer.alloc(8);
    money.writeBigUInt64LE(BigInt(MAX_MONEY) + 1n);
    for (const bad of [
      { rawHex: "" },
      { rawHex: "zz" },
      { rawHex: RAW.slice(0, -2) },
      { rawHex: `${RAW}00` },
      { rawHex: "0100000000ffffffffffffffff00000000" },
      { rawHex: "01000000fe00ffffff" },
      { rawHex: `010000000001${money.toString("hex")}0000000000` },
      { rawHex: RAW, efHex: other },
    ]) {
      const result = await port.broadcast(bad);
      assert.equal(result.outcome === "rejected" && result.code, "MALFORMED", bad.rawHex);
    }
    assert.deepEqual(asked, []);
  });

  it("M3: an answer that never ends is no answer", async () => {
    let sent = 0;
    const endless = () =>
      new ReadableStream<Uint8Array>({
        pull: (controller) => {
          sent += 1;
          controller.enqueue(new Uint8Array(1_000_000).fill(0x61));
        },
      });
    const port = createChain(
      { network: "devchain", arcUrl: "http://arc", wocUrl: "http://woc", timeoutMs: 5_000 },
      { sleep: async () => undefined, fetch: async () => new Response(endless()) },
    );
    await assert.rejects(port.rawTx(RIVAL), { code: "UNAVAILABLE" });
    assert.ok(sent < 150, `${sent} MB were read in four tries`);
  });
});
