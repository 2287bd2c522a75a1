/**
 * A whole round over HTTP and websockets, as separate processes, to the satoshi.
 * Rules R1-R4, R6-R9, E2, E8, M1-M4, C1, C3, C4, I2 and what every bad command is answered.
 */
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import { verifyCompact, verifyEd25519 } from "@meme-rounds/shared-schema/crypto";
import { computeOutcome } from "@meme-rounds/shared-schema/payout";
import { acceptedBytes, isGenuineHead, rejectedBytes } from "@meme-rounds/shared-schema/receipt";
import { type Entry, entrySchema } from "@meme-rounds/shared-schema/records";
import {
  claimAnswer,
  proofAnswer,
  roundDetail,
  type Snapshot,
  seatAnswer,
} from "@meme-rounds/shared-schema/rest";
import { galleryAnswer } from "@meme-rounds/shared-schema/rest-content";
import type { RoundView } from "@meme-rounds/shared-schema/sync-state";
import { verifyJournal } from "@meme-rounds/shared-schema/verify-journal";
import { Client } from "colyseus.js";
import sharp from "sharp";
import { type Answer, ApiError, Player } from "../../../loadtest/src/player.ts";
import { until } from "../support/wait.ts";
import { type Cluster, startCluster } from "./cluster.ts";

const ROUND_SECONDS = 20;
const fixture = (name: string) => readFile(new URL(`../fixtures/memes/${name}`, import.meta.url));
const codeOf = (answer: Answer): string => (answer.ok ? "ok" : answer.code);

describe("a whole round", function () {
  this.timeout(120_000);
  let cluster: Cluster;
  let round: Snapshot;
  const funded = 60_000;
  let ann: Player;
  let bob: Player;
  let cat: Player;
  let view: RoundView;
  const spectatorChats: string[] = [];
  let memes: { contentId: string; memeId: string }[] = [];

  before(async () => {
    cluster = await startCluster({ roundSeconds: ROUND_SECONDS });
    [ann, bob, cat] = [0, 1, 2].map(() => new Player(cluster.url)) as [Player, Player, Player];
    const coins = [];
    for (const player of [ann, bob, cat]) {
      await player.signIn();
      coins.push(await player.faucet(funded));
    }
    memes = [
      await ann.upload(await fixture("doge.png"), "Such depth"),
      await bob.upload(await fixture("portrait.jpg"), "A portrait"),
    ];
    // A round that has just begun, so that everything fits into it.
    round = await until(
      async () => {
        const snapshot = await ann.current();
        return snapshot.depositsCloseAt - Date.now() > 12_000 ? snapshot : undefined;
      },
      { deadlineMs: 40_000, what: "a fresh round" },
    );
    const spectator = new Client(cluster.url);
    const seat = await ann.call(seatAnswer, "GET", "/audience/seat");
    const room = await spectator.consumeSeatReservation<RoundView>(seat as never);
    room.reconnection.enabled = false;
    room.onMessage("*", (kind, body) => {
      if (kind === "chat") spectatorChats.push((body as { text: string }).text);
    });
    room.onStateChange((state) => {
      view = state as RoundView;
    });
    for (const player of [ann, bob, cat]) await player.join(round.roomId);
    for (const [index, player] of [ann, bob, cat].entries()) {
      const coin = coins[index];
      assert.ok(coin);
      const answer = await player.deposit(round, coin, 20_000);
      assert.equal(codeOf(answer), "ok");
      assert.ok(
        answer.ok &&
          verifyEd25519(
            acceptedBytes(round.roundTag, answer.seq, answer.at, answer.hash),
            answer.sig,
            round.receiptKey,
          ),
      );
    }
  });
  after(() => cluster?.stop());

  it("R7, E1: two players enter a meme each; R9: bad entries are refused with their code", async () => {
    const [doge, portrait] = memes as [(typeof memes)[0], (typeof memes)[0]];
    assert.equal(codeOf(await ann.enter(round, portrait, 1_000)), "CONTENT_NOT_YOURS");
    assert.equal(
      codeOf(await ann.enter(round, { ...doge, contentId: randomUUID() }, 1_000)),
      "CONTENT_UNKNOWN",
    );
    assert.equal(codeOf(await ann.enter(round, doge, 999)), "ENTRY_PRICE_CHANGED");
    assert.equal(codeOf(await ann.enter(round, doge, 1_000)), "ok");
    assert.equal(codeOf(await bob.enter(round, portrait, 1_000)), "ok");
    const other = await sharp(await fixture("doge.png"))
      .negate({ alpha: false })
      .rotate(90)
      .toBuffer();
    const again = await ann.upload(other, "Again");
    assert.equal(codeOf(await ann.enter(round, again, 1_000)), "ENTRY_LIMIT");
    const stolen = await cat.upload(await fixture("doge.png"), "Stolen");
    assert.equal(codeOf(await cat.enter(round, stolen, 1_000)), "MEME_DUPLICATE");
  });

  it("E2, R8, R9: boosts count; every bad one gets its code and changes nothing", async () => {
    const [doge, portrait] = memes.map((meme) => meme.memeId) as [string, string];
    assert.equal(codeOf(await cat.boost(round, doge, 3_000)), "ok");
    assert.equal(codeOf(await ann.boost(round, portrait, 500)), "ok");
    assert.equal(codeOf(await ann.boost(round, doge, 500)), "MEME_OWN");
    assert.equal(codeOf(await cat.boost(round, doge, 9)), "BOOST_TOO_SMALL");
    assert.equal(codeOf(await cat.boost(round, "ab".repeat(32), 100)), "MEME_UNKNOWN");
    assert.equal(codeOf(await cat.boost(round, doge, 50_000)), "DEPOSIT_OVERSPENT");
    assert.equal(
      codeOf(await cat.boost({ ...round, roundTag: "00".repeat(16) }, doge, 100)),
      "VOUCHER_FOREIGN_ROUND",
    );
    const good = cat.voucher(round.roundTag, "boost", doge, 100);
    const otherSig = ann.voucher(round.roundTag, "boost", doge, 100).sig;
    assert.equal(
      codeOf(await cat.send("boost", { memeId: doge, voucher: { ...good, sig: otherSig } })),
      "VOUCHER_SIGNATURE_INVALID",
    );
    assert.equal(codeOf(await ann.send("boost", { memeId: doge, voucher: good })), "VOUCHER_KEY_MISMATCH");
    assert.equal(
      codeOf(await cat.send("boost", { memeId: portrait, voucher: good })),
      "VOUCHER_MEME_MISMATCH",
    );
    assert.equal(
      codeOf(await cat.send("boost", { memeId: doge, voucher: { bytes: "00".repeat(130), sig: good.sig } })),
      "VOUCHER_MALFORMED",
    );
    assert.equal(codeOf(await cat.send("boost", { memeId: doge })), "BAD_REQUEST");
    assert.equal(codeOf(await cat.send("boost", { memeId: 5, voucher: good })), "BAD_REQUEST");
    assert.equal(codeOf(await cat.boost(round, portrait, 2_000)), "ok");
    assert.equal(codeOf(await cat.send("boost", { memeId: doge, voucher: good })), "VOUCHER_SEQ_STALE");
    const refused = await cat.send("deposit", { tx: "00" });
    assert.ok(!refused.ok);
    assert.equal(refused.code, "DEPOSIT_MALFORMED");
    assert.ok(
      verifyEd25519(rejectedBytes(round.roundTag, refused.ref, refused.code), refused.sig, round.receiptKey),
    );
  });

  it("M4: the auditor signs the journal's head about once a second; a receipt it honours holds nothing", async () => {
    const answer = await cat.boost(round, (memes[0] as { memeId: string }).memeId, 11);
    assert.ok(answer.ok);
    const head = await until(
      () => {
        const { seq, hash, auditorTime, sig } = view.journalHead;
        return seq >= answer.seq ? { seq, hash, auditorTime, sig } : undefined;
      },
      { deadlineMs: 5_000, what: "a head that covers the boost" },
    );
    assert.ok(isGenuineHead(round.roundTag, head, round.auditorHeadKey));
    await until(() => view.journalHead.auditorTime > head.auditorTime || undefined, {
      deadlineMs: 5_000,
      what: "the next head",
    });
    const { seq, at, hash, sig } = answer;
    const receipt = { roundId: round.roundId, seq, at, hash, sig };
    const claimed = await cat.call(claimAnswer, "POST", "/auditor/claims", { receipt });
    assert.deepEqual(claimed, { honoured: true, held: false });
  });

  it("protocol 6: the same ref twice is one boost; a ref of another command is refused", async () => {
    const memeId = memes[0]?.memeId ?? "";
    const ref = randomUUID();
    const voucher = cat.voucher(round.roundTag, "boost", memeId, 100);
    const first = await cat.send("boost", { memeId, voucher }, ref);
    assert.deepEqual(await cat.send("boost", { memeId, voucher }, ref), first);
    assert.equal(
      codeOf(await cat.send("boost", { memeId, voucher: { ...voucher, sig: "11".repeat(64) } }, ref)),
      "REF_REUSED",
    );
    if (cat.you) cat.you = { ...cat.you, nextSeq: cat.you.nextSeq };
  });

  it("R10: chat reaches players and spectators; a forged line is refused", async () => {
    assert.equal(codeOf(await bob.chat(round, "to the moon")), "ok");
    assert.equal(
      codeOf(await bob.send("chat", { text: "forged", sig: "11".repeat(64) })),
      "CHAT_SIGNATURE_INVALID",
    );
    assert.equal(codeOf(await bob.chat(round, "")), "CHAT_EMPTY");
    assert.equal(codeOf(await bob.chat(round, "x".repeat(241))), "CHAT_TOO_LONG");
    await until(() => ann.chats.some(({ text }) => text === "to the moon"), { what: "the line at Ann's" });
    await until(() => spectatorChats.includes("to the moon"), { what: "the line at the spectator's" });
  });

  it("R1: a client can neither create a round nor join without a token", async () => {
    for (const act of [() => ann.client.create("round", {}), () => ann.client.joinOrCreate("round", {})])
      await assert.rejects(act());
    await assert.rejects(new Client(cluster.url).joinById(round.roomId), /AUTH_REQUIRED/);
    ann.room?.send("nonsense", {});
  });

  it("R6: what a spectator sees names no creator, and the journal is closed while the round is live", async () => {
    await until(
      () => view?.memes?.size === 2 && (view.memes.get(memes[0]?.memeId ?? "")?.boostSats ?? 0) >= 3_100,
      {
        what: "the spectator's state",
      },
    );
    const text = JSON.stringify(view);
    for (const player of [ann, bob]) assert.ok(!text.includes(player.playKey));
    for (const path of [
      `/rounds/${round.roundId}/journal`,
      `/rounds/${round.roundId}/proof`,
      `/rounds/${round.roundId}`,
    ])
      await assert.rejects(
        ann.call(entrySchema, "GET", path),
        (error) => error instanceof ApiError && error.code === "ROUND_LIVE" && error.status === 425,
      );
  });

  it("E8, M3, M4: the round is paid out on chain, each player to the satoshi", async () => {
    const detail = await until(
      async () => {
        const found = await ann.call(roundDetail, "GET", `/rounds/${round.roundId}`);
        return found.settlement === "pending" ? undefined : found;
      },
      { deadlineMs: 60_000, everyMs: 500, what: "the settlement" },
    );
    const text = await (await fetch(`${cluster.url}/api/rounds/${round.roundId}/journal`)).text();
    const entries: Entry[] = text
      .trim()
      .split("\n")
      .map((line) => entrySchema.parse(JSON.parse(line)));
    const verdict = verifyJournal(entries, verifyCompact);
    assert.ok(verdict.ok);
    assert.equal(detail.journalHash, entries.at(-1)?.hash);
    const outcome = computeOutcome(verdict.state);
    assert.ok(outcome.kind === "result");
    const paid = outcome.result.payouts.reduce((sum, { won, returned }) => sum + won + returned, 0);
    const { fee, seatFees, carryOut } = outcome.result;
    assert.equal(paid + fee + seatFees + carryOut, 60_000 + verdict.state.carryIn, "E8");
    for (const player of [ann, bob, cat]) {
      const payout: { won: number; returned: number } | undefined = outcome.result.payouts.find(
        ({ playKey }) => playKey === player.playKey,
      );
      assert.ok(payout);
      const depositFee = Math.ceil(450 * 0.1);
      const expected = funded - 20_000 - depositFee + payout.won + payout.returned;
      await until(async () => (await player.balance()) === expected, {
        deadlineMs: 15_000,
        what: `a balance of ${expected}`,
      });
      await until(() => player.settled.length > 0, { what: "`settled`" });
      const mine = player.settled[0]?.payouts.find(({ playKey }) => playKey === player.playKey);
      assert.equal(mine?.sats, payout.won + payout.returned);
    }
    const proof = await ann.call(proofAnswer, "GET", `/rounds/${round.roundId}/proof`);
    assert.ok(proof.deposits.length === 3 && proof.deposits.every(({ state }) => state === "collected"));
    const { heads } = proof;
    assert.ok(
      heads.length > 1 && heads.every((one) => isGenuineHead(round.roundTag, one, round.auditorHeadKey)),
    );
    assert.equal(heads.at(-1)?.hash, proof.journalHash, "the auditor has signed the journal's end");
  });

  it("C3, C4: the winner becomes a model that is served for ever, in the result and the gallery", async () => {
    const detail = await until(
      async () => {
        const found = await ann.call(roundDetail, "GET", `/rounds/${round.roundId}`);
        return found.memesRanked[0]?.model ? found : undefined;
      },
      { deadlineMs: 60_000, everyMs: 500, what: "the model" },
    );
    const model = detail.memesRanked[0]?.model;
    assert.ok(model);
    assert.equal(model.provider, "aitubo");
    const glb = await fetch(cluster.url + model.glb);
    assert.equal(glb.headers.get("content-type"), "model/gltf-binary");
    assert.match(glb.headers.get("cache-control") ?? "", /immutable/);
    assert.equal(
      Buffer.from(await glb.arrayBuffer())
        .subarray(0, 4)
        .toString(),
      "glTF",
    );
    const part = await fetch(cluster.url + model.poster, { headers: { range: "bytes=0-3" } });
    assert.equal(part.status, 206);
    assert.equal(await part.text(), "RIFF");
    const gallery = await ann.call(galleryAnswer, "GET", "/gallery");
    assert.ok(
      gallery.items.some(({ memeId, roundId }) => memeId === model.memeId && roundId === round.roundId),
    );
    await until(() => ann.models.some(({ memeId }) => memeId === model.memeId), { what: "`model`" });
    assert.equal(
      cluster.aitubo.log.filter((line) => line.includes("/api/job/create")).length,
      1,
      "submitted once",
    );
  });

  it("R3: the next round opened at the slot's end, and another after it", async () => {
    const next = await until(async () => {
      const snapshot = await ann.current();
      return snapshot.roundId === round.roundId ? undefined : snapshot;
    });
    assert.equal((next.opensAt - round.opensAt) % (ROUND_SECONDS * 1000), 0);
  });
});
