/** M1: what unmined deposits are trusted with: merkle paths, the cap of a round, identities with a dropped deposit. */
import { strict as assert } from "node:assert";
import { MerklePath, Transaction } from "@bsv/sdk";
import { toHex } from "@meme-rounds/shared-schema/bytes";
import type { ErrorCode } from "@meme-rounds/shared-schema/errors";
import { type Actor, actor } from "../../../shared-schema/test/support/round.ts";
import type { ChainPort } from "../../src/chain/index.ts";
import { Deposits } from "../../src/payment/deposits/index.ts";
import { DepositTxs } from "../../src/payment/deposits/txs.ts";
import { readSent } from "../../src/payment/transaction.ts";
import { depositTx, payTx } from "./pay.ts";
import { type MoneyRound, World } from "./world.ts";

describe("deposits and trust", function () {
  this.timeout(30_000);
  let world: World;
  let round: MoneyRound;
  let count = 0;
  before(async () => {
    world = await World.start();
    round = world.round(1);
  });
  after(() => world.stop());

  const somebody = (): Actor => actor(`trusted ${++count}`);
  const mine = (): Promise<unknown> => world.net.call("/dev/mine", { method: "POST" });
  const depositsOver = (chain: Partial<ChainPort>, unminedCapSats = 1_000_000_000): Deposits =>
    new Deposits(
      { unminedCapSats },
      {
        redis: world.redis,
        chain: { ...world.net.port, ...chain },
        logger: world.logger,
        now: Date.now,
        sleep: () => new Promise(() => undefined),
      },
    );
  const codeOf = (verdict: Awaited<ReturnType<Deposits["accept"]>>): ErrorCode | "good" | "pending" =>
    verdict.ok === true ? "good" : verdict.ok === false ? verdict.code : "pending";

  /** A deposit of a mined coin, with the coin's transaction and merkle path as the chain gives them. */
  async function proven(who: Actor): Promise<{ tx: Transaction; parent: Transaction; path: MerklePath }> {
    const coin = await world.coin(who, 12_000);
    await mine();
    const tx = Transaction.fromHex(depositTx(who, coin, 10_000, round.terms).rawHex);
    const parent = Transaction.fromHex((await world.net.port.rawTx(coin.txid)) ?? "");
    const proof = await world.net.port.proof(coin.txid);
    assert.ok(proof);
    const input = tx.inputs[0];
    assert.ok(input);
    input.sourceTransaction = parent;
    return { tx, parent, path: MerklePath.fromHex(proof.bump) };
  }
  const beefOf = (tx: Transaction, parent: Transaction, path: MerklePath): string => {
    parent.merklePath = path;
    return toHex(Uint8Array.from(tx.toBEEF()));
  };

  it("M1 a parent with a good merkle path is believed without being looked up", async () => {
    const who = somebody();
    const { tx, parent, path } = await proven(who);
    const lookedUp: string[] = [];
    const deposits = depositsOver({
      rawTx: async (txid) => {
        lookedUp.push(txid);
        return undefined;
      },
    });
    assert.equal(codeOf(await deposits.accept(round.terms, who, beefOf(tx, parent, path))), "good");
    assert.deepEqual(lookedUp, []);
  });
  it("M1 a path to a root of no block, of another height or of another transaction is refused", async () => {
    const who = somebody();
    const { tx, parent, path } = await proven(who);
    const stranger = await proven(somebody());
    const leafOf = (of: MerklePath) => structuredClone(of.path);
    const forged = leafOf(path);
    forged[0]?.push({ offset: 2 ** 20, hash: "ab".repeat(32) });
    const changed = leafOf(path);
    const sibling = changed.flat().find((leaf) => leaf.hash !== undefined && leaf.txid !== true);
    if (sibling) sibling.hash = "cd".repeat(32);
    const hex = (height: number, levels: MerklePath["path"]): string => {
      const good = beefOf(tx, parent, path);
      const from = path.toHex();
      const made = new MerklePath(path.blockHeight, path.path);
      made.blockHeight = height;
      made.path = levels;
      assert.ok(good.includes(from));
      return good.replace(from, made.toHex());
    };
    const cases: [string, string][] = [
      ["another height", hex(path.blockHeight - 1, path.path)],
      ["a height to come", hex(path.blockHeight + 500, path.path)],
      ["another transaction's path", hex(stranger.path.blockHeight, stranger.path.path)],
      ...(sibling ? [["another sibling", hex(path.blockHeight, changed)] as [string, string]] : []),
    ];
    for (const [name, sent] of cases) {
      const verdict = await depositsOver({}).accept(round.terms, who, sent);
      assert.equal(codeOf(verdict), "DEPOSIT_PROOF_WRONG", name);
    }
    assert.equal((await world.net.port.status(tx.id("hex"))).state, "unknown", "nothing was sent");
  });
  it("M1 the root of a path is the one that the SDK computes, in blocks of 1 to 9 transactions", async () => {
    for (let size = 1; size <= 9; size++) {
      const made: { who: Actor; coin: { txid: string; vout: number; sats: number } }[] = [];
      for (let left = size; left > 0; left--) {
        const who = somebody();
        made.push({ who, coin: await world.coin(who, 5_000) });
      }
      await mine();
      for (const { who, coin } of made) {
        const proof = await world.net.port.proof(coin.txid);
        const parent = Transaction.fromHex((await world.net.port.rawTx(coin.txid)) ?? "");
        const tx = Transaction.fromHex(payTx(who, coin, []).rawHex);
        if (tx.inputs[0]) tx.inputs[0].sourceTransaction = parent;
        const path = MerklePath.fromHex(proof?.bump ?? "");
        const read = readSent(beefOf(tx, parent, path))?.proven.get(coin.txid);
        assert.equal(read?.root, path.computeRoot(coin.txid));
        assert.equal(read?.height, proof?.height);
      }
    }
  });

  it("M1 a round takes so much unmined value, and more once some of it is mined", async () => {
    const own = world.round(5);
    const deposits = depositsOver({}, 12_000);
    const put = async (sats: number) => {
      const who = somebody();
      const tx = depositTx(who, await world.coin(who, sats + 1_000), sats, own.terms).rawHex;
      return { who, tx, send: async () => codeOf(await deposits.accept(own.terms, who, tx)) };
    };
    const first = await put(8_000);
    assert.equal(await first.send(), "good");
    assert.equal(await first.send(), "good", "counted once");
    const second = await put(5_000);
    assert.equal(await second.send(), "DEPOSIT_CAP_REACHED");
    const txid = readSent(second.tx)?.tx.txid ?? "";
    assert.equal((await world.net.port.status(txid)).state, "unknown", "a refused one is not sent");
    assert.equal(await (await put(4_000)).send(), "good", "what fits still does");
    await mine();
    assert.equal(await second.send(), "good");
  });
  it("M1 a mined deposit needs no room under the cap", async () => {
    const own = world.round(6);
    const who = somebody();
    const tx = depositTx(who, await world.coin(who, 9_000), 8_000, own.terms);
    assert.equal((await world.net.port.broadcast(tx)).outcome, "seen");
    const deposits = depositsOver({}, 1_000);
    assert.equal(codeOf(await deposits.accept(own.terms, who, tx.rawHex)), "DEPOSIT_CAP_REACHED");
    await mine();
    assert.equal(codeOf(await deposits.accept(own.terms, who, tx.rawHex)), "good");
  });
  it("M1 a deposit the network refuses takes no room under the cap", async () => {
    const own = world.round(7);
    const deposits = depositsOver({}, 10_000);
    const who = somebody();
    const bad = depositTx(who, await world.coin(who, 9_000), 8_000, own.terms, { fee: 1 }).rawHex;
    assert.equal(codeOf(await deposits.accept(own.terms, who, bad)), "DEPOSIT_REJECTED");
    const good = depositTx(who, await world.coin(who, 9_000), 8_000, own.terms).rawHex;
    assert.equal(codeOf(await deposits.accept(own.terms, who, good)), "good");
  });

  it("M1 hangs on at most 25 unmined transactions, whose bytes are kept to be sent again", async () => {
    const own = world.round(9);
    const who = somebody();
    const chainOf = async (length: number) => {
      let coin = await world.coin(who, 50_000);
      const txids = [coin.txid];
      await mine();
      for (let left = length; left > 0; left--) {
        const paid = payTx(who, coin, []);
        const { txid } = await world.net.port.broadcast(paid);
        coin = { txid, vout: 0, sats: coin.sats - 100 };
        txids.push(txid);
      }
      return { txids, tx: depositTx(who, coin, 10_000, own.terms).rawHex };
    };
    const deposits = depositsOver({});
    const deep = await chainOf(26);
    assert.equal(codeOf(await deposits.accept(own.terms, who, deep.tx)), "DEPOSIT_REJECTED");
    const fine = await chainOf(25);
    assert.equal(codeOf(await deposits.accept(own.terms, who, fine.tx)), "good");
    const [mined = "", ...unmined] = fine.txids;
    const txs = new DepositTxs(world.redis);
    assert.equal(await txs.get(mined), undefined, "what is in a block needs no keeping");
    for (const txid of unmined) assert.equal(await txs.get(txid), await world.net.port.rawTx(txid));
    await mine();
    assert.equal(codeOf(await deposits.accept(own.terms, who, deep.tx)), "good", "after a block");
  });

  it("M1 after a dropped deposit its identity may use mined ones only, whatever its play key", async () => {
    const own = world.round(8);
    const cheat = actor("cheat", "cheat");
    const deposits = depositsOver({
      status: async (txid) =>
        txid === "ff".repeat(32) ? { state: "conflict", competing: [] } : world.net.port.status(txid),
    });
    const lost = { txid: "ff".repeat(32), vout: 0, identity: cheat.identity };
    assert.deepEqual(await deposits.judge([lost]), [`${lost.txid}:0`]);
    const again = actor("cheat with another key", "cheat");
    const tx = depositTx(again, await world.coin(again, 9_000), 8_000, own.terms);
    assert.equal(codeOf(await deposits.accept(own.terms, again, tx.rawHex)), "DEPOSIT_MINED_ONLY");
    const honest = somebody();
    const other = depositTx(honest, await world.coin(honest, 9_000), 8_000, own.terms).rawHex;
    assert.equal(codeOf(await deposits.accept(own.terms, honest, other)), "good");
    assert.equal((await world.net.port.broadcast(tx)).outcome, "seen");
    await mine();
    assert.equal(codeOf(await deposits.accept(own.terms, again, tx.rawHex)), "good");
    const days = (await world.redis.ttl(`mr:deposit:barred:${cheat.identity}`)) / 86_400;
    assert.ok(days > 6.9 && days <= 7, `${days} days`);
  });
});
