/** ARC's callbacks from the devchain: order, token, retries. */
import assert from "node:assert/strict";
import { createServer, type Server } from "node:http";
import type { Transaction } from "@bsv/sdk";
import { until } from "../support/wait.ts";
import { keyOf, type Net, spend, startNet } from "./support.ts";

const alice = keyOf(21);

describe("devchain: callbacks", () => {
  let net: Net;
  let receiver: Server;
  let url: string;
  const got: { txStatus: string; txid: string; auth: string | undefined }[] = [];
  let failures = 0;
  before(async () => {
    net = await startNet();
    receiver = createServer(async (request, response) => {
      const parts: Buffer[] = [];
      for await (const part of request) if (Buffer.isBuffer(part)) parts.push(part);
      if (failures > 0) {
        failures -= 1;
        response.writeHead(503).end();
        return;
      }
      const { txStatus, txid } = JSON.parse(Buffer.concat(parts).toString());
      got.push({ txStatus, txid, auth: request.headers.authorization });
      response.end();
    });
    await new Promise<void>((resolve) => receiver.listen(0, "127.0.0.1", resolve));
    const address = receiver.address();
    assert.ok(typeof address === "object" && address);
    url = `http://127.0.0.1:${address.port}/cb`;
  });
  after(async () => {
    await net.close();
    receiver.close();
  });

  const send = (tx: Transaction, full: boolean) =>
    net.call("/v1/tx", {
      method: "POST",
      headers: { "X-CallbackUrl": url, "X-CallbackToken": "t0ken", "X-FullStatusUpdates": String(full) },
      body: tx.toHex(),
    });
  const statusesOf = (tx: Transaction) =>
    got.filter(({ txid }) => txid === tx.id("hex")).map(({ txStatus }) => txStatus);

  it("M5: MINED comes by default, in order and with the token, after retries", async () => {
    failures = 2;
    const coin = await net.fund(alice, 50_000);
    const tx = await spend(coin, alice);
    await send(tx, false);
    await net.port.broadcast(await spend(coin, alice, { sats: 2_000 }));
    net.chain.mine();
    net.chain.reorg(1);
    await until(() => statusesOf(tx).length === 4, { what: "four callbacks" });
    assert.deepEqual(statusesOf(tx), ["DOUBLE_SPEND_ATTEMPTED", "MINED", "MINED_IN_STALE_BLOCK", "MINED"]);
    assert.ok(got.every(({ auth }) => auth === "Bearer t0ken"));
  });

  it("M5: all statuses come when asked for", async () => {
    const tx = await spend(await net.fund(alice, 50_000), alice);
    await send(tx, true);
    net.chain.mine();
    net.chain.reorg(1);
    const all = ["MINED", "MINED_IN_STALE_BLOCK", "SEEN_ON_NETWORK", "MINED"];
    await until(() => statusesOf(tx).length >= all.length, { what: "all callbacks" });
    assert.deepEqual(statusesOf(tx).slice(-all.length), all);
  });
});
