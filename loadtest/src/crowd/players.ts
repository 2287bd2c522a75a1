/** Players of a crowd, who only come and are there: sockets of the round's room. Owns: those sockets. Does not own: what players do (../player.ts), their tokens. */
import { setTimeout as pause } from "node:timers/promises";
import { Protocol } from "colyseus.js";
import { z } from "zod";
import { type Counts, Times } from "./counts.ts";
import { type Address, LightSocket } from "./light-socket.ts";

const seatSchema = z.object({
  roomId: z.string(),
  processId: z.string(),
  sessionId: z.string(),
  publicAddress: z.string().optional(),
});
/** ROOM_DATA of the message `you`: its code, then the name as MessagePack writes short texts. */
const YOU = Buffer.from([Protocol.ROOM_DATA, 0xa3, ...Buffer.from("you")]);
/** Callers' numbers of players: beyond those of a worker's spectators. */
const FIRST_CALLER = 50_000;

export interface PlayersDeps {
  /** The game's own address, for seats that name none. */
  readonly game: URL;
  /** One REST call; rejects with what went wrong. */
  readonly call: (method: string, path: string, headers: Record<string, string>) => Promise<unknown>;
  readonly callerOf: (index: number) => string;
  readonly nextSource: () => Address["from"];
  /** What sockets read into, shared. */
  readonly inbox: Buffer;
  /** Why some did not get in. */
  readonly failed: Counts<string>;
}

export class Players {
  /** How many were let in. */
  playing = 0;
  /** From the first call to `you`, ms. */
  readonly times = new Times();
  private readonly deps: PlayersDeps;
  private readonly sockets = new Set<LightSocket>();

  constructor(deps: PlayersDeps) {
    this.deps = deps;
  }

  /** One player for each token, evenly over `overMs`; resolves when each is in or has failed. Does not reject. */
  async play(roomId: string, tokens: readonly string[], overMs: number): Promise<void> {
    const start = performance.now();
    const all = tokens.map(async (token, index) => {
      await pause(Math.max(0, (index * overMs) / tokens.length - (performance.now() - start)));
      await this.comeIn(roomId, token, index);
    });
    await Promise.all(all);
  }

  drop(): void {
    for (const socket of this.sockets) socket.drop();
  }

  private async comeIn(roomId: string, token: string, index: number): Promise<void> {
    const { game, call, callerOf, failed } = this.deps;
    const beganAt = performance.now();
    const caller = callerOf(FIRST_CALLER + index);
    try {
      const seated = seatSchema.parse(
        await call("POST", `/matchmake/joinById/${roomId}`, {
          "x-forwarded-for": caller,
          authorization: `Bearer ${token}`,
          "content-type": "application/json",
        }),
      );
      const { hostname: host, port } = new URL(`http://${seated.publicAddress ?? game.host}`);
      const path = `/${seated.processId}/${seated.roomId}?sessionId=${seated.sessionId}`;
      await this.untilYou({ host, port: Number(port), path, from: this.deps.nextSource(), caller });
      this.playing++;
      this.times.record(performance.now() - beganAt);
    } catch (error) {
      failed.add(error instanceof Error ? error.message : String(error));
    }
  }

  /** Resolves when the room has told a player who it is; rejects when its socket goes before. */
  private untilYou(address: Address): Promise<void> {
    return new Promise((resolve, reject) => {
      const socket = new LightSocket(
        address,
        {
          frame(bytes, from, to) {
            if (to - from >= YOU.length && bytes.compare(YOU, 0, YOU.length, from, from + YOU.length) === 0)
              resolve();
          },
          gone: (code) => {
            this.sockets.delete(socket);
            reject(new Error(`player's socket ${code}`));
          },
        },
        this.deps.inbox,
      );
      this.sockets.add(socket);
    });
  }
}
