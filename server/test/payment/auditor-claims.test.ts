/** Receipts that players hold against a journal (R9, M4), at the auditor and over HTTP. */
import { strict as assert } from "node:assert";
import { createServer, type Server } from "node:http";
import { join } from "node:path";
import { CodedError } from "@meme-rounds/shared-schema/errors";
import { acceptedBytes, type ClaimedReceipt } from "@meme-rounds/shared-schema/receipt";
import { seal } from "@meme-rounds/shared-schema/records";
import { apply } from "@meme-rounds/shared-schema/reducer";
import { expiryOf } from "@meme-rounds/shared-schema/rules";
import express from "express";
import { apiRouter } from "../../src/infra/http.ts";
import { createLimiter } from "../../src/infra/limiter.ts";
import { type AuditorDesk, createAuditorDesk } from "../../src/payment/auditor/desk.ts";
import { Drops } from "../../src/payment/auditor/drops.ts";
import { Gate } from "../../src/payment/auditor/gate.ts";
import { NotesStore } from "../../src/payment/auditor/notes.ts";
import { claimRoutes } from "../../src/payment/claim-routes.ts";
import { AuditorRefusal } from "../../src/payment/wire.ts";
import { cosign, planFor } from "./auditor-kit.ts";
import { Watching } from "./watched.ts";
import { type MoneyRound, World } from "./world.ts";

describe("claims", function () {
  this.timeout(60_000);
  let world: World;
  let watching: Watching;
  before(async () => {
    world = await World.start();
    watching = new Watching(world);
    await world.fill(20);
  });
  after(() => world.stop());

  const desk = (): AuditorDesk => createAuditorDesk({ url: world.auditor.url, timeoutMs: 5_000 });
  /** What the round's server answers for a record; with another hash, for one that is not in its journal. */
  function receiptOf(
    round: MoneyRound,
    seq: number,
    hash = round.entries[seq - 1]?.hash ?? "",
  ): ClaimedReceipt {
    const { roundId, receiptKey } = round.open;
    const at = round.entries[seq - 1]?.record.at ?? round.now;
    const sig = world.payment.signReceipt(acceptedBytes(round.state.roundTag, seq, at, hash), receiptKey);
    return { roundId, seq, at, hash, sig };
  }
  const lost = "ab".repeat(32);
  const isCoded = (code: string) => (error: unknown) => error instanceof CodedError && error.code === code;

  it("R9: a receipt that the journal honours is answered at once and holds nothing", async () => {
    const round = await watching.round();
    for (const seq of [1, 5, round.entries.length])
      assert.deepEqual(await desk().claim(receiptOf(round, seq)), { honoured: true, held: false });
    await cosign(world, await planFor(world, round));
  });
  it("R9: what the round's key did not sign is refused, and so are rounds nobody knows", async () => {
    const round = await watching.round();
    const good = receiptOf(round, 5);
    for (const lie of [{ seq: 6 }, { hash: lost }, { at: good.at + 1 }, { sig: "00".repeat(64) }])
      await assert.rejects(desk().claim({ ...good, ...lie }), isCoded("RECEIPT_INVALID"));
    for (const roundId of ["main-1", "nowhere", "../signed"])
      await assert.rejects(desk().claim({ ...good, roundId }), isCoded("ROUND_UNKNOWN"));
    await assert.rejects(desk().claim({ ...good, sig: "short" }), isCoded("BAD_REQUEST"));
    await cosign(world, await planFor(world, round));
  });
  it("M4: a genuine one that is not honoured holds the round, over a restart too; after 12 h full returns are signed", async () => {
    const round = await watching.round();
    const plan = await planFor(world, round);
    const claim = receiptOf(round, 9, lost);
    for (let again = 0; again < 2; again++)
      assert.deepEqual(await desk().claim(claim), { honoured: false, held: true });
    await watching.deny(plan, "CLAIM_OPEN", /receipt for a record 9 that the journal does not have/);
    const beyond = receiptOf(round, round.entries.length + 5, lost.replace("ab", "cd"));
    assert.deepEqual(await desk().claim(beyond), { honoured: false, held: true });

    const { roundId, closesAt } = round.open;
    world.now = expiryOf(closesAt);
    assert.equal((await desk().close(roundId)).closing, true);
    round.now = world.now;
    round.must({ kind: "expire" });
    await world.keep(roundId, round.entries);
    await cosign(world, await planFor(world, round));
  });
  it("M4: the hold ends when the record turns up in the journal", async () => {
    watching.slot += 1;
    const round = await world.play({ slot: watching.slot, players: 4, memes: 3 });
    const { roundId } = round.open;
    const plan = await planFor(world, round);
    const claim = receiptOf(round, 12);
    // Redis came back without its last records, and has them again later.
    await world.keep(roundId, round.entries.slice(0, 11));
    assert.deepEqual(await desk().claim(claim), { honoured: false, held: true });
    const short = round.entries.slice(0, 11);
    const state = world.round(watching.slot).state;
    for (const entry of short.slice(1)) apply(state, entry);
    const end = seal(state.head, round.now, {
      kind: "void",
      body: { by: "operator", reason: "lost records" },
    });
    apply(state, end);
    const cancelled = Object.assign(Object.create(round) as MoneyRound, { state });
    await world.keep(roundId, [...short, end]);
    await watching.deny(await planFor(world, cancelled), "CLAIM_OPEN", /record 12/);
    await world.keep(roundId, round.entries);
    await cosign(world, plan);
    assert.deepEqual(await desk().claim(claim), { honoured: true, held: false });
  });
  it("M4: a claim after the signature says so, and does not stand in the way of what was signed", async () => {
    const round = await watching.round();
    const plan = await planFor(world, round);
    const signatures = await cosign(world, plan);
    assert.deepEqual(await desk().claim(receiptOf(round, 9, lost)), { honoured: false, held: false });
    assert.deepEqual(await cosign(world, plan), signatures);
  });
  it("M4: a claim that comes while the chain is asked still counts before the signature", async () => {
    const round = await watching.round();
    const { entries, state } = round;
    const notes = await NotesStore.open(join(world.folder, "notes of this test"));
    const now = () => world.now;
    const drops = new Drops({ chain: world.net.port, logger: world.logger, now });
    const gate = new Gate({ notes, drops, now });
    await gate.check(entries, state, false);
    await gate.recheck(entries, state, false);
    const own = await notes.of(round.open.roundId);
    await own.add({ kind: "claim", receipt: receiptOf(round, 9, lost), at: world.now });
    const isHeld = (error: unknown) => error instanceof AuditorRefusal && error.code === "CLAIM_OPEN";
    await assert.rejects(gate.recheck(entries, state, false), isHeld);
    await assert.rejects(gate.check(entries, state, false), isHeld);
    await gate.recheck(entries, state, true);
    await gate.check(entries, state, true);
  });
  it("R9: POST /auditor/claims passes it on, and says when it cannot", async () => {
    const round = await watching.round();
    const servers: Server[] = [];
    const post = async (with_: Pick<AuditorDesk, "claim">, body: object) => {
      const app = express();
      const authenticate = () => Promise.reject(new Error("not asked for"));
      const deps = { authenticate, limiter: createLimiter(world.redis), logger: world.logger };
      app.use("/api", apiRouter(claimRoutes({ desk: with_ }), deps));
      const server = createServer(app);
      servers.push(server);
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      const at = server.address();
      assert.ok(typeof at === "object" && at !== null);
      const answer = await fetch(`http://127.0.0.1:${at.port}/api/auditor/claims`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(body),
      });
      return [answer.status, (await answer.json()) as { code?: string }] as const;
    };
    const receipt = receiptOf(round, 5);
    assert.deepEqual(await post(desk(), { receipt }), [200, { honoured: true, held: false }]);
    const wrong = await post(desk(), { receipt: { ...receipt, seq: 6 } });
    assert.deepEqual([wrong[0], wrong[1].code], [422, "RECEIPT_INVALID"]);
    assert.equal((await post(desk(), { receipt: { ...receipt, seq: -1 } }))[1].code, "BAD_REQUEST");
    const away = createAuditorDesk({ url: "http://127.0.0.1:1", timeoutMs: 1_000 });
    assert.deepEqual((await post(away, { receipt }))[0], 503);
    for (const server of servers) server.close();
  });
});
