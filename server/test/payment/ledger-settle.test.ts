/** M5: the ledger before the settlement, on the whole money path. */
import assert from "node:assert/strict";
import { payoutHashOf, readLink } from "@meme-rounds/shared-schema/ledger-link";
import { amountsDue } from "@meme-rounds/shared-schema/settlement";
import type { RawTx } from "../../src/chain/index.ts";
import { createDigestSigner } from "../../src/infra/ecdsa.ts";
import { createLedger, type Ledger } from "../../src/payment/ledger/index.ts";
import { SettleLater } from "../../src/payment/settlement/settle.ts";
import { operatorKeys } from "../../src/payment/settlement/sign.ts";
import { readTransaction } from "../../src/payment/transaction.ts";
import { readJournal } from "../../src/round/journal-store.ts";
import { World } from "./world.ts";

describe("ledger before settlement", () => {
  let world: World;
  before(async () => {
    world = await World.start();
    await world.mine();
    await world.fill(20);
  });
  after(() => world.stop());

  /** As the payment worker puts it together. */
  const ledgerOn = (chain = world.net.port): Ledger => {
    const { operatorKey } = world.payment.keys();
    const { round, forScript } = operatorKeys(
      operatorKey,
      [operatorKey],
      () => world.operatorSecret,
      createDigestSigner(),
    );
    return createLedger(
      { network: "devchain" },
      {
        redis: world.redis,
        chain,
        wallet: world.wallet(),
        keys: { current: () => operatorKey, forKey: () => round, forScript },
        readJournal: (roundId) => readJournal(world.redis, roundId),
        readMedia: async () => undefined,
        logger: world.logger,
        now: () => world.now,
      },
    );
  };

  it("M5 the settlement is sent after file and link, and the proof names them", async () => {
    const round = await world.play({ slot: 1, players: 3, memes: 3 });
    const { roundId } = round.open;
    const order: string[] = [];
    const chain = {
      ...world.net.port,
      async broadcast(tx: Parameters<typeof world.net.port.broadcast>[0]) {
        order.push(readTransaction((tx as RawTx).rawHex)?.txid ?? "");
        return await world.net.port.broadcast(tx);
      },
    };
    const ledger = ledgerOn(chain);
    await world.settler({ chain, anchor: async (id) => void (await ledger.anchor(id)) }).settle(roundId);
    const view = await world.payment.ledgerOf(roundId);
    const settled = await world.payment.settlementOf(roundId);
    assert.ok(view?.journalTxid && settled);
    assert.deepEqual(order.slice(0, 1), [view.journalTxid]);
    assert.equal(order.indexOf(view.link.txid), 2, "behind the genesis");
    assert.deepEqual(order.slice(3), settled.txids);
    const link = readLink(readTransaction((await world.net.port.rawTx(view.link.txid)) ?? "")?.outputs ?? []);
    assert.ok(link && "payoutHash" in link.body);
    const { phase } = round.state;
    assert.ok(phase.kind === "final" && phase.outcome.kind === "result");
    assert.equal(link.body.payoutHash, payoutHashOf(phase.outcome));
    assert.equal(await world.redis.hget(`mr:settlement:${roundId}`, "payoutHash"), link.body.payoutHash);
  });

  it("M5 E10 of a voided round the link and the settlement name the same returns", async () => {
    const round = await world.play({ slot: 2, players: 2, memes: 1, boost: 0 });
    const { roundId } = round.open;
    const ledger = ledgerOn();
    await world.settler({ anchor: async (id) => void (await ledger.anchor(id)) }).settle(roundId);
    const { phase } = round.state;
    assert.ok(phase.kind === "final" && phase.outcome.kind === "void");
    const hash = payoutHashOf({ kind: "void", returned: amountsDue(phase.outcome) });
    assert.equal(hash, payoutHashOf(phase.outcome));
    assert.equal(await world.redis.hget(`mr:settlement:${roundId}`, "payoutHash"), hash);
    assert.equal((await world.payment.ledgerOf(roundId))?.journalTxid, undefined);
  });

  it("M5 while the link is not seen nothing is paid out; after an hour it is", async () => {
    const round = await world.play({ slot: 3, players: 2, memes: 2 });
    const { roundId } = round.open;
    const deaf = {
      ...world.net.port,
      broadcast: async () => ({ outcome: "pending", txid: "", reason: "no answer" }) as const,
    };
    const ledger = ledgerOn(deaf);
    const settler = world.settler({ anchor: async (id) => void (await ledger.anchor(id)) });
    await assert.rejects(settler.settle(roundId), SettleLater);
    assert.equal((await world.payment.settlementOf(roundId))?.state, "signed");
    world.now += 3_600_000;
    await settler.settle(roundId);
    assert.equal((await world.payment.settlementOf(roundId))?.state, "sent");
  });
});
