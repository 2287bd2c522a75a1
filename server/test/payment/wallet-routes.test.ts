/** /wallet over HTTP on the devchain (protocol.md 9), the payment service's keys (M7) and carries left behind (E11). */
import { strict as assert } from "node:assert";
import { readFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { addressOf, verifyEd25519 } from "@meme-rounds/shared-schema/crypto";
import { p2pkhScript } from "@meme-rounds/shared-schema/lock";
import express from "express";
import { actor } from "../../../shared-schema/test/support/round.ts";
import { apiRouter } from "../../src/infra/http.ts";
import { createLimiter } from "../../src/infra/limiter.ts";
import { openOperatorKeystore } from "../../src/payment/keys.ts";
import { walletRoutes } from "../../src/payment/routes.ts";
import { readTransaction } from "../../src/payment/transaction.ts";
import { payTx } from "./pay.ts";
import { keystoreOptions, World } from "./world.ts";

describe("wallet routes", function () {
  this.timeout(30_000);
  let world: World;
  const servers: Server[] = [];
  let base = "";
  const who = actor("walleted");
  const address = "1BitcoinEaterAddressDontSendf59kuE";

  async function serve(routes: World["payment"]["routes"]): Promise<string> {
    const app = express();
    const limiter = createLimiter(world.redis);
    const authenticate = () => Promise.reject(new Error("not asked for"));
    app.use("/api", apiRouter(routes, { authenticate, limiter, logger: world.logger }));
    const server = createServer(app);
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const at = server.address();
    assert.ok(typeof at === "object" && at !== null);
    return `http://127.0.0.1:${at.port}/api`;
  }
  async function call(
    path: string,
    body?: object,
  ): Promise<{ status: number; json: Record<string, unknown> }> {
    const init = {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    };
    const answer = await fetch(base + path, body === undefined ? {} : init);
    return { status: answer.status, json: (await answer.json()) as Record<string, unknown> };
  }

  it("M9 M10 a page is told which network this is and where to read it without us", async () => {
    const url = new URL(world.net.url).origin;
    assert.deepEqual((await call("/network")).json, { network: "devchain", wocUrl: url });
    const main = await serve(walletRoutes({ network: "main", faucetUrl: url }, { chain: world.net.port }));
    const answer = await fetch(`${main}/network`);
    assert.deepEqual(await answer.json(), { network: "main", wocUrl: "https://api.whatsonchain.com" });
  });

  before(async () => {
    world = await World.start();
    base = await serve(world.payment.routes);
  });
  after(async () => {
    for (const server of servers) server.close();
    await world.stop();
  });

  it("I3 faucet, coins, broadcast, transaction and fee, as documented", async () => {
    const fed = await call("/wallet/faucet", { address, sats: 5_000 });
    assert.equal(fed.status, 200);
    const { txid, vout, sats, tx } = fed.json;
    assert.equal(sats, 5_000);
    assert.equal(readTransaction(String(tx))?.txid, txid);
    assert.deepEqual((await call(`/wallet/${address}/utxos`)).json, { utxos: [{ txid, vout, sats: 5_000 }] });
    assert.deepEqual((await call("/wallet/fee")).json, { satPerKb: 100 });

    const coin = await world.coin(who, 9_000);
    const sent = payTx(who, coin, [{ sats: 2_000, script: p2pkhScript(who.playKey) }]);
    const id = readTransaction(sent.rawHex)?.txid;
    for (const form of [sent.efHex, sent.rawHex])
      assert.deepEqual((await call("/wallet/broadcast", { tx: form })).json, { txid: id, status: "seen" });
    assert.deepEqual((await call(`/wallet/tx/${id}`)).json, { tx: sent.rawHex, status: "seen" });
    const other = payTx(who, coin, [{ sats: 3_000, script: p2pkhScript(who.playKey) }]);
    const refused = await call("/wallet/broadcast", { tx: other.rawHex });
    assert.deepEqual([refused.status, refused.json.code], [422, "NETWORK_REFUSED"]);
    const mined = (await (await world.net.call("/dev/mine", { method: "POST" })).json()) as {
      height: number;
    };
    assert.deepEqual((await call(`/wallet/tx/${id}`)).json, {
      tx: sent.rawHex,
      status: "mined",
      height: mined.height,
    });
  });
  it("bad input gets its code and changes nothing", async () => {
    const cases: [string, object | undefined, number, string][] = [
      ["/wallet/not-an-address/utxos", undefined, 400, "BAD_REQUEST"],
      [`/wallet/tx/${"g".repeat(64)}`, undefined, 400, "BAD_REQUEST"],
      [`/wallet/tx/${"a".repeat(64)}`, undefined, 404, "NOT_FOUND"],
      ["/wallet/broadcast", { tx: "zz" }, 400, "BAD_REQUEST"],
      ["/wallet/broadcast", { tx: "0100000001" }, 400, "BAD_REQUEST"],
      ["/wallet/broadcast", {}, 400, "BAD_REQUEST"],
      ["/wallet/faucet", { address, sats: 999 }, 400, "BAD_REQUEST"],
      ["/wallet/faucet", { address, sats: 1_000_001 }, 400, "BAD_REQUEST"],
      ["/wallet/faucet", { address: "1".repeat(30), sats: 5_000 }, 422, "ADDRESS_WRONG"],
      [`/wallet/${addressOf(who.playKey, "test")}/utxos`, undefined, 422, "ADDRESS_WRONG"],
      [`/wallet/${address.replace("Eater", "Eatez")}/utxos`, undefined, 422, "ADDRESS_WRONG"],
    ];
    for (const [path, body, status, code] of cases) {
      const { status: got, json } = await call(path, body);
      assert.deepEqual([got, json.code], [status, code], path);
    }
  });
  it("there is no faucet on another network, whatever the settings say", async () => {
    const was = base;
    base = await serve(
      walletRoutes({ network: "main", faucetUrl: world.net.url }, { chain: world.net.port }),
    );
    const { status, json } = await call("/wallet/faucet", { address, sats: 5_000 });
    assert.deepEqual([status, json.code], [404, "FAUCET_OFF"]);
    base = was;
  });

  it("R9 a receipt verifies under the published receipt key", () => {
    const bytes = new TextEncoder().encode("MRA1");
    const { receiptKey } = world.payment.keys();
    assert.ok(verifyEd25519(bytes, world.payment.signReceipt(bytes, receiptKey), receiptKey));
    assert.throws(() => world.payment.signReceipt(bytes, "ab".repeat(32)), { code: "KEYSTORE_KEY_MISSING" });
  });
  it("M7 keys are made once, stay, and no secret stands in the file", async () => {
    const options = keystoreOptions(world.folder);
    const keystore = await openOperatorKeystore(options);
    assert.equal(keystore.publicKeyOf("operator"), world.payment.keys().operatorKey);
    const text = await readFile(options.path, "utf8");
    assert.ok(!text.includes(Buffer.from(keystore.secretOf("operator")).toString("hex")));
    await assert.rejects(openOperatorKeystore({ ...options, passphrase: "another" }), {
      code: "KEYSTORE_PASSPHRASE_WRONG",
    });
    await assert.rejects(
      openOperatorKeystore({ ...options, path: `${options.path}.none`, createIfAbsent: false }),
      { code: "KEYSTORE_ABSENT" },
    );
    const both = { ...options, path: `${options.path}.both` };
    const [one, two] = await Promise.all([openOperatorKeystore(both), openOperatorKeystore(both)]);
    assert.equal(one.publicKeyOf("operator"), two.publicKeyOf("operator"));
  });
  it("E11 a carry claimed for a round that never opened is free again after an hour", async () => {
    const coin = { roundId: "main-600", txid: "ab".repeat(32), vout: 1, sats: 700 };
    await world.carry.consumed("main", "main-600", coin);
    assert.deepEqual(await world.carry.claim("main", "main-1200", 1_000), [coin]);
    await world.carry.freeAbandoned(1_000 + 3_599_999, async () => false);
    assert.deepEqual(await world.carry.claim("main", "main-1800", 2_000), []);
    await world.carry.freeAbandoned(1_000 + 3_600_000, async () => true);
    assert.deepEqual(await world.carry.claim("main", "main-2400", 2_000), []);
    await world.carry.freeAbandoned(1_000 + 3_600_000, async () => false);
    assert.deepEqual(await world.carry.claim("main", "main-3000", 3_000), [coin]);
  });
});
