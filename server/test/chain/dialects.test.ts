/** What goes out: paths, keys and headers of each network and dialect; what never does; answers without an end. */
import assert from "node:assert/strict";
import { type ChainOptions, createChain } from "../../src/chain/index.ts";
import { MAX_MONEY } from "../../standins/devchain/wire.ts";
import { arcSays, isArc, RAW, scripted } from "./script.ts";

describe("networks and dialects", () => {
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
    await assert.rejects(port.rawTx("ee".repeat(32)), { code: "UNAVAILABLE" });
    assert.ok(sent < 150, `${sent} MB were read in four tries`);
  });
});
