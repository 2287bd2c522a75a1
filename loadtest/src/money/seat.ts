/**
 * A player's seat in a round that falls over. Owns: signing in, joining wherever the round is hosted now, and saying a
 * command again, with the same ref and bytes, until it is answered or the round is over. Does not own: what is said
 * (soaker.ts).
 */
import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import type { Snapshot } from "@meme-rounds/shared-schema/rest";
import { type Answer, ApiError, Player } from "../player.ts";
import { loopback } from "./ports.ts";

/** The round is over, or is nowhere to be found: there is no answer to be had any more. */
export class RoundGone extends Error {
  override readonly name = "RoundGone";
}

export interface SeatDeps {
  /** Addresses of the game servers that are up. */
  gameUrls(): string[];
  /** The live round as last seen. */
  current(): Snapshot | undefined;
}

const JOIN_MS = 8_000;
const AGAIN_MS = 300;
/** How long after its close a round's answers may still come, ms. */
const GRACE_MS = 2_000;

export class Seat {
  readonly secret: Uint8Array;
  readonly index: number;
  private readonly deps: SeatDeps;
  private player: Player | undefined;
  private token = "";
  private left: AbortController | undefined;
  private roundId = "";

  constructor(index: number, secret: Uint8Array, deps: SeatDeps) {
    this.index = index;
    this.secret = secret;
    this.deps = deps;
  }

  /** A player signed in at a server that is up. Throws what the server says, or RoundGone while none is up. */
  async signedIn(): Promise<Player> {
    const urls = this.deps.gameUrls();
    const url = urls[this.index % Math.max(1, urls.length)];
    if (url === undefined) throw new RoundGone("no game server is up");
    // A shape of address that proxies hand on; the servers take it from this machine only.
    const address = `10.${(this.index >> 16) & 255}.${(this.index >> 8) & 255}.${this.index & 255}`;
    const player = new Player(loopback(url), this.secret, { "x-forwarded-for": address });
    player.token = this.token;
    player.client.auth.token = this.token;
    if (this.token === "") await player.signIn();
    this.token = player.token;
    return player;
  }

  /** Does a REST call as this player, again after a server died, until `endsAt` (ms). */
  async insist<T>(call: (player: Player) => Promise<T>, endsAt: number): Promise<T> {
    for (;;) {
      try {
        return await call(await this.signedIn());
      } catch (error) {
        if (error instanceof ApiError && error.code.startsWith("AUTH_")) this.token = "";
        else if (error instanceof ApiError && error.status < 500 && error.code !== "RATE_LIMITED")
          throw error;
        if (Date.now() + AGAIN_MS > endsAt) throw error;
        await delay(AGAIN_MS);
      }
    }
  }

  /** In the round's room, joined again if need be. Throws RoundGone when the round is not live any more. */
  async inRoom(round: Snapshot): Promise<Player> {
    const isIn = this.player && this.roundId === round.roundId && this.left?.signal.aborted === false;
    if (isIn && this.player) return this.player;
    for (;;) {
      const now = this.deps.current();
      if (now !== undefined && now.opensAt > round.opensAt) throw new RoundGone("the round is over");
      if (Date.now() > round.closesAt + GRACE_MS) throw new RoundGone("the round is over");
      try {
        if (now?.roundId === round.roundId) return await this.join(now);
      } catch (error) {
        if (error instanceof Error && /AUTH_/.test(error.message)) this.token = "";
      }
      await delay(AGAIN_MS);
    }
  }

  private async join(round: Snapshot): Promise<Player> {
    const player = await this.signedIn();
    const left = new AbortController();
    const joined = player.join(round.roomId);
    joined.catch(() => undefined);
    await Promise.race([joined, delay(JOIN_MS, undefined, { ref: false }).then(() => this.tooSlow(player))]);
    player.room?.onLeave(() => left.abort());
    this.player = player;
    this.left = left;
    this.roundId = round.roundId;
    return player;
  }

  private tooSlow(player: Player): never {
    player.leave().catch(() => undefined);
    throw new Error("joining took too long");
  }

  /**
   * Says it until it is answered: after a lost connection with the same ref and the same bytes, so that it happens
   * once. Throws RoundGone when the round is over first.
   */
  async say(round: Snapshot, kind: string, body: Record<string, unknown>): Promise<Answer> {
    const ref = randomUUID();
    for (;;) {
      const player = await this.inRoom(round);
      try {
        return await this.ask(player, kind, body, ref);
      } catch {
        if (Date.now() > round.closesAt + GRACE_MS) throw new RoundGone("the round ended without an answer");
        await delay(AGAIN_MS);
      }
    }
  }

  private async ask(
    player: Player,
    kind: string,
    body: Record<string, unknown>,
    ref: string,
  ): Promise<Answer> {
    const signal = this.left?.signal;
    const answer = player.send(kind, body, ref);
    answer.catch(() => undefined);
    let onAbort: (() => void) | undefined;
    const gone = new Promise<never>((_, reject) => {
      onAbort = () => reject(new Error("the connection is lost"));
      if (signal?.aborted) onAbort();
      else signal?.addEventListener("abort", onAbort, { once: true });
    });
    try {
      return await Promise.race([answer, gone]);
    } finally {
      if (onAbort) signal?.removeEventListener("abort", onAbort);
    }
  }

  async leave(): Promise<void> {
    const { player, left } = this;
    this.player = undefined;
    if (player && left?.signal.aborted === false)
      await Promise.race([player.leave().catch(() => undefined), delay(1_000, undefined, { ref: false })]);
  }
}
