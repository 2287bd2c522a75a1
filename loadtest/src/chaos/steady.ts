/**
 * A player that lives through takeovers as the page does (R5): it comes back by itself, and says whatever was not
 * answered again, with the same ref and bytes. Owns: its seat, its list of what it was promised.
 * Does not own: what dies when (index.ts), judging the list (judge.ts).
 */
import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { type Snapshot, snapshotSchema } from "@meme-rounds/shared-schema/rest";
import { decodeVoucher, voucherHash } from "@meme-rounds/shared-schema/voucher";
import { type Answer, Player } from "../player.ts";

/** A command that the round has promised to count. */
export interface Promised {
  ref: string;
  kind: string;
  seq: number;
  at: number;
  hash: string;
  sig: string;
  /** The voucher's bytes, hex. */
  sent: string;
  /** ms since the epoch. */
  sentAt: number;
  answeredAt: number;
  /** How often it was sent. */
  sends: number;
  /** In which of the player's seats it was answered, counted from 1. */
  seat: number;
}

export interface SteadyOptions {
  /** Between two boosts, ms. */
  everyMs: number;
  boostSats: number;
}

export interface SteadyDeps {
  /** Addresses of the game servers, whether or not they are up. */
  urls(): readonly string[];
  now(): number;
  /** 0 up to 1. */
  random(): number;
}

const RETRY_MS = 250;
/** A server that takes longer is given up for the next, as a load balancer would, ms. */
const LOOK_MS = 1_200;
const SLOW_MS = 400;
const MOVED_MS = 700;
const JOIN_MS = 8_000;
const QUIET_MS = 1_700;
const LISTEN_MS = 400;
/** A room that says UNAVAILABLE and stays meant it, ms. */
const REFUSED_MS = 2_000;
const ANSWER_MS = 10_000;

interface Seat {
  player: Player;
  roomId: string;
  gone: AbortController;
  /** Left by the player itself: the round is elsewhere. */
  isAbandoned: boolean;
}

export class SteadyPlayer {
  readonly first: Player;
  readonly promised: Promised[] = [];
  /** Codes of refusals, in order. */
  readonly refused: string[] = [];
  /** Times it had to take a seat, the first one included. */
  seats = 0;
  private readonly options: SteadyOptions;
  private readonly deps: SteadyDeps;
  private seat: Seat | undefined;
  private at = 0;

  /** `first` is signed in already. */
  constructor(first: Player, options: SteadyOptions, deps: SteadyDeps) {
    this.first = first;
    this.options = options;
    this.deps = deps;
  }

  /** The commands that wait for an answer. */
  unanswered = 0;

  /** The live round's snapshot from whichever server answers; undefined where none does. */
  async current(): Promise<Snapshot | undefined> {
    const urls = this.deps.urls();
    for (let turn = 0; turn < urls.length; turn++) {
      const url = urls[this.at % urls.length];
      if (url === undefined) break;
      try {
        const signal = AbortSignal.timeout(LOOK_MS);
        const response = await fetch(`${url}/api/rounds/current`, { signal });
        if (response.status === 404) return undefined;
        return snapshotSchema.parse(await response.json());
      } catch {
        this.at += 1; // What a load balancer does: the next one.
      }
    }
    return undefined;
  }

  /** Boosts until the signal fires, then waits for what is unanswered, `graceMs` at most. */
  async play(memeId: string, round: Snapshot, signal: AbortSignal, graceMs: number): Promise<void> {
    let endsAt = Number.POSITIVE_INFINITY;
    signal.addEventListener("abort", () => {
      endsAt = this.deps.now() + graceMs;
    });
    const isOver = () => this.deps.now() > endsAt;
    while (!signal.aborted) {
      await this.boost(memeId, round, isOver);
      if (!signal.aborted)
        await delay(this.options.everyMs * (0.5 + this.deps.random()), undefined, { signal }).catch(
          () => undefined,
        );
    }
    await this.leave();
  }

  /** One boost, said until it is answered. False when `isOver` said so first. */
  async boost(memeId: string, round: Snapshot, isOver: () => boolean): Promise<boolean> {
    const seat = await this.seated(round.roundId, isOver);
    if (seat === undefined) return false;
    const voucher = seat.player.voucher(round.roundTag, "boost", memeId, this.options.boostSats);
    const ref = randomUUID();
    const sentAt = this.deps.now();
    this.unanswered += 1;
    for (let sends = 1; ; sends++) {
      const answer = await this.ask(round.roundId, { memeId, voucher }, ref, isOver);
      if (answer === undefined) return false;
      if (answer === "again") continue;
      this.unanswered -= 1;
      if (!answer.ok) {
        this.refused.push(answer.code);
        return true;
      }
      const { seq, at, hash, sig } = answer;
      const answeredAt = this.deps.now();
      this.promised.push({
        ref,
        kind: "boost",
        seq,
        at,
        hash,
        sig,
        sent: voucher.bytes,
        sentAt,
        answeredAt,
        sends,
        seat: this.seats,
      });
      // A seat taken since then was told so by the server already.
      const player = this.seat?.player;
      if (player?.you !== undefined && player.you.nextSeq === decodeVoucher(voucher.bytes)?.seq)
        player.you = {
          ...player.you,
          nextSeq: player.you.nextSeq + 1,
          lastVoucherHash: voucherHash(voucher.bytes),
        };
      return true;
    }
  }

  async leave(): Promise<void> {
    const { seat } = this;
    this.seat = undefined;
    if (seat && !seat.gone.signal.aborted)
      await Promise.race([seat.player.leave(), delay(500)]).catch(() => undefined);
  }

  private async ask(
    roundId: string,
    body: Record<string, unknown>,
    ref: string,
    isOver: () => boolean,
  ): Promise<Answer | "again" | undefined> {
    const seat = await this.seated(roundId, isOver);
    if (seat === undefined) return undefined;
    const answer = seat.player.send("boost", body, ref);
    answer.catch(() => undefined); // Its own time-out: long after ours.
    const first = await Promise.race([answer, this.end(seat, ANSWER_MS)]);
    if (first === "again" || first.ok || first.code !== "UNAVAILABLE") return first;
    await this.end(seat, REFUSED_MS);
    return "again";
  }

  /** "again" when the seat is lost or the time has passed. */
  private async end(seat: Seat, ms: number): Promise<"again"> {
    await delay(ms, undefined, { signal: seat.gone.signal, ref: false }).catch(() => undefined);
    return "again";
  }

  /** In the round's room, taken anew if need be; undefined when `isOver` said so first. */
  private async seated(roundId: string, isOver: () => boolean): Promise<Seat | undefined> {
    const { random } = this.deps;
    if (this.seat && !this.seat.gone.signal.aborted) return this.seat;
    // Everybody's socket breaks at the same moment; everybody's silence is noticed at another.
    if (this.seat && !this.seat.isAbandoned) await delay(RETRY_MS * random() * 4);
    for (let failures = 1; ; failures++) {
      if (isOver()) return undefined;
      const now = await this.current();
      if (now?.roundId === roundId) {
        const seat = await this.join(now.roomId).catch(() => undefined); // The next look finds where the round is.
        if (seat) {
          this.seat = seat;
          this.seats += 1;
          return seat;
        }
      }
      await delay(Math.min(SLOW_MS, RETRY_MS * 2 ** failures) * (0.5 + random()));
    }
  }

  private async join(roomId: string): Promise<Seat> {
    const urls = this.deps.urls();
    const player = new Player(urls[this.at % urls.length] ?? this.first.url, this.first.secret);
    player.token = this.first.token;
    player.client.auth.token = this.first.token;
    const over = new AbortController();
    const joined = player.join(roomId);
    try {
      await Promise.race([joined, this.moved(roomId, over.signal)]);
    } catch (error) {
      this.at += 1;
      joined.then(() => player.leave()).catch(() => undefined);
      throw error;
    } finally {
      over.abort();
    }
    const seat: Seat = { player, roomId, gone: new AbortController(), isAbandoned: false };
    player.room?.onLeave(() => seat.gone.abort());
    this.listen(seat);
    return seat;
  }

  /** Rejects when the round is in another room than this one, or after JOIN_MS. */
  private async moved(roomId: string, signal: AbortSignal): Promise<never> {
    const end = this.deps.now() + JOIN_MS;
    for (;;) {
      await delay(MOVED_MS, undefined, { signal });
      const now = await this.current();
      if (this.deps.now() > end || (now !== undefined && now.roomId !== roomId))
        throw new Error("the round has moved");
    }
  }

  /** A stalled process closes no socket: its silence is noticed, and where the round is meanwhile. */
  private listen(seat: Seat): void {
    let heardAt = this.deps.now();
    seat.player.room?.onStateChange(() => {
      heardAt = this.deps.now();
    });
    const watch = async (): Promise<void> => {
      while (!seat.gone.signal.aborted) {
        await delay(LISTEN_MS, undefined, { signal: seat.gone.signal, ref: false });
        if (this.deps.now() - heardAt < QUIET_MS) continue;
        const now = await this.current();
        if (now === undefined || now.roomId === seat.roomId) continue;
        seat.isAbandoned = true;
        seat.gone.abort();
        seat.player.leave().catch(() => undefined);
      }
    };
    watch().catch(() => undefined); // The seat is gone, and with it what there was to watch.
  }
}
