/** R12, C6 in the whole game: a takedown through one process while another hosts the round, to the round's end. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { verifyAuditLog } from "@meme-rounds/shared-schema/audit-log";
import { publicKeyOf } from "@meme-rounds/shared-schema/crypto";
import { readLink } from "@meme-rounds/shared-schema/ledger-link";
import { readJournalScript, unpackJournal } from "@meme-rounds/shared-schema/mrj1-file";
import { entrySchema } from "@meme-rounds/shared-schema/records";
import { proofAnswer, roundDetail, type Snapshot, txAnswer } from "@meme-rounds/shared-schema/rest";
import { auditAnswer } from "@meme-rounds/shared-schema/rest-admin";
import { galleryAnswer, moderateAnswer } from "@meme-rounds/shared-schema/rest-content";
import { readRawTx } from "@meme-rounds/shared-schema/tx-read";
import { verifyJournal } from "@meme-rounds/shared-schema/verify-journal";
import sharp from "sharp";
import { type Answer, ApiError, Player } from "../../../loadtest/src/player.ts";
import { createVerifier } from "../../src/infra/ecdsa.ts";
import { type Cluster, startCluster } from "../game/cluster.ts";
import { until } from "../support/wait.ts";

const ROUND_SECONDS = 40;
const fixture = (name: string) => readFile(new URL(`../fixtures/memes/${name}`, import.meta.url));
const codeOf = (answer: Answer): string => (answer.ok ? "ok" : answer.code);

describe("a takedown in the whole game", function () {
  this.timeout(180_000);
  const secret = new Uint8Array(32).fill(9);
  let cluster: Cluster;
  let other: string;
  let round: Snapshot;
  let [ann, bob, cat, moderator]: Player[] = [];
  let doge = "";
  let portrait = "";

  const player = (one: Player | undefined): Player => {
    assert.ok(one);
    return one;
  };

  before(async () => {
    const identity = `ecdsa-secp256k1:${publicKeyOf(secret)}`;
    cluster = await startCluster({ roundSeconds: ROUND_SECONDS, admins: [identity] });
    [ann, bob, cat] = [0, 1, 2].map(() => new Player(cluster.url));
    const coins: Awaited<ReturnType<Player["faucet"]>>[] = [];
    for (const one of [ann, bob, cat]) {
      await player(one).signIn();
      coins.push(await player(one).faucet(60_000));
    }
    const memes = [
      await player(ann).upload(await fixture("doge.png"), "Such depth"),
      await player(bob).upload(await fixture("portrait.jpg"), "A portrait"),
      await player(cat).upload(
        await sharp(await fixture("portrait.jpg"))
          .negate()
          .rotate(90)
          .toBuffer(),
        "More",
      ),
    ] as const;
    doge = memes[0].memeId;
    portrait = memes[1].memeId;
    round = await until(
      async () => {
        const snapshot = await player(ann).current();
        return snapshot.depositsCloseAt - Date.now() > 26_000 ? snapshot : undefined;
      },
      { deadlineMs: 60_000, what: "a fresh round" },
    );
    for (const [index, one] of [ann, bob, cat].entries()) {
      const coin = coins[index];
      assert.ok(coin);
      await player(one).join(round.roomId);
      assert.equal(codeOf(await player(one).deposit(round, coin, 20_000)), "ok");
    }
    assert.equal(codeOf(await player(ann).enter(round, memes[0], 1_000)), "ok");
    assert.equal(codeOf(await player(bob).enter(round, memes[1], 1_000)), "ok");
    // Without a third one the round would have a single valid entry left, and be void (E10).
    assert.equal(codeOf(await player(cat).enter(round, memes[2], 1_000)), "ok");
    assert.equal(codeOf(await player(cat).boost(round, doge, 5_000)), "ok");
    assert.equal(codeOf(await player(cat).boost(round, portrait, 300)), "ok");
    assert.equal(codeOf(await player(ann).boost(round, portrait, 200)), "ok");
    // Begun last: the round is hosted by the first process, and stays there.
    other = (await cluster.another()).url;
    moderator = new Player(other, secret);
    await moderator.signIn();
  });
  after(() => cluster?.stop());

  it("R12 within a second the live state has it; media, snapshot and entering follow in every process", async () => {
    const body = { reason: "gore" };
    const answer = await player(moderator).call(
      moderateAnswer,
      "POST",
      `/admin/memes/${doge}/takedown`,
      body,
    );
    assert.ok(answer.rounds.includes(round.roundId));
    for (const url of [cluster.url, other]) {
      assert.equal((await fetch(`${url}/media/${doge}`)).status, 410);
      const { memes } = await new Player(url).current();
      const meme = memes.find(({ memeId }) => memeId === doge);
      assert.deepEqual([meme?.title, meme?.image, meme?.takenDown], ["", "", true]);
    }
    const live = await until(() => {
      const meme = player(cat).room?.state.memes.get(doge);
      return meme?.takenDown ? meme : undefined;
    });
    assert.deepEqual([live.title, live.image], ["", ""]);
    assert.equal(codeOf(await player(cat).boost(round, doge, 100)), "MEME_TAKEN_DOWN");
    const again = await player(cat).upload(await fixture("doge.png"), "Such depth");
    assert.equal(again.status, "rejected");
  });

  it("I4 a player may not", async () => {
    await assert.rejects(
      player(ann).call(moderateAnswer, "POST", `/admin/memes/${portrait}/takedown`, { reason: "rival" }),
      (error) => error instanceof ApiError && error.code === "ROLE_REQUIRED",
    );
  });

  it("R12 C6 its boosts come back, the other one wins; page, journal and gallery do without it", async () => {
    const done = await until(
      () =>
        player(ann)
          .call(roundDetail, "GET", `/rounds/${round.roundId}`)
          .catch(() => undefined),
      { deadlineMs: 90_000, everyMs: 500, what: "the finished round" },
    );
    const gone = done.memesRanked.find(({ memeId }) => memeId === doge);
    assert.deepEqual([gone?.title, gone?.image, gone?.takenDown, gone?.winner], ["", "", true, false]);
    assert.equal(done.winner?.memeId, portrait);
    const cats = done.payouts.find(({ playKey }) => playKey === player(cat).playKey);
    const { seatFee } = round;
    assert.equal(cats?.returned, 20_000 - seatFee - 1_300, "5,000 on what was taken down came back");
    const journal = await (await fetch(`${other}/api/rounds/${round.roundId}/journal`)).text();
    assert.ok(!journal.includes("Such depth") && journal.includes("A portrait"));
    const entries = journal
      .trim()
      .split("\n")
      .map((line) => entrySchema.parse(JSON.parse(line)));
    assert.equal(verifyJournal(entries, createVerifier()).ok, true);
    assert.ok(entries.some(({ record }) => record.kind === "takedown" && record.body.reason === "gore"));
    // M6: the file on the chain is for good, and has no such title either; the round is paid out all the same.
    const { journalTxid } = await until(
      async () => {
        const proof = await player(ann).call(proofAnswer, "GET", `/rounds/${round.roundId}/proof`);
        return proof.journalTxid !== undefined && proof.settlement.length > 0 ? proof : undefined;
      },
      { deadlineMs: 60_000, everyMs: 500, what: "the settlement" },
    );
    const { tx } = await player(ann).call(txAnswer, "GET", `/wallet/tx/${journalTxid}`);
    const file = readJournalScript(readRawTx(tx)?.outputs[0]?.script ?? "")?.file;
    assert.ok(file);
    const written = JSON.stringify(await unpackJournal(file));
    assert.ok(!written.includes("Such depth") && written.includes("A portrait"));
    const items = await until(
      async () => {
        const page = await player(ann).call(galleryAnswer, "GET", "/gallery");
        return page.items.length > 0 ? page.items : undefined;
      },
      { deadlineMs: 60_000, everyMs: 500, what: "the winner's model" },
    );
    assert.deepEqual(
      items.map(({ memeId }) => memeId),
      [portrait],
    );
  });

  it("I4 M5 the takedown is in the audit log, and the ledger's link of the round holds the log's head", async () => {
    const { items, head } = await player(moderator).call(auditAnswer, "GET", "/admin/audit");
    const records = items.map(({ hash: _, ...record }) => record).reverse();
    assert.deepEqual(
      records.map(({ by, action, target, reason }) => ({ by, action, target, reason })),
      [
        {
          by: `ecdsa-secp256k1:${publicKeyOf(secret)}`,
          action: "meme.takedown",
          target: doge,
          reason: "gore",
        },
      ],
    );
    const { link } = await player(ann).call(proofAnswer, "GET", `/rounds/${round.roundId}/proof`);
    const { tx } = await player(ann).call(txAnswer, "GET", `/wallet/tx/${link?.txid}`);
    const body = readLink(readRawTx(tx)?.outputs ?? [])?.body;
    assert.ok(body && "auditHead" in body);
    const anchor = { head: body.auditHead, madeAfter: round.closesAt };
    assert.deepEqual(verifyAuditLog(records, [anchor]), { ok: true, head });
    assert.equal(body.auditHead, head);
    await assert.rejects(
      player(ann).call(auditAnswer, "GET", "/admin/audit"),
      (error) => error instanceof ApiError && error.code === "ROLE_REQUIRED",
    );
  });
});
