/** Callbacks as hints: who may call, what is read of a call, and that nobody believes one before asking again. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import express from "express";
import { register } from "prom-client";
import { type CallbackHub, callbackRoutes, createCallbackHub, type TxStatus } from "../../src/chain/index.ts";
import { readConfig } from "../../src/config.ts";
import { apiRouter } from "../../src/infra/http.ts";
import { createLogger } from "../../src/infra/logger.ts";
import { callbackOf } from "../../src/processes/chain.ts";
import { until } from "../support/wait.ts";
import { keyOf, spend, startNet } from "./support.ts";

const TOKEN = "the token of these tests";
const A = "aa".repeat(32);
const B = "bb".repeat(32);
const golden = JSON.parse(readFileSync(new URL("golden/callbacks.json", import.meta.url), "utf8"));

interface Edge {
  url: string;
  close(): Promise<void>;
}

async function serve(onHint: (txid: string) => void): Promise<Edge> {
  const app = express();
  const nobody = async () => assert.fail("no caller is asked for");
  app.use(
    "/api",
    apiRouter(callbackRoutes({ token: TOKEN }, { onHint }), {
      authenticate: nobody,
      limiter: { take: async () => undefined },
      logger: createLogger("test", "silent"),
    }),
  );
  const server: Server = createServer(app);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  assert.ok(typeof address === "object" && address);
  return {
    url: `http://127.0.0.1:${address.port}/api/chain/callback`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

describe("callback route", () => {
  let hints: string[] = [];
  let edge: Edge;
  before(async () => {
    edge = await serve((txid) => void hints.push(txid));
  });
  after(() => edge.close());
  beforeEach(() => {
    hints = [];
  });

  const post = async (body: unknown, token?: string): Promise<number> => {
    const answer = await fetch(edge.url, {
      method: "POST",
      headers: { "content-type": "application/json", ...(token ? { authorization: token } : {}) },
      body: typeof body === "string" ? body : JSON.stringify(body),
    });
    await answer.body?.cancel();
    return answer.status;
  };
  const bearer = `Bearer ${TOKEN}`;

  it("M5: without the token, with a wrong or half of one, the answer is 401 and nothing is hinted", async () => {
    for (const token of [
      undefined,
      "Bearer wrong",
      `Bearer ${TOKEN.slice(0, -1)}`,
      `Bearer ${TOKEN}x`,
      TOKEN,
      "Bearer ",
    ])
      for (const body of [golden.single, golden.batch, { nonsense: true }])
        assert.equal(await post(body, token), 401);
    assert.deepEqual(hints, []);
  });

  it("M5: one, a minimal one, and a batch of ARC's are understood, each txid once", async () => {
    assert.equal(await post(golden.single, bearer), 200);
    assert.equal(await post(golden.minimal, bearer), 200);
    assert.deepEqual(hints, [golden.single.txid, golden.single.txid]);
    hints = [];
    const { callbacks } = golden.batch;
    assert.equal(await post({ count: 3, callbacks: [...callbacks, callbacks[0]] }, bearer), 200);
    assert.deepEqual(hints, [callbacks[0].txid, callbacks[1].txid]);
  });

  it("M5: bodies that are none of ARC's are 400, and nothing of them is hinted", async () => {
    const many = Array.from({ length: 51 }, () => ({ txid: A }));
    for (const body of [
      {},
      [],
      "not json",
      { txid: "short" },
      { txid: A.toUpperCase() },
      { txid: [A] },
      { callbacks: [{ txid: A }, { txid: 5 }] },
      { count: 51, callbacks: many },
    ])
      assert.equal(await post(body, bearer), 400, JSON.stringify(body).slice(0, 60));
    assert.deepEqual(hints, []);
    assert.equal(await post({ count: 50, callbacks: many.slice(1) }, bearer), 200);
  });
});

describe("callback hub", () => {
  const results = async (): Promise<Record<string, number>> =>
    Object.fromEntries(
      ((await register.getSingleMetric("mr_chain_callbacks_total")?.get())?.values ?? []).map(
        ({ labels, value }) => [String(labels.result), value],
      ),
    );

  function scripted() {
    const asked: string[] = [];
    const replies: ((status: TxStatus | Error) => void)[] = [];
    const hub = createCallbackHub({
      status: (txid) => {
        asked.push(txid);
        return new Promise((resolve, reject) => {
          replies.push((status) => (status instanceof Error ? reject(status) : resolve(status)));
        });
      },
    });
    const reply = async (status: TxStatus | Error): Promise<void> => {
      const next = replies.shift();
      assert.ok(next, "nothing was asked");
      next(status);
      await new Promise((resolve) => setImmediate(resolve));
    };
    return { hub, asked, reply };
  }

  it("M5: an unknown txid is ignored and counted: no question goes out", async () => {
    const { hub, asked } = scripted();
    const had = (await results()).unknown ?? 0;
    hub.subscribe(A, () => assert.fail("not asked for"));
    hub.hint(B);
    assert.deepEqual(asked, []);
    assert.equal((await results()).unknown, had + 1);
  });

  it("M5: many calls for one transaction are one question, and one more for what came meanwhile", async () => {
    const { hub, asked, reply } = scripted();
    const told: TxStatus[] = [];
    hub.subscribe(A, (status) => void told.push(status));
    for (let call = 0; call < 20; call++) hub.hint(A);
    assert.equal(asked.length, 1);
    await reply({ state: "seen" });
    assert.equal(asked.length, 2);
    await reply({ state: "mined", height: 5, blockHash: "cc" });
    assert.equal(asked.length, 2);
    hub.hint(A);
    await reply({ state: "mined", height: 5, blockHash: "cc" });
    assert.deepEqual(told, [{ state: "seen" }, { state: "mined", height: 5, blockHash: "cc" }]);
  });

  it("M5: a status that cannot be read tells nobody anything, and the next call asks again", async () => {
    const { hub, reply } = scripted();
    const told: TxStatus[] = [];
    hub.subscribe(A, (status) => void told.push(status));
    hub.hint(A);
    await reply(new Error("down"));
    assert.deepEqual(told, []);
    hub.hint(A);
    await reply({ state: "seen" });
    assert.deepEqual(told, [{ state: "seen" }]);
  });

  it("M5: who has left hears nothing, the others do; the last one to leave closes the matter", async () => {
    const { hub, asked, reply } = scripted();
    const told: string[] = [];
    const leave = hub.subscribe(A, () => void told.push("first"));
    const leaveToo = hub.subscribe(A, () => void told.push("second"));
    hub.hint(A);
    leave();
    await reply({ state: "seen" });
    assert.deepEqual(told, ["second"]);
    leaveToo();
    hub.hint(A);
    assert.equal(asked.length, 1);
  });

  it("M5: on a chain: a forged call for a payment changes nothing, the real ones lead to its block", async () => {
    const told: TxStatus[] = [];
    const held: { hub?: CallbackHub } = {};
    const edge = await serve((txid) => held.hub?.hint(txid));
    const net = await startNet({}, {}, async () => ({ callback: { url: edge.url, token: TOKEN } }));
    try {
      held.hub = createCallbackHub(net.port);
      const tx = await spend(await net.fund(keyOf(61), 50_000), keyOf(61));
      const txid = tx.id("hex");
      held.hub.subscribe(txid, (status) => void told.push(status));
      await net.port.broadcast(tx);
      const forged = { txid, txStatus: "MINED", blockHeight: 99, blockHash: "ff".repeat(32) };
      const answer = await fetch(edge.url, {
        method: "POST",
        headers: { "content-type": "application/json", authorization: `Bearer ${TOKEN}` },
        body: JSON.stringify(forged),
      });
      assert.equal(answer.status, 200);
      await until(() => told.length > 0, { what: "the status" });
      assert.deepEqual(told, [{ state: "seen" }]);
      net.chain.mine();
      const { height } = await net.port.tip();
      await until(() => told.length > 1, { what: "the block" });
      const blockHash = net.chain.state.blocks.at(-1)?.hash ?? "";
      assert.deepEqual(told[1], { state: "mined", height, blockHash });
    } finally {
      await net.close();
      await edge.close();
    }
  });

  it("O7: an address without a token, or a token without an address, is refused at boot", () => {
    const env = { KEYSTORE_PASSPHRASE: "only for tests" };
    const url = "https://here.example/api/chain/callback";
    assert.equal(callbackOf(readConfig(env)), undefined);
    const both = { ...env, CALLBACK_URL: url, CALLBACK_TOKEN: TOKEN };
    assert.deepEqual(callbackOf(readConfig(both)), { url, token: TOKEN });
    assert.throws(() => callbackOf(readConfig({ ...env, CALLBACK_URL: url })), /CALLBACK_TOKEN/);
    assert.throws(() => callbackOf(readConfig({ ...env, CALLBACK_TOKEN: TOKEN })), /CALLBACK_URL/);
    assert.throws(() => readConfig({ ...both, CALLBACK_TOKEN: "short" }), /CALLBACK_TOKEN/);
  });
});
