/** Commands, answers and the voucher chain against a room that is written out here. */
import assert from "node:assert/strict";
import { fromHex } from "@meme-rounds/shared-schema/bytes";
import { publicKeyOf, verifyCompact } from "@meme-rounds/shared-schema/crypto";
import type { ErrorCode } from "@meme-rounds/shared-schema/errors";
import type { Accepted, WireVoucher, You } from "@meme-rounds/shared-schema/messages";
import { chatBytes, decodeVoucher, voucherHash } from "@meme-rounds/shared-schema/voucher";
import { ANSWER_MS, createCommands, PENDING_MS, REFUSED_MS } from "../src/net/commands.ts";
import { createPlayer } from "../src/net/player.ts";
import { Refusal } from "../src/wallet/refusal.ts";
import { createTestTime, settle, youOf as youFor } from "./support.ts";

const secret = new Uint8Array(32).fill(9);
const playKey = publicKeyOf(secret);
const roundTag = "ab".repeat(16);
const memeId = "cd".repeat(32);
const zeros = "0".repeat(64);

const youOf = (change: Partial<You> = {}): You => youFor(playKey, change);

interface Sent {
  kind: string;
  ref: string;
  voucher?: WireVoucher;
  text?: string;
  sig?: string;
}

function stage(key: { readonly secret: Uint8Array } = { secret }) {
  const time = createTestTime();
  const sent: Sent[] = [];
  const receipts: Accepted[] = [];
  let refs = 0;
  const commands = createCommands({ newRef: () => `ref-${++refs}`, after: time.after });
  const player = createPlayer(
    {
      roundId: "main-1",
      roundTag,
      playKey,
      get secret() {
        return key.secret;
      },
    },
    { commands, after: time.after, changed: () => undefined, receipt: (one) => receipts.push(one) },
  );
  const online = (): void => commands.online((kind, body) => sent.push({ kind, ...body } as Sent));
  const accept = async (ref: string): Promise<void> => {
    commands.accepted({ ref, seq: 2, at: 1, hash: zeros, sig: "" });
    await settle();
  };
  const reject = async (ref: string, code: ErrorCode): Promise<void> => {
    commands.rejected({ ref, code, message: code, sig: "" });
    await settle();
  };
  const voucherAt = (index: number) => decodeVoucher(sent[index]?.voucher?.bytes ?? "");
  return { time, sent, receipts, commands, player, online, accept, reject, voucherAt };
}

describe("player", () => {
  it("signs the next voucher only after the answer, chained to the one before (protocol.md 3)", async () => {
    const { player, online, sent, accept, voucherAt } = stage();
    player.heardYou(youOf({ deposits: [{ txid: zeros, vout: 0, sats: 5_000 }] }));
    online();
    const first = player.boost(memeId, 100);
    const second = player.boost(memeId, 50);
    await settle();
    assert.equal(sent.length, 1);
    await accept("ref-1");
    assert.deepEqual(await first, { ok: true });
    assert.equal(sent.length, 2);
    assert.deepEqual([voucherAt(0)?.seq, voucherAt(0)?.prev, voucherAt(0)?.amount], [1, zeros, 100]);
    const bytes = sent[0]?.voucher?.bytes ?? "";
    assert.deepEqual([voucherAt(1)?.seq, voucherAt(1)?.prev], [2, voucherHash(bytes)]);
    assert.equal(verifyCompact(fromHex(bytes), sent[0]?.voucher?.sig ?? "", playKey), true);
    await accept("ref-2");
    await second;
    const { spent, boosts, nextSeq } = player.you() ?? youOf();
    assert.deepEqual({ spent, boosts, nextSeq }, { spent: 150, boosts: { [memeId]: 150 }, nextSeq: 3 });
  });

  it("I3: what may not sign any more sends nothing, and uses up no seq", async () => {
    let isLocked = true;
    const { player, online, sent, voucherAt } = stage({
      get secret() {
        if (isLocked) throw new Refusal("WALLET_LOCKED", "The wallet is locked.");
        return secret;
      },
    });
    player.heardYou(youOf());
    online();
    await assert.rejects(player.boost(memeId, 100), Refusal);
    await assert.rejects(player.chat("hello"), Refusal);
    assert.equal(sent.length, 0);
    isLocked = false;
    void player.boost(memeId, 100);
    await settle();
    assert.deepEqual([voucherAt(0)?.seq, voucherAt(0)?.prev], [1, zeros]);
  });

  it("a refused voucher uses up no seq (protocol.md 3)", async () => {
    const { player, online, accept, reject, voucherAt } = stage();
    player.heardYou(youOf());
    online();
    const refused = player.boost(memeId, 100);
    const next = player.boost(memeId, 20);
    await settle();
    await reject("ref-1", "DEPOSIT_OVERSPENT");
    assert.deepEqual(await refused, { ok: false, code: "DEPOSIT_OVERSPENT", message: "DEPOSIT_OVERSPENT" });
    assert.deepEqual([voucherAt(1)?.seq, voucherAt(1)?.prev], [1, zeros]);
    await accept("ref-2");
    assert.deepEqual(await next, { ok: true });
  });

  it("signs again from `you` when another tab was faster", async () => {
    const { player, online, accept, reject, voucherAt } = stage();
    player.heardYou(youOf());
    online();
    const boost = player.boost(memeId, 100);
    await settle();
    await reject("ref-1", "VOUCHER_SEQ_STALE");
    player.heardYou(youOf({ nextSeq: 4, lastVoucherHash: "ee".repeat(32), spent: 30 }));
    await settle();
    assert.deepEqual([voucherAt(1)?.seq, voucherAt(1)?.prev], [4, "ee".repeat(32)]);
    await accept("ref-2");
    assert.deepEqual(await boost, { ok: true });
    assert.equal(player.you()?.spent, 130);
  });

  it("a `you` that counts the voucher already is not counted twice", async () => {
    const { player, online, accept } = stage();
    player.heardYou(youOf());
    online();
    const boost = player.boost(memeId, 100);
    await settle();
    player.heardYou(youOf({ nextSeq: 2, spent: 100, boosts: { [memeId]: 100 } }));
    await accept("ref-1");
    await boost;
    assert.equal(player.you()?.spent, 100);
    assert.equal(player.you()?.nextSeq, 2);
  });

  it("R5 sends the same command again after a reconnect, under the same ref", async () => {
    const { player, online, commands, sent, accept } = stage();
    player.heardYou(youOf());
    online();
    const boost = player.boost(memeId, 100);
    await settle();
    commands.offline();
    online();
    assert.equal(sent.length, 2);
    assert.deepEqual(sent[0], sent[1]);
    await accept("ref-1");
    assert.deepEqual(await boost, { ok: true });
  });

  it("R9 without an answer it sends once more after 10 s, then says OFFLINE", async () => {
    const { player, online, time, sent } = stage();
    player.heardYou(youOf());
    online();
    const boost = player.boost(memeId, 100);
    await time.pass(ANSWER_MS);
    assert.equal(sent.length, 2);
    await time.pass(ANSWER_MS);
    const outcome = await boost;
    assert.equal(outcome.ok ? "" : outcome.code, "OFFLINE");
    assert.equal(sent.length, 2);
  });

  it("asks the round's next process when this one lost it before it could say", async () => {
    const { player, online, reject, accept, sent } = stage();
    player.heardYou(youOf());
    online();
    const boost = player.boost(memeId, 100);
    await settle();
    await reject("ref-1", "UNAVAILABLE");
    online();
    assert.equal(sent.length, 2);
    await accept("ref-1");
    assert.deepEqual(await boost, { ok: true });
  });

  it("R5 asks one process after the other, however many lose the round meanwhile", async () => {
    const { player, commands, online, reject, accept, sent } = stage();
    player.heardYou(youOf());
    online();
    const boost = player.boost(memeId, 100);
    await settle();
    for (const sends of [2, 3, 4]) {
      await reject("ref-1", "UNAVAILABLE");
      commands.offline();
      online();
      assert.equal(sent.length, sends);
    }
    await accept("ref-1");
    assert.deepEqual(await boost, { ok: true });
  });

  it("R9 believes a room that says UNAVAILABLE twice and stays", async () => {
    const { player, online, time, reject, sent } = stage();
    player.heardYou(youOf());
    online();
    const boost = player.boost(memeId, 100);
    await settle();
    await reject("ref-1", "UNAVAILABLE");
    await time.pass(REFUSED_MS);
    assert.equal(sent.length, 2);
    await reject("ref-1", "UNAVAILABLE");
    await time.pass(REFUSED_MS);
    const outcome = await boost;
    assert.equal(outcome.ok ? "" : outcome.code, "UNAVAILABLE");
  });

  it("M1 waits on DEPOSIT_PENDING for the answer that follows", async () => {
    const { player, online, time, reject, accept, receipts } = stage();
    player.heardYou(youOf());
    online();
    const deposit = player.deposit({ tx: "00", txid: "ff".repeat(32), sats: 5_000 });
    await settle();
    await reject("ref-1", "DEPOSIT_PENDING");
    await time.pass(PENDING_MS - 1);
    await accept("ref-1");
    assert.deepEqual(await deposit, { ok: true });
    assert.equal(player.you()?.deposits[0]?.sats, 5_000);
    assert.equal(receipts.length, 1);
  });

  it("R10 numbers and signs chat lines in their own row", async () => {
    const { player, online, accept, sent } = stage();
    player.heardYou(youOf());
    online();
    for (const [index, text] of ["one", "two"].entries()) {
      const said = player.chat(text);
      await settle();
      const line = sent[index];
      const bytes = chatBytes(roundTag, playKey, index + 1, text);
      assert.equal(verifyCompact(bytes, line?.sig ?? "", playKey), true);
      await accept(`ref-${index + 1}`);
      assert.deepEqual(await said, { ok: true });
    }
  });

  it("a round that is over leaves no promise open", async () => {
    const { player, online, commands } = stage();
    player.heardYou(youOf());
    online();
    const boost = player.boost(memeId, 100);
    await settle();
    commands.abandon();
    const outcome = await boost;
    assert.equal(outcome.ok ? "" : outcome.code, "OFFLINE");
  });

  it("refuses a broken amount without stopping what comes after", async () => {
    const { player, online, accept } = stage();
    player.heardYou(youOf());
    online();
    const wrong = await player.boost(memeId, 1.5);
    assert.equal(wrong.ok ? "" : wrong.code, "BOOST_TOO_SMALL");
    const right = player.boost(memeId, 10);
    await settle();
    await accept("ref-1");
    assert.deepEqual(await right, { ok: true });
  });
});
