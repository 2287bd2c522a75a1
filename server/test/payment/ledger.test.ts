/** M5, M6: a round's journal and link reach the chain, once, whatever happens on the way. */
import assert from "node:assert/strict";
import {
  type AuditAnchor,
  type AuditRecord,
  auditHashOf,
  verifyAuditLog,
} from "@meme-rounds/shared-schema/audit-log";
import { verifyCompact } from "@meme-rounds/shared-schema/crypto";
import { hashJson } from "@meme-rounds/shared-schema/hash";
import { payoutHashOf, readLink, verifyHandover } from "@meme-rounds/shared-schema/ledger-link";
import { readJournalScript, unpackJournal } from "@meme-rounds/shared-schema/mrj1-file";
import { verifyCompactJournal } from "@meme-rounds/shared-schema/mrj1-verify";
import { register } from "prom-client";
import { createAuditLog } from "../../src/admin/audit-log.ts";
import type { RawTx } from "../../src/chain/index.ts";
import { FloatEmpty } from "../../src/payment/hot-wallet.ts";
import { costOf, type Ledger, ledgerOf } from "../../src/payment/ledger/index.ts";
import { SettleLater } from "../../src/payment/settlement/settle.ts";
import { readTransaction } from "../../src/payment/transaction.ts";
import { START_MS } from "../chain/support.ts";
import { LedgerWorld } from "./ledger-kit.ts";

const HOUR_MS = 3_600_000;

describe("ledger on chain", () => {
  let world: LedgerWorld;
  let seed = 10;
  before(async () => {
    world = await LedgerWorld.start();
  });
  beforeEach(async () => {
    seed += 1;
    await world.reset(seed);
    await world.fill();
  });
  after(() => world.stop());

  const linkAt = async (txid: string) => {
    const tx = await world.tx(txid);
    const link = readLink(tx.outputs);
    assert.ok(link, `${txid} is no link`);
    return { ...link, tx };
  };
  const list = async (): Promise<{ kind: string; seq: number; txid: string; roundId?: string }[]> =>
    (await world.redis.lrange("mr:ledger:main", 0, -1)).map((text) => JSON.parse(text));
  const anchored = async (ledger: Ledger, roundId: string) => {
    const done = await ledger.anchor(roundId);
    assert.ok(done);
    return done;
  };

  it("M5 M6 the first round: a genesis, the journal's file, and a link that names both, all from the chain's bytes", async () => {
    const round = await world.play(0);
    const { roundId } = round.state.open;
    const { linkTxid, journalTxid } = await anchored(world.ledger(), roundId);
    assert.ok(journalTxid);
    const link = await linkAt(linkTxid);
    assert.equal(link.state.seq, 1);
    assert.equal(link.operatorKey, world.currentKey());
    assert.ok(round.state.phase.kind === "final" && round.state.phase.outcome.kind === "result");
    assert.deepEqual(link.body, {
      arena: "main",
      roundId,
      journalHash: round.state.head.hash,
      journalTxid,
      payoutHash: hashJson(round.state.phase.outcome.result),
      auditHead: "0".repeat(64),
      outcome: "closed",
    });
    const before = link.tx.inputs[0];
    assert.equal(before?.vout, 0);
    const genesis = await linkAt(before?.txid ?? "");
    assert.deepEqual(genesis.body, { arena: "main", genesis: "devchain" });
    assert.equal(genesis.state.seq, 0);
    const found = readJournalScript((await world.tx(journalTxid)).outputs[0]?.script ?? "");
    assert.equal(found?.roundId, roundId);
    const entries = await unpackJournal(found?.file ?? new Uint8Array());
    assert.equal(verifyCompactJournal(entries, verifyCompact).ok, true);
    assert.equal(entries.at(-1)?.hash, round.state.head.hash);
    assert.deepEqual(await ledgerOf(world.redis, "main", roundId), {
      link: { txid: linkTxid, seq: 1, outpoint: `${linkTxid}:0`, operatorKey: world.currentKey() },
      journalTxid,
      journalHash: round.state.head.hash,
      at: 1,
    });
  });

  it("I4 M5 a link holds the audit log's head of its time, also after it was asked for again", async () => {
    const log = createAuditLog({ redis: world.redis, now: () => world.now });
    const ledger = world.ledger({ auditHead: () => log.head() });
    const act = (reason: string) => log.note({ by: "brc100:02ab", action: "meme.hide", target: "m", reason });
    const anchors: AuditAnchor[] = [];
    for (const [index, notes] of [0, 2, 0, 1].entries()) {
      for (let n = 0; n < notes; n++) await act(`round ${index}, ${n}`);
      const { roundId } = (await world.play(index)).state.open;
      const { linkTxid } = await anchored(ledger, roundId);
      await act("after the link");
      assert.equal((await anchored(ledger, roundId)).linkTxid, linkTxid);
      const { body } = await linkAt(linkTxid);
      assert.ok("auditHead" in body);
      anchors.push({ head: body.auditHead });
    }
    const records = (await log.page()).items.map(({ hash: _, ...record }) => record).reverse();
    assert.equal(records.length, 7);
    assert.deepEqual(verifyAuditLog(records, anchors), { ok: true, head: await log.head() });
    assert.deepEqual(
      anchors.map(({ head }) => records.findIndex((record) => auditHashOf(record) === head) + 1),
      [0, 3, 4, 6],
    );
    const forged = records.with(2, { ...records[2], reason: "nothing" } as AuditRecord);
    assert.equal(verifyAuditLog(forged, anchors).ok, false);
  });

  it("M5 asked again, by another worker too, it is the same link; the next round's spends it", async () => {
    const [one, two] = [await world.play(0), await world.play(1)];
    const first = await anchored(world.ledger(), one.state.open.roundId);
    assert.deepEqual(await anchored(world.ledger(), one.state.open.roundId), first);
    const second = await anchored(world.ledger(), two.state.open.roundId);
    assert.equal((await world.tx(second.linkTxid)).inputs[0]?.txid, first.linkTxid);
    assert.equal((await world.made()).length, 5, "a genesis, two files, two links");
  });

  it("M5 R6 a voided round has a link with its reason and what goes back, and no file", async () => {
    const round = await world.play(0, 1);
    const { roundId } = round.state.open;
    const done = await anchored(world.ledger(), roundId);
    assert.equal(done.journalTxid, undefined);
    const { body } = await linkAt(done.linkTxid);
    assert.ok(round.state.phase.kind === "final" && round.state.phase.outcome.kind === "void");
    const { reason, returned } = round.state.phase.outcome;
    assert.deepEqual(body, {
      arena: "main",
      roundId,
      journalHash: round.state.head.hash,
      payoutHash: payoutHashOf({ kind: "void", returned }),
      auditHead: "0".repeat(64),
      outcome: "voided",
      reason,
    });
    assert.equal((await world.made()).length, 2);
  });

  it("M4 M5 a result that was given up after 12 h: the round's second link says void, and it is the one that counts", async () => {
    const round = await world.play(0);
    const { roundId, closesAt } = round.state.open;
    const first = await anchored(world.ledger(), roundId);
    round.now = closesAt + 12 * HOUR_MS;
    round.must({ kind: "expire" });
    await world.keep(round);
    const second = await anchored(world.ledger(), roundId);
    assert.equal(second.journalTxid, undefined);
    const { body, tx } = await linkAt(second.linkTxid);
    assert.ok("outcome" in body && body.outcome === "voided");
    assert.equal(body.journalHash, round.state.head.hash);
    assert.equal(tx.inputs[0]?.txid, first.linkTxid);
    assert.equal((await ledgerOf(world.redis, "main", roundId))?.link.txid, second.linkTxid);
    assert.deepEqual(await anchored(world.ledger(), roundId), second);
    assert.equal((await world.made()).length, 4);
  });

  it("M5 a round without a deposit has no link", async () => {
    const round = await world.play(0, 0);
    assert.equal(await world.ledger().anchor(round.state.open.roundId), undefined);
    assert.deepEqual(await list(), []);
    assert.deepEqual(await world.made(), []);
  });

  it("M5 a journal without an end is waited for", async () => {
    const round = await world.play(0);
    round.entries.pop();
    await world.keep(round);
    await assert.rejects(world.ledger().anchor(round.state.open.roundId), SettleLater);
    assert.deepEqual(await list(), []);
  });

  it("M5 killed at any step and started again: one file, one genesis, one link, the same bytes", async () => {
    const round = await world.play(0);
    const { roundId } = round.state.open;
    const steps: string[] = [];
    await anchored(world.ledger({ step: (name) => void steps.push(name) }), roundId);
    assert.ok(steps.length > 20, steps.join(", "));
    for (let die = 1; die <= steps.length; die++) {
      seed += 1;
      await world.reset(seed);
      await world.fill(3);
      await world.keep(round);
      let left = die;
      const dying = world.ledger({
        step() {
          left -= 1;
          if (left === 0) throw new Error("killed");
        },
      });
      await assert.rejects(dying.anchor(roundId), /killed/, `step ${die}`);
      await world.redis.del("mr:lease:ledger:main");
      const stored = (await list()).map(({ txid }) => txid);
      const { linkTxid, journalTxid } = await anchored(world.ledger(), roundId);
      const after = (await list()).map(({ txid }) => txid);
      assert.deepEqual(after.slice(0, stored.length), stored);
      const all = await world.made();
      assert.equal(all.length, 3, `step ${die}: ${all.length} transactions`);
      assert.deepEqual(new Set(all), new Set([...after, journalTxid]));
      assert.equal(after.at(-1), linkTxid);
    }
  });

  it("M3 M5 after an unclear answer the same bytes go out again, and the round waits", async () => {
    const round = await world.play(0);
    const { roundId } = round.state.open;
    const sent: string[] = [];
    let deaf = true;
    const chain = world.port({
      async broadcast(tx) {
        const { rawHex } = tx as RawTx;
        sent.push(rawHex);
        if (deaf) return { outcome: "pending", txid: "", reason: "no answer" };
        return await world.net.port.broadcast(tx);
      },
    });
    const ledger = world.ledger({ chain });
    await assert.rejects(ledger.anchor(roundId), SettleLater);
    await assert.rejects(ledger.anchor(roundId), SettleLater);
    deaf = false;
    await ledger.sweep();
    await anchored(ledger, roundId);
    assert.equal(new Set(sent).size, 3, "a file, a genesis and a link, whatever was asked");
    assert.equal((await world.made()).length, 3);
  });

  it("M5 several rounds and workers at once: one chain, every round once", async () => {
    await world.fill();
    const rounds = await Promise.all([0, 1, 2, 3, 4].map((slot) => world.play(slot, slot === 3 ? 1 : 2)));
    const workers = [world.ledger(), world.ledger(), world.ledger()];
    const open = new Set(rounds.map(({ state }) => state.open.roundId));
    for (let tries = 0; open.size > 0; tries++) {
      assert.ok(tries < 60, `${open.size} rounds have no link`);
      await Promise.all(
        [...open].flatMap((roundId) =>
          workers.map(async (ledger) => {
            try {
              if (await ledger.anchor(roundId)) open.delete(roundId);
            } catch (error) {
              assert.ok(error instanceof SettleLater, String(error));
            }
          }),
        ),
      );
    }
    const links = await list();
    assert.deepEqual(
      links.map(({ seq }) => seq),
      [0, 1, 2, 3, 4, 5],
    );
    assert.equal(new Set(links.map(({ roundId }) => roundId)).size, 6);
    for (const [at, { txid }] of links.entries())
      if (at > 0) assert.equal((await world.tx(txid)).inputs[0]?.txid, links[at - 1]?.txid);
    assert.equal((await world.made()).length, 6 + 4, "one round is void and has no file");
  });

  it("M5 a reorganisation that drops them brings file and links back, parents first", async () => {
    const ledger = world.ledger();
    const rounds = [await world.play(0), await world.play(1)];
    const done = [];
    for (const { state } of rounds) {
      done.push(await anchored(ledger, state.open.roundId));
      await world.mine();
    }
    await ledger.sweep();
    const made = await world.made();
    const body = JSON.stringify({ depth: 2, drop: made });
    await world.net.call("/dev/reorg", { method: "POST", body });
    for (const txid of made)
      assert.ok(["unknown", "rejected"].includes((await world.net.port.status(txid)).state));
    await ledger.sweep();
    await world.mine();
    for (const txid of made) assert.equal((await world.net.port.status(txid)).state, "mined");
    assert.deepEqual(new Set(await world.made()), new Set(made));
  });

  it("M5 under six blocks everything is kept, after them only what is needed to go on", async () => {
    const ledger = world.ledger();
    const { roundId } = (await world.play(0)).state.open;
    const { linkTxid } = await anchored(ledger, roundId);
    await world.mine(5);
    await ledger.sweep();
    assert.equal(await world.redis.zcard("mr:outbox:open"), 3);
    assert.equal(await world.redis.hlen("mr:wallet:reserved"), 3);
    await world.mine();
    await ledger.sweep();
    assert.equal(await world.redis.zcard("mr:outbox:open"), 0);
    assert.equal(await world.redis.hlen("mr:wallet:reserved"), 0);
    assert.equal(await world.redis.hexists(`mr:outbox:journal:${roundId}`, "raw"), 0);
    // Asked once more, however late, nothing is made again.
    assert.equal((await anchored(ledger, roundId)).linkTxid, linkTxid);
    assert.equal((await world.made()).length, 3);
  });

  it("M5 a ledger stuck for an hour holds nothing up, is reported, and is not given up", async () => {
    const { roundId } = (await world.play(0)).state.open;
    let deaf = true;
    const broadcast: typeof world.net.port.broadcast = async (tx) =>
      deaf ? { outcome: "pending", txid: "", reason: "no answer" } : await world.net.port.broadcast(tx);
    const ledger = world.ledger({ chain: world.port({ broadcast }) });
    await assert.rejects(ledger.anchor(roundId), SettleLater);
    world.now = START_MS + HOUR_MS - 1;
    await assert.rejects(ledger.anchor(roundId), SettleLater);
    world.now += 1;
    assert.equal(await ledger.anchor(roundId), undefined);
    assert.deepEqual(await world.made(), []);
    deaf = false;
    await ledger.sweep();
    assert.equal((await world.made()).length, 3);
    assert.equal((await anchored(ledger, roundId)).linkTxid, (await list()).at(-1)?.txid);
  });

  it("M5 behind a link that is stuck for an hour the next rounds do not wait an hour each", async () => {
    const [one, two] = [await world.play(0), await world.play(1)];
    let deaf = true;
    const broadcast: typeof world.net.port.broadcast = async (tx) => {
      const isLink = readLink(readTransaction((tx as RawTx).rawHex)?.outputs ?? []) !== undefined;
      if (deaf && isLink) return { outcome: "pending", txid: "", reason: "no answer" };
      return await world.net.port.broadcast(tx);
    };
    const ledger = world.ledger({ chain: world.port({ broadcast }) });
    await assert.rejects(ledger.anchor(one.state.open.roundId), SettleLater);
    world.now += HOUR_MS - 1;
    await assert.rejects(ledger.anchor(two.state.open.roundId), SettleLater);
    world.now += 1;
    assert.equal(await ledger.anchor(two.state.open.roundId), undefined);
    await ledger.sweep();
    const stuck = await register.getSingleMetric("mr_ledger_stuck")?.get();
    assert.equal(stuck?.values[0]?.value, 2, "the genesis and the first link; the second one is young");
    deaf = false;
    await ledger.sweep();
    await anchored(ledger, two.state.open.roundId);
    assert.deepEqual(
      (await list()).map(({ seq }) => seq),
      [0, 1, 2],
    );
  });

  it("M5 without a coin the round waits, for an hour, and then for nothing", async () => {
    seed += 1;
    await world.reset(seed);
    const { roundId } = (await world.play(0)).state.open;
    const ledger = world.ledger();
    await assert.rejects(ledger.anchor(roundId), FloatEmpty);
    assert.deepEqual(await world.redis.keys("mr:outbox:*"), []);
    world.now += HOUR_MS;
    assert.equal(await ledger.anchor(roundId), undefined);
    await world.fill(2);
    await ledger.sweep();
    await world.mine();
    await ledger.sweep();
    await anchored(ledger, roundId);
  });

  it("M5 many small coins pay where no single one does", async () => {
    seed += 1;
    await world.reset(seed);
    await world.fill(30, 60);
    const done = await anchored(world.ledger(), (await world.play(0, 1)).state.open.roundId);
    const { inputs } = await world.tx(done.linkTxid);
    assert.ok(inputs.length > 2, `${inputs.length} inputs`);
  });

  it("M5 another operator key: the old one's last link names the new one's genesis, signed by both", async () => {
    const ledger = world.ledger();
    const old = world.currentKey();
    const rounds = [await world.play(0)];
    const first = await anchored(ledger, rounds[0]?.state.open.roundId ?? "");
    const round = await world.play(1);
    seed += 1;
    const fresh = world.addKey(seed);
    const { linkTxid } = await anchored(ledger, round.state.open.roundId);
    const link = await linkAt(linkTxid);
    assert.equal(link.operatorKey, fresh);
    assert.equal(link.state.seq, 1);
    const genesis = await linkAt(link.tx.inputs[0]?.txid ?? "");
    assert.deepEqual(genesis.body, { arena: "main", genesis: "devchain", previous: `${first.linkTxid}:0` });
    const handover = (await list()).find(({ kind }) => kind === "handover");
    const last = await linkAt(handover?.txid ?? "");
    assert.equal(last.operatorKey, old);
    assert.equal(last.state.seq, 2);
    const spends = last.tx.inputs[0];
    const tip = `${spends?.txid}:${spends?.vout}`;
    assert.equal(tip, `${first.linkTxid}:0`);
    assert.ok("handover" in last.body && last.body.handover === `${genesis.tx.txid}:0`);
    assert.equal(verifyHandover(tip, last.body, { old, new: fresh }, verifyCompact), true);
  });

  it("M6 the cost of a round is counted once: bytes and sat of journal and link", async () => {
    const { roundId } = (await world.play(0)).state.open;
    const { linkTxid, journalTxid } = await anchored(world.ledger(), roundId);
    await anchored(world.ledger(), roundId);
    const sizeOf = async (txid = "") => (await world.tx(txid)).rawHex.length / 2;
    const cost = await costOf(world.redis, roundId);
    assert.equal(cost.journalBytes, await sizeOf(journalTxid));
    assert.equal(cost.linkBytes, await sizeOf(linkTxid));
    for (const [bytes, sats] of [
      [cost.journalBytes, cost.journalSats],
      [cost.linkBytes, cost.linkSats],
    ]) {
      assert.ok(
        bytes && sats && sats >= bytes / 10 && sats <= bytes / 10 + 2,
        `${sats} sat for ${bytes} bytes`,
      );
    }
  });
});
