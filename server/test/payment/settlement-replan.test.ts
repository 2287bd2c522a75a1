/** M1, M3: a deposit that a mined rival killed costs its own player; nobody else, and nobody is paid twice. */
import { strict as assert } from "node:assert";
import { sumOf } from "@meme-rounds/shared-schema/settlement";
import { SettleLater } from "../../src/payment/settlement/settle.ts";
import { AuditorRefusal } from "../../src/payment/wire.ts";
import { cosign } from "./auditor-kit.ts";
import { assertPaid, dueOf, freeCarries, lookAfter, reservedFor, SMALL } from "./settlement-kit.ts";
import { type MoneyRound, type Seat, World } from "./world.ts";

describe("settlement planned again", function () {
  this.timeout(60_000);
  let world: World;
  let slot = 0;
  const patch = { limits: SMALL };
  before(async () => {
    world = await World.start();
    await world.fill(40);
  });
  after(() => world.stop());

  const play = async (players = 6, memes = 3): Promise<MoneyRound> => {
    slot++;
    const carryFrom = await world.payment.claimCarry("main", world.round(slot).open.roundId);
    return await world.play({ slot, players, memes, carryFrom });
  };
  const seat = (round: MoneyRound, at: number): Seat => {
    const one = round.seats[at];
    assert.ok(one);
    return one;
  };
  const stored = async (round: MoneyRound) => {
    const read = await world.store.read(round.open.roundId);
    assert.ok(read?.plan);
    return { ...read, plan: read.plan, signed: read.signed ?? [] };
  };
  const untilMined = async (round: MoneyRound): Promise<void> => {
    await world.mine();
    await lookAfter(world, round.open.roundId, patch);
    assert.equal((await stored(round)).state, "mined");
  };
  const state = async (txid: string): Promise<string> => (await world.net.port.status(txid)).state;
  const evict = (...txid: string[]) =>
    world.net.call("/dev/evict", { method: "POST", body: JSON.stringify({ txid, trace: "unknown" }) });

  /** The node's own judgement, at once. */
  const submit = (tx: string) =>
    world.net.call("/dev/submit", { method: "POST", body: JSON.stringify({ tx }) });

  it("M1 dead before it was signed: the auditor refuses, the next version is paid without it", async () => {
    const round = await play();
    const { roundId } = round.open;
    const dead = seat(round, 2);
    await world.kill(dead);
    await assert.rejects(world.settler(patch).settle(roundId), (error: unknown) => {
      assert.ok(error instanceof AuditorRefusal);
      return error.code === "DEPOSIT_NOT_ON_CHAIN";
    });
    assert.match((await world.payment.settlementOf(roundId))?.refusal ?? "", /^DEPOSIT_NOT_ON_CHAIN: /);
    // The rival is in no block yet: it may still lose.
    await assert.rejects(world.keeper(patch).lookAfter(roundId), AuditorRefusal);
    assert.equal((await stored(round)).plan.version, 1);
    await world.mine();
    await world.keeper(patch).lookAfter(roundId);
    const { plan, refusal } = await stored(round);
    assert.deepEqual([plan.version, plan.lost, refusal], [2, [`${dead.txid}:0`], undefined]);
    await untilMined(round);
    await assertPaid(world, round, [dead]);
    assert.deepEqual(await freeCarries(world), [roundId]);
  });

  it("M3 dead after it was sent: what hangs on it is made again, the rest stays byte for byte", async () => {
    const round = await play(8, 3);
    const { roundId } = round.open;
    await world.settler(patch).settle(roundId);
    const first = await stored(round);
    const dead = seat(round, 5);
    await world.kill(dead);
    await world.mine();
    await lookAfter(world, roundId, patch);
    const second = await stored(round);
    assert.equal(second.plan.version, 2);
    const kept = first.signed.filter(({ rawHex }) => second.signed.some((one) => one.rawHex === rawHex));
    const hit = first.plan.txs.findIndex(({ inputs }) =>
      inputs.some((input) => input.kind === "deposit" && input.txid === dead.txid),
    );
    const dying = first.plan.txs.filter(
      ({ inputs }, at) => at === hit || inputs.some((input) => input.kind === "pot" && input.tx === hit),
    );
    assert.ok(dying.length >= 2);
    assert.equal(kept.length, first.signed.length - dying.length);

    // What was replaced is refused from now on, whoever sends it, before and after the new ones are in a block.
    const replaced = first.signed.filter((tx) => !kept.includes(tx));
    const refused = async (): Promise<void> => {
      for (const tx of replaced) {
        assert.equal((await submit(tx.rawHex)).ok, false);
        assert.notEqual(await state(tx.txid), "mined");
      }
    };
    await refused();
    await untilMined(round);
    await refused();
    await assertPaid(world, round, [dead]);
    const [carry] = await world.carry.claim("main", "main-9", 0);
    await world.carry.movedOn("main", "main-9");
    assert.equal(carry?.txid, second.signed.at(-1)?.txid);
    assert.equal(await state(carry?.txid ?? ""), "mined");
    const due = dueOf(round, [dead]);
    const whole = dueOf(round);
    for (const [playKey, sats] of whole)
      if (playKey !== dead.who.playKey) assert.equal(due.get(playKey), sats);
    assert.equal(due.get(dead.who.playKey) ?? 0, Math.max(0, (whole.get(dead.who.playKey) ?? 0) - 10_000));
  });

  it("M3 a dead one that a reorganisation brings back to life does not let both versions be mined", async () => {
    const round = await play();
    const { roundId } = round.open;
    await world.settler(patch).settle(roundId);
    const first = await stored(round);
    const dead = seat(round, 1);
    const deposit = await world.net.port.rawTx(dead.txid);
    const rival = await world.kill(dead);
    await world.mine();
    await lookAfter(world, roundId, patch);
    const second = await stored(round);
    assert.equal(second.plan.version, 2);
    const body = JSON.stringify({ depth: 1, drop: [rival] });
    await world.net.call("/dev/reorg", { method: "POST", body });
    const again = JSON.stringify({ tx: deposit, force: true });
    await world.net.call("/dev/submit", { method: "POST", body: again });
    for (const { rawHex } of first.signed) await submit(rawHex);
    await world.mine();
    assert.equal(await state(dead.txid), "mined");
    for (let tries = 0; tries < 3; tries++) await lookAfter(world, roundId, patch).catch(() => undefined);
    await world.mine();
    // Whichever transaction paid a player, none but one did.
    for (const { who } of round.seats) {
      const paying = [first, second].map(({ payouts }) =>
        payouts.find(({ playKey }) => playKey === who.playKey),
      );
      const mined = new Set<string>();
      for (const payout of paying)
        if (payout !== undefined && (await state(payout.txid)) === "mined") mined.add(payout.txid);
      const isOwed = paying[1] !== undefined; // the dead one's own loss may be all it was due
      assert.equal(mined.size, isOwed ? 1 : 0, "paid by both, or by none");
    }
    await lookAfter(world, roundId, patch);
    assert.equal((await stored(round)).state, "mined");
  });

  it("M3 one after another: each version from the one before; two workers at once come to the same", async () => {
    const round = await play(7, 3);
    const { roundId } = round.open;
    await world.settler(patch).settle(roundId);
    for (const [at, version] of [
      [0, 2],
      [4, 3],
    ] as const) {
      await world.kill(seat(round, at));
      await world.mine(1, version === 2 ? [seat(round, 4).txid] : []);
      await Promise.allSettled([
        world.keeper(patch).lookAfter(roundId),
        world.keeper(patch).lookAfter(roundId),
        world.keeper(patch).lookAfter(roundId),
      ]);
      await lookAfter(world, roundId, patch);
      await world.settler(patch).settleWithout(roundId, [`${seat(round, at).txid}:0`]); // one that comes late
      assert.equal((await stored(round)).plan.version, version);
    }
    await untilMined(round);
    await assertPaid(world, round, [seat(round, 0), seat(round, 4)]);
  });

  it("M3 a deposit that is merely absent is sent again with its ancestors, before and after the signing", async () => {
    slot++;
    const played = await world.play({ slot, players: 4, memes: 2, chained: true });
    const { roundId } = played.open;
    const own = seat(played, 0);
    const parentId = own.coin.txid;
    await evict(own.txid, parentId);
    assert.equal(await state(own.txid), "unknown");
    await assert.rejects(world.keeper(patch).lookAfter(roundId), AuditorRefusal);
    assert.equal(await state(own.txid), "seen");
    await world.keeper(patch).lookAfter(roundId);
    const { plan, txids } = await stored(played);
    assert.deepEqual([plan.version, plan.lost], [1, []]);

    await evict(parentId, ...played.seats.map(({ txid }) => txid), ...txids);
    for (const txid of txids) assert.equal(await state(txid), "unknown");
    await lookAfter(world, roundId, patch);
    for (const txid of [parentId, own.txid, ...txids]) assert.equal(await state(txid), "seen");
    assert.deepEqual((await stored(played)).txids, txids);
    await untilMined(played);
  });

  it("M3 a deposit, and a settlement, that a provider calls seen though no node has it, is sent again", async () => {
    const round = await play(4, 2);
    const { roundId } = round.open;
    const own = seat(round, 0);
    const stale = (...txids: string[]) =>
      world.net.call(`/dev/evict?trace=stale&txid=${txids.join(",")}`, { method: "POST" });
    const isOnNode = async (txid: string) => (await world.net.port.rawTx(txid)) !== undefined;
    await stale(own.txid);
    assert.equal(await state(own.txid), "seen", "so says the provider");
    assert.ok(!(await isOnNode(own.txid)));
    await assert.rejects(world.keeper(patch).lookAfter(roundId), AuditorRefusal);
    assert.ok(await isOnNode(own.txid));
    const keeper = world.keeper(patch);
    await keeper.lookAfter(roundId);
    const { txids } = await stored(round);
    await stale(...txids);
    for (const txid of txids) assert.equal(await state(txid), "seen", "so says the provider");
    await keeper.lookAfter(roundId);
    await keeper.lookAfter(roundId);
    world.now += 61_000;
    await keeper.lookAfter(roundId);
    for (const txid of txids) assert.ok(await isOnNode(txid), txid);
    await untilMined(round);
    await assertPaid(world, round);
  });

  it("M3 when every deposit died nobody is paid; the jackpot that came in goes on, and the coins are free", async () => {
    const killed = async (memes: number): Promise<MoneyRound> => {
      const round = await play(2, memes);
      const { roundId } = round.open;
      await world.settler(patch).settle(roundId);
      for (const one of round.seats) await world.kill(one);
      await world.mine();
      // A reorganisation might still bring them back, and what they pay for.
      await assert.rejects(world.keeper(patch).lookAfter(roundId), SettleLater);
      assert.ok((await reservedFor(world, roundId)).length > 0);
      await world.mine(5);
      await world.keeper(patch).lookAfter(roundId);
      return round;
    };
    const voided = await killed(0);
    assert.ok((await freeCarries(world)).length > 0);
    const view = await world.payment.settlementOf(voided.open.roundId);
    assert.deepEqual(view, { state: "mined", txids: [], payouts: [] });
    assert.deepEqual(await reservedFor(world, voided.open.roundId), []);
    assert.ok(!(await world.store.openRounds()).includes(voided.open.roundId));

    const round = await killed(2);
    await untilMined(round);
    const { payouts, carry } = await stored(round);
    assert.deepEqual([payouts, carry?.sats], [[], sumOf(round.open.carryFrom)]);
    assert.ok(carry && carry.sats > 0);
    assert.deepEqual(await freeCarries(world), [round.open.roundId]);
    const next = await play(); // with that jackpot
    await lookAfter(world, next.open.roundId, patch);
    await untilMined(next);
    await assertPaid(world, next);
  });

  it("M4 what is not dead cannot be left out; a version that came to be so is taken back", async () => {
    const round = await play();
    const { roundId } = round.open;
    await world.settler(patch).settle(roundId);
    const first = await stored(round);
    const { txid } = seat(round, 0);
    const refusedAs = (code: string) => (error: unknown) =>
      error instanceof AuditorRefusal && error.code === code;
    await assert.rejects(
      world.settler(patch).settleWithout(roundId, [`${txid}:0`]),
      refusedAs("DEPOSIT_NOT_LOST"),
    );
    assert.equal((await stored(round)).plan.version, 2);
    await assert.rejects(world.keeper(patch).lookAfter(roundId), refusedAs("DEPOSIT_NOT_LOST"));
    assert.deepEqual(await stored(round), first);
    await untilMined(round);
    await assertPaid(world, round);
    await world.mine(5);
    await lookAfter(world, roundId, patch);
    assert.deepEqual(await reservedFor(world, roundId), []);
  });

  it("M4 the auditor signs no older version again", async () => {
    const round = await play();
    const { roundId } = round.open;
    await world.settler(patch).settle(roundId);
    const { plan } = await stored(round);
    await world.kill(seat(round, 1));
    await world.mine();
    await lookAfter(world, roundId, patch);
    assert.equal((await stored(round)).plan.version, 2);
    await assert.rejects(
      cosign(world, plan),
      (error: unknown) => error instanceof AuditorRefusal && error.code === "PLAN_DIFFERENT",
    );
    await untilMined(round);
  });
});
