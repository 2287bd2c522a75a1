/** M7: the operator's coins: reserved by name, once; pre-split, gathered, moved to the newest key. */
import { strict as assert } from "node:assert";
import { addressOf } from "@meme-rounds/shared-schema/crypto";
import { p2pkhScript } from "@meme-rounds/shared-schema/lock";
import { type OperatorCoin, outpointOf, sumOf } from "@meme-rounds/shared-schema/settlement";
import { register } from "prom-client";
import { z } from "zod";
import { actor } from "../../../shared-schema/test/support/round.ts";
import type { ChainPort } from "../../src/chain/index.ts";
import { createDevFaucet } from "../../src/chain/index.ts";
import { createDigestSigner } from "../../src/infra/ecdsa.ts";
import { createLogger } from "../../src/infra/logger.ts";
import { createRedis, type Redis } from "../../src/infra/redis.ts";
import { FloatEmpty, HotWallet } from "../../src/payment/hot-wallet.ts";
import { Lanes } from "../../src/payment/lanes.ts";
import { keyByScript } from "../../src/payment/settlement/sign.ts";
import { type Net, startNet } from "../chain/support.ts";
import { startRedis, type TestRedis } from "../support/redis.ts";

const LANE = 100_000;
const orderSchema = z.object({ txid: z.string(), rawHex: z.string() });

describe("hot wallet", function () {
  this.timeout(30_000);
  const logger = createLogger("test", "silent");
  const older = actor("operator before");
  const current = actor("operator now");
  let net: Net;
  let testRedis: TestRedis;
  let redis: Redis;
  before(async () => {
    testRedis = await startRedis();
    redis = createRedis(testRedis.url);
  });
  after(async () => {
    await redis.quit();
    await testRedis.close();
  });
  beforeEach(async () => {
    await redis.flushall();
    net = await startNet();
  });
  afterEach(() => net.close());

  const keysOf = (rotated: boolean) => (rotated ? [older, current] : [older]);
  const wallet = (rotated = false, chain: Pick<ChainPort, "utxosOfAddress"> = net.port): HotWallet =>
    new HotWallet(
      { network: "devchain", lowSats: 250_000, capSats: 5_000_000 },
      { redis, chain, operatorKeys: () => keysOf(rotated).map(({ playKey }) => playKey), logger },
    );
  const lanes = (rotated = false, chain: ChainPort = net.port, withFaucet = false): Lanes =>
    new Lanes(
      { lanes: 6, laneSats: LANE },
      {
        redis,
        chain,
        wallet: wallet(rotated),
        forScript: keyByScript(
          "operator",
          [older, current].map(({ playKey }) => playKey),
          (key) => (key === older.playKey ? older.secret : current.secret),
          createDigestSigner(),
        ),
        ...(withFaucet ? { faucet: createDevFaucet({ url: net.url, timeoutMs: 5_000 }) } : {}),
        logger,
      },
    );
  const pay = async (sats: number, count = 1, key = older.playKey): Promise<void> => {
    for (let left = count; left > 0; left--)
      await net.call(`/dev/faucet?address=${addressOf(key, "devchain")}&sats=${sats}`);
  };
  const mine = (blocks = 1) => net.call(`/dev/mine?blocks=${blocks}`, { method: "POST" });
  const amounts = (coins: readonly OperatorCoin[]) => coins.map(({ sats }) => sats);
  const metric = async (name: string): Promise<number | undefined> => {
    const found = await register.getSingleMetric(name)?.get();
    return found?.values[0]?.value;
  };
  const order = async () => {
    const text = await redis.get("mr:wallet:order");
    return text === null ? undefined : orderSchema.parse(JSON.parse(text));
  };

  it("M3 the same owner gets the same coins again; nobody else gets them until it lets go", async () => {
    await pay(50_000, 2);
    await mine();
    const [one, two] = [wallet(), wallet()];
    const first = await one.reserve("settle:a:1", 10_000);
    assert.equal(first.length, 1);
    assert.deepEqual(await two.reserve("settle:a:1", 99_999_999), first, "whatever it asks for");
    const second = await two.reserve("journal:a", 10_000);
    assert.notEqual(outpointOf(second[0] as OperatorCoin), outpointOf(first[0] as OperatorCoin));
    await assert.rejects(one.reserve("link:main:1", 1), (error: unknown) => {
      assert.ok(error instanceof FloatEmpty);
      return error.missing === 1;
    });
    await one.release("settle:a:1");
    assert.equal(await one.reservedFor("settle:a:1"), undefined);
    assert.deepEqual(await one.reserve("link:main:1", 1), first);
    await two.spent("journal:a");
    assert.deepEqual(await one.free(), second);
  });

  it("M3 many owners at once: each coin has one, and each has its own", async () => {
    await pay(50_000, 8);
    await mine();
    const owners = Array.from({ length: 12 }, (_, at) => `settle:r${at % 8}:1`);
    const all = await Promise.all(owners.map((owner) => wallet().reserve(owner, 40_000)));
    assert.ok(all.every((coins) => coins.length === 1));
    const byOwner = new Map(owners.map((owner, at) => [owner, all[at]?.map(outpointOf).join()]));
    for (const [at, owner] of owners.entries())
      assert.equal(all[at]?.map(outpointOf).join(), byOwner.get(owner));
    assert.equal(new Set(byOwner.values()).size, 8);
    assert.equal(await redis.hlen("mr:wallet:reserved"), 8);
  });

  it("M3 coins are taken all or none, and what an owner has only grows", async () => {
    await pay(50_000, 3);
    await mine();
    const [a, b, c] = await wallet().free();
    assert.ok(a && b && c);
    assert.deepEqual(await wallet().take("x", [a]), [a]);
    assert.equal(await wallet().take("y", [b, a]), undefined);
    assert.equal(await wallet().reservedFor("y"), undefined);
    assert.deepEqual(await wallet().take("x", [a, c]), [a, c]);
    assert.deepEqual(await wallet().free(), [b]);
  });

  it("M7 one coin where one suffices, the smallest; several, the largest first, where none does; crumbs last", async () => {
    for (const sats of [30_000, 1_000, 20_000, 60_000]) await pay(sats);
    await mine();
    assert.deepEqual(amounts(await wallet().free()), [20_000, 30_000, 60_000, 1_000]);
    assert.deepEqual(amounts(await wallet().reserve("one", 500)), [20_000]);
    assert.deepEqual(amounts(await wallet().reserve("two", 80_000)), [60_000, 30_000]);
  });

  it("M3 a coin in no block is offered to nobody", async () => {
    await pay(50_000);
    assert.deepEqual(await wallet().free(), []);
    await mine();
    assert.deepEqual(amounts(await wallet().free()), [50_000]);
    await net.call("/dev/reorg?depth=1", { method: "POST" });
    const [back] = await wallet().coins();
    assert.equal(amounts(await wallet().free()).length, back?.height === undefined ? 0 : 1);
  });

  it("M7 alarms: too little, too much, as much as there is", async () => {
    await pay(200_000);
    await mine();
    const one = wallet();
    await one.watch();
    assert.deepEqual(
      [await metric("mr_float_sats"), await metric("mr_float_low"), await metric("mr_float_over_cap")],
      [200_000, 1, 0],
    );
    await pay(6_000_000);
    await mine();
    await one.reserve("x", 200_000);
    await one.watch();
    assert.deepEqual(
      [await metric("mr_float_sats"), await metric("mr_float_low"), await metric("mr_float_over_cap")],
      [6_200_000, 0, 1],
    );
  });

  it("M7 a big coin is split into lanes, once; the change is free when that is in a block", async () => {
    await pay(2_000_000);
    await mine();
    await Promise.all([lanes().keepUp(), lanes().keepUp(), lanes().keepUp()]);
    const { txid = "" } = (await order()) ?? {};
    assert.equal((await net.port.status(txid)).state, "seen");
    assert.deepEqual(await wallet().free(), []);
    await mine();
    const free = amounts(await wallet().free());
    assert.deepEqual(free.slice(0, 5), [LANE, LANE, LANE, LANE, LANE]);
    assert.ok(free.length === 6 && sumOf(await wallet().coins()) > 1_999_000);
    await lanes().keepUp();
    assert.equal((await order())?.txid, txid, "ended before it is final");
    await mine(5);
    await lanes().keepUp();
    assert.equal(await order(), undefined);
    await lanes().keepUp();
    assert.equal(await order(), undefined, "split again though there are enough");
    assert.deepEqual(await redis.keys("mr:wallet:owner:*"), []);
  });

  it("M3 killed between storing and sending, lost by a reorganisation: the same bytes again", async () => {
    await pay(2_000_000);
    await mine();
    const dying: ChainPort = {
      ...net.port,
      broadcast: async () => {
        throw new Error("killed");
      },
    };
    await assert.rejects(lanes(false, dying).keepUp(), /killed/);
    const stored = await order();
    assert.ok(stored);
    assert.equal((await net.port.status(stored.txid)).state, "unknown");
    await lanes().keepUp();
    assert.equal((await net.port.status(stored.txid)).state, "seen");
    await mine();
    await net.call(`/dev/reorg?depth=1&drop=${stored.txid}`, { method: "POST" });
    await lanes().keepUp();
    assert.equal((await order())?.rawHex, stored.rawHex);
    assert.equal((await net.port.status(stored.txid)).state, "seen");
  });

  it("M3 a coin that somebody took meanwhile stays theirs, and nothing is stored to be sent", async () => {
    await pay(2_000_000);
    await mine();
    const racing: ChainPort = {
      ...net.port,
      feeRate: async () => {
        await wallet().reserve("settle:quick:1", 1);
        return 100;
      },
    };
    await lanes(false, racing).keepUp();
    assert.equal(await order(), undefined);
    const [coin, ...more] = (await wallet().reservedFor("settle:quick:1")) ?? [];
    assert.ok(coin && more.length === 0);
    assert.equal(await net.port.spentBy(coin.txid, coin.vout), undefined, "it was spent all the same");
  });

  it("M7 crumbs are gathered when there are many; dust that strangers pay stands in no way", async () => {
    await pay(1_000, 39);
    await pay(1, 5);
    await mine();
    await lanes().keepUp();
    assert.equal(await order(), undefined);
    await pay(1_000);
    await mine();
    await lanes().keepUp();
    assert.ok(await order());
    await mine(6);
    await lanes().keepUp();
    const free = amounts(await wallet().free());
    assert.equal(free.filter((sats) => sats === 1).length, 5);
    assert.ok(
      free.some((sats) => sats > 39_000),
      JSON.stringify(free),
    );
    await pay(2_000_000);
    await mine();
    await lanes().keepUp();
    assert.ok(await order(), "the dust kept a big coin from being split");
  });

  it("M7 after a rotation coins of the older key can be spent and move to the new one, half at a time", async () => {
    await pay(LANE, 4);
    await mine();
    assert.deepEqual(amounts(await wallet(true).free()), [LANE, LANE, LANE, LANE]);
    await lanes(true).keepUp();
    assert.equal((await wallet(true).free()).length, 2, "all of them at once");
    for (let rounds = 4; rounds > 0; rounds--) {
      await mine(6);
      await lanes(true).keepUp();
      await lanes(true).keepUp();
    }
    await mine(6);
    const coins = await wallet(true).coins();
    assert.ok(coins.every(({ script }) => script === p2pkhScript(current.playKey)));
    assert.ok(sumOf(coins) > 4 * LANE - 1_000);
  });

  it("M7 on a devchain the faucet tops up, once until the next block", async () => {
    await lanes(false, net.port, true).keepUp();
    await lanes(false, net.port, true).keepUp();
    assert.deepEqual(amounts(await wallet().unreserved()), [500_000]);
    assert.deepEqual(await wallet().free(), []);
  });
});
