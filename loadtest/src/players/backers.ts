/**
 * Players in a room with coins deposited and boosts signed: everything a boost needs is done before the clock starts.
 * Owns: getting them there. Does not own: when they boost (index.ts).
 */
import { randomBytes, randomInt } from "node:crypto";
import type { WireVoucher } from "@meme-rounds/shared-schema/messages";
import type { Snapshot } from "@meme-rounds/shared-schema/rest";
import { signVoucher, voucherHash } from "@meme-rounds/shared-schema/voucher";
import { drawPicture } from "../money/pictures.ts";
import { Random } from "../money/random.ts";
import { type Answer, Player } from "../player.ts";

const AT_ONCE = 10;
const COIN_SATS = 40_000;
/** sat; more than this waits for two broadcasters (M1). */
const MOST_DEPOSITED = 20_000;
/** Two by different people are what makes a round count (E10). */
const ARTISTS = 3;

type Coin = Awaited<ReturnType<Player["faucet"]>>;

export interface Backer {
  player: Player;
  coin: Coin;
  content: { contentId: string; memeId: string } | undefined;
  memeId: string;
  /** In the order in which they have to be sent. */
  boosts: WireVoucher[];
}

const must = (answer: Answer, what: string): void => {
  if (!answer.ok) throw new Error(`${what} was refused: ${answer.code} ${answer.message}`);
};

/** Does `work` for each, ten at a time; `done` hears how many are through. */
async function each<T>(
  all: readonly T[],
  work: (one: T, at: number) => Promise<void>,
  done: (count: number) => void,
  signal: AbortSignal,
): Promise<void> {
  let next = 0;
  let through = 0;
  const lane = async (): Promise<void> => {
    for (let at = next++; at < all.length; at = next++) {
      signal.throwIfAborted();
      const one = all[at];
      if (one !== undefined) await work(one, at);
      done(++through);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
}

export class Backers {
  readonly all: Backer[] = [];
  private readonly url: string;
  private readonly signal: AbortSignal;
  private readonly done: (what: string, count: number) => void;

  /** `done` hears of progress. `url`: without a slash at its end. */
  constructor(url: string, signal: AbortSignal, done: (what: string, count: number) => void) {
    this.url = url;
    this.signal = signal;
    this.done = done;
  }

  /** Signs everybody in and gives each a coin; the first few upload a picture. */
  async gather(count: number): Promise<void> {
    const numbers = Array.from({ length: count }, (_, at) => at);
    await each(
      numbers,
      async (at) => {
        const { player, coin } = await this.ready(new Uint8Array(randomBytes(32)), at);
        const content = at < ARTISTS ? await this.picture(player) : undefined;
        this.all.push({ player, coin, content, memeId: "", boosts: [] });
      },
      (through) => this.done("signed in", through),
      this.signal,
    );
  }

  /** The same people with new sessions and coins, for another round. */
  async comeBack(): Promise<void> {
    await each(
      this.all,
      async (backer, at) => {
        Object.assign(backer, await this.ready(backer.player.secret, at));
      },
      (through) => this.done("signed in", through),
      this.signal,
    );
  }

  /** Joins, deposits, enters, and signs `each` boosts of `sats` a player. */
  async takeSeats(round: Snapshot, boosts: number, sats: number): Promise<void> {
    const artists = this.all.filter(({ content }) => content !== undefined);
    await each(
      [...artists, ...this.all.filter(({ content }) => content === undefined)],
      async (backer, at) => {
        const { player, coin, content } = backer;
        await player.join(round.roomId);
        must(await player.deposit(round, coin, MOST_DEPOSITED), "a deposit");
        if (content !== undefined) must(await player.enter(round, content, round.entryPrice), "an entry");
        // Nobody backs a meme of their own (R8).
        const others = artists.filter((artist) => artist !== backer);
        backer.memeId = others[at % others.length]?.content?.memeId ?? "";
        backer.boosts = this.sign(backer, round, boosts, sats);
      },
      (through) => this.done("in the room", through),
      this.signal,
    );
  }

  async leave(): Promise<void> {
    await Promise.all(this.all.map(({ player }) => player.leave().catch(() => undefined)));
  }

  /** From an address of its own, where the server believes that. */
  private async ready(secret: Uint8Array, at: number): Promise<{ player: Player; coin: Coin }> {
    const from = { "x-forwarded-for": `10.9.${(at >> 8) & 255}.${at & 255}` };
    const player = new Player(this.url, secret, from);
    await player.signIn();
    return { player, coin: await player.faucet(COIN_SATS) };
  }

  private async picture(player: Player): Promise<{ contentId: string; memeId: string }> {
    const content = await player.upload(await drawPicture(new Random(randomInt(2 ** 32 - 1))), "Backed");
    if (content.status !== "approved")
      throw new Error(`a picture is ${content.status}: ${content.reasons.join(", ")}`);
    return content;
  }

  private sign({ player, memeId }: Backer, round: Snapshot, count: number, amount: number): WireVoucher[] {
    const { you, playKey, secret } = player;
    if (you === undefined) throw new Error("nobody was told who they are");
    let { lastVoucherHash: prev } = you;
    return Array.from({ length: count }, (_, at) => {
      const seq = you.nextSeq + at;
      const signed = signVoucher(
        { roundTag: round.roundTag, playKey, seq, kind: "boost", memeId, amount, prev },
        secret,
      );
      prev = voucherHash(signed.bytes);
      return signed;
    });
  }
}
