/**
 * One paying player of the soak. Owns: doing a round's plan, and its own notes of everything it sent and was promised.
 * Does not own: the plan (plan.ts), the connection (seat.ts), judging the notes (prove-players.ts).
 */
import { setTimeout as delay } from "node:timers/promises";
import { fromHex } from "@meme-rounds/shared-schema/bytes";
import { addressOf, publicKeyOf } from "@meme-rounds/shared-schema/crypto";
import { p2pkhScript } from "@meme-rounds/shared-schema/lock";
import type { Snapshot } from "@meme-rounds/shared-schema/rest";
import type { Coin } from "@meme-rounds/shared-schema/settlement";
import { FINAL_SEQUENCE, txidOf } from "@meme-rounds/shared-schema/sighash";
import { decodeVoucher, voucherHash } from "@meme-rounds/shared-schema/voucher";
import type { Answer } from "../player.ts";
import { signOwn } from "./bank.ts";
import type { DevchainView } from "./chain-view.ts";
import { wrongBoost, wrongDeposit } from "./mischief.ts";
import type { Act } from "./plan.ts";
import type { KeptDeposit, KeptReceipt, PlayerNotes } from "./prove-players.ts";
import { BESIDE, Purse, SMALLEST_DEPOSIT } from "./purse.ts";
import { RoundGone, Seat, type SeatDeps } from "./seat.ts";
import type { Tally } from "./tally.ts";

export interface SoakerDeps extends SeatDeps {
  chain: DevchainView;
  tally: Tally;
  /** Memes of the live round that can be boosted. */
  memes(): readonly string[];
}

/** The same transaction is sent again after these: the network may only be slow. */
const AGAIN: ReadonlySet<string> = new Set([
  "UNAVAILABLE",
  "INTERNAL",
  "DEPOSIT_INPUTS_UNKNOWN",
  "NOT_READY",
]);
const AGAIN_MS = 700;
const MINED_WAIT_MS = 9_000;
/** A double spend that miners take with the next reorganisation. */
export interface Grudge {
  /** txid of the deposit that dies of it. */
  deposit: string;
  txid: string;
  rawHex: string;
}

export class Soaker {
  readonly playKey: string;
  content: { contentId: string; memeId: string } | undefined;
  private readonly seat: Seat;
  private readonly deps: SoakerDeps;
  private readonly receipts: KeptReceipt[] = [];
  private readonly deposits: KeptDeposit[] = [];
  private readonly otherTxids: string[] = [];
  private readonly purse: Purse;
  /** The double spend that this player has ready. */
  grudge: Grudge | undefined;
  /** The first accepted deposit's coin, of the round being played. */
  private cheatable: { coin: Coin; deposit: string } | undefined;
  private cheatTxid: string | undefined;
  private willCheat = false;
  private isHonest = true;

  constructor(index: number, secret: Uint8Array, deps: SoakerDeps) {
    this.deps = deps;
    this.seat = new Seat(index, secret, deps);
    this.playKey = publicKeyOf(secret);
    this.purse = new Purse(addressOf(this.playKey, "devchain"), deps.chain);
  }

  get notes(): PlayerNotes {
    const { playKey, receipts, deposits, otherTxids, isHonest } = this;
    const { ancestors } = this.purse;
    return { playKey, receipts, deposits, otherTxids, ancestors, isHonest };
  }

  /** The deposit that this player is about to spend again. */
  get unwanted(): string | undefined {
    return this.cheatTxid;
  }

  give(coin: Coin): void {
    this.purse.coins.push(coin);
    this.otherTxids.push(coin.txid);
  }

  /** Uploads the picture this player enters with, in round after round. */
  async upload(picture: Uint8Array, endsAt: number): Promise<void> {
    this.content = await this.seat.insist((player) => player.upload(picture, "A soaked meme"), endsAt);
  }

  /** Plays one round through. Never throws for what a falling server does to it. */
  async play(round: Snapshot, acts: readonly Act[], signal: AbortSignal): Promise<void> {
    this.cheatable = undefined;
    this.willCheat = acts.some(({ kind }) => kind === "cheat");
    try {
      for (const act of acts) {
        await delay(Math.max(0, round.opensAt + act.at - Date.now()), undefined, { signal });
        await this.act(round, act);
      }
    } catch (error) {
      if (error instanceof RoundGone) this.deps.tally.count("cut off by the end of a round");
      else if (!signal.aborted) this.deps.tally.odd(error);
    } finally {
      this.cheatTxid = undefined;
      await this.seat.leave();
    }
  }

  private async act(round: Snapshot, act: Act): Promise<void> {
    switch (act.kind) {
      case "deposit":
        return await this.deposit(round, act);
      case "enter":
        return await this.enter(round);
      case "boost":
        return await this.boost(round, act);
      case "cheat":
        return await this.cheat(act.how);
    }
  }

  private async deposit(round: Snapshot, wish: Act & { kind: "deposit" }): Promise<void> {
    const { tally } = this.deps;
    const { twist } = wish;
    if (twist !== "none" && twist !== "late") {
      const [coin] = this.purse.coins;
      const player = await this.seat.inRoom(round);
      if (coin)
        await this.mustRefuse(`a ${twist} deposit`, round, "deposit", {
          tx: wrongDeposit(player, round, coin, twist),
        });
      return;
    }
    const won = wish.from === "winnings" ? await this.purse.winnings((txid) => this.isOwn(txid)) : undefined;
    const coin = won ?? this.purse.coins.shift();
    const sats = Math.min(wish.sats, (coin?.sats ?? 0) - BESIDE);
    if (coin === undefined || sats < SMALLEST_DEPOSIT) return tally.count("no coin left to deposit");
    if (won) tally.count("deposits out of winnings");
    const player = await this.seat.inRoom(round);
    const tx = player.depositTx(round, coin, sats);
    const kept: KeptDeposit = {
      roundId: round.roundId,
      txid: txidOf(fromHex(tx)),
      sats,
      coins: [{ txid: coin.txid, vout: coin.vout }],
      answer: "none",
    };
    // Noted before it is sent: what happens to it is this player's business whatever the server answers.
    this.deposits.push(kept);
    if (this.willCheat) this.cheatTxid ??= kept.txid;
    const began = performance.now();
    for (;;) {
      const answer = await this.seat.say(round, "deposit", { tx });
      kept.answer = answer.ok ? "accepted" : answer.code;
      if (answer.ok) {
        tally.deposit(performance.now() - began);
        this.cheatable ??= { coin, deposit: kept.txid };
        if (player.you)
          player.you = {
            ...player.you,
            deposits: [...player.you.deposits, { txid: kept.txid, vout: 0, sats }],
          };
        if (this.willCheat || this.deposits.length % 3 === 0)
          this.purse.keepChange(kept.txid, coin.sats - sats);
        return this.keep(round, "deposit", kept.txid, answer);
      }
      if (answer.code === "DEPOSIT_MINED_ONLY") await this.untilMined(tx, kept.txid);
      else if (!AGAIN.has(answer.code)) return tally.refused("deposit", answer.code);
      if (Date.now() > round.depositsCloseAt) return tally.refused("deposit", answer.code);
      await delay(AGAIN_MS);
    }
  }

  private isOwn(txid: string): boolean {
    return this.otherTxids.includes(txid) || this.deposits.some((one) => one.txid === txid);
  }

  /** Whoever may use mined deposits only sends the transaction and waits. */
  private async untilMined(rawHex: string, txid: string): Promise<void> {
    const { chain } = this.deps;
    const end = Date.now() + MINED_WAIT_MS;
    await chain.broadcast(rawHex).catch(() => undefined);
    while (Date.now() < end) {
      const tx = await chain.tx(txid).catch(() => undefined);
      if (tx?.height !== undefined) return;
      await delay(AGAIN_MS);
    }
  }

  private async enter(round: Snapshot): Promise<void> {
    if (this.content === undefined) return;
    const { contentId, memeId } = this.content;
    const price = round.entryPrice;
    const player = await this.seat.inRoom(round);
    const voucher = player.voucher(round.roundTag, "enter", memeId, price);
    const answer = await this.seat.say(round, "enter", { contentId, voucher });
    await this.afterVoucher(round, "enter", voucher.bytes, answer);
  }

  private async boost(round: Snapshot, { sats, pick, twist }: Act & { kind: "boost" }): Promise<void> {
    const memes = this.deps.memes().filter((memeId) => memeId !== this.content?.memeId);
    const memeId = memes[Math.floor(pick * memes.length)];
    if (memeId === undefined) return;
    const player = await this.seat.inRoom(round);
    if ((player.you?.deposits.length ?? 0) === 0)
      return this.deps.tally.count("nothing deposited to boost with");
    if (twist !== "none") {
      const voucher = wrongBoost(player, round, memeId, twist);
      return await this.mustRefuse(`a ${twist} boost`, round, "boost", { memeId, voucher });
    }
    const voucher = player.voucher(round.roundTag, "boost", memeId, sats);
    const answer = await this.seat.say(round, "boost", { memeId, voucher });
    await this.afterVoucher(round, "boost", voucher.bytes, answer);
  }

  /** What is accepted here is a mismatch at once. */
  private async mustRefuse(
    what: string,
    round: Snapshot,
    kind: string,
    body: Record<string, unknown>,
  ): Promise<void> {
    const { tally } = this.deps;
    const answer = await this.seat.say(round, kind, body);
    const { roundId } = round;
    if (answer.ok) tally.wrong({ rule: "R9", what: `${what} was accepted`, roundId, playKey: this.playKey });
    else tally.refused(what, answer.code);
  }

  private async afterVoucher(
    round: Snapshot,
    kind: "enter" | "boost",
    sent: string,
    answer: Answer,
  ): Promise<void> {
    if (!answer.ok) return this.deps.tally.refused(kind, answer.code);
    this.keep(round, kind, sent, answer);
    this.deps.tally.count(`${kind}s accepted`);
    // A seat taken again since then was told so by the server already.
    const player = await this.seat.inRoom(round);
    const { you } = player;
    if (you !== undefined && you.nextSeq === decodeVoucher(sent)?.seq)
      player.you = { ...you, nextSeq: you.nextSeq + 1, lastVoucherHash: voucherHash(sent) };
  }

  private keep(
    { roundId }: Snapshot,
    kind: KeptReceipt["kind"],
    sent: string,
    answer: Answer & { ok: true },
  ): void {
    const { seq, at, hash, sig } = answer;
    this.receipts.push({ roundId, seq, at, hash, sig, kind, sent });
  }

  /** The deposit's coin goes back to this player in another transaction, which the miners are made to prefer. */
  private async cheat(how: "at once" | "by a reorganisation"): Promise<void> {
    if (this.cheatable === undefined) return;
    const { coin, deposit } = this.cheatable;
    const { chain, tally } = this.deps;
    this.cheatable = undefined;
    this.cheatTxid = undefined;
    this.isHonest = false;
    const script = p2pkhScript(this.playKey);
    const { txid, rawHex } = signOwn(
      {
        version: 1,
        inputs: [{ ...coin, sequence: FINAL_SEQUENCE, script }],
        outputs: [{ sats: coin.sats - 100, script }],
        locktime: 0,
      },
      this.seat.secret,
    );
    this.otherTxids.push(txid);
    if (how === "by a reorganisation") {
      this.grudge = { deposit, txid, rawHex };
      return;
    }
    const took = await chain.dev("submit?force=1", { tx: rawHex }).then(
      () => true,
      () => false,
    );
    tally.count(took ? "double spends forced" : "double spends that came too late");
  }
}
