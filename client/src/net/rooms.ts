/**
 * Rooms over the Colyseus SDK. Owns: joining as spectator or player, message and close events in our types.
 * Does not own: which room, when to come back (round-connection.ts). The SDK comes with the first room, not with the page.
 */
import type { ServerMessages } from "@meme-rounds/shared-schema/messages";
import type { Room } from "colyseus.js";
import type { RoundStateLike } from "../app/round-view.ts";
import type { Seat } from "./api.ts";

export type RoomMessage = {
  [K in keyof ServerMessages]: { kind: K; body: ServerMessages[K] };
}[keyof ServerMessages];

export interface RoomEvents {
  /** The state after a patch; the same object every time. */
  state(state: RoundStateLike): void;
  message(message: RoomMessage): void;
  /** Called once; nothing follows. */
  gone(code: number, reason: string): void;
}

export interface LiveRoom {
  send(kind: string, body: Record<string, unknown>): void;
  /** No event follows. */
  leave(): void;
}

export interface Rooms {
  /** Rejects when there is no such seat any more. */
  spectate(seat: Seat, events: RoomEvents): Promise<LiveRoom>;
  /** Rejects when the room is gone or the token is refused. */
  play(roomId: string, token: string, events: RoomEvents): Promise<LiveRoom>;
}

const KINDS = ["accepted", "rejected", "you", "chat", "notice", "settled", "model"] as const;

function attach(room: Room<unknown, RoundStateLike>, events: RoomEvents): LiveRoom {
  let left = false;
  // After a crash the round is elsewhere: coming back is our own affair, by the round's current room id.
  room.reconnection.enabled = false;
  // Right after the join the state is empty: it is read only once it has come.
  room.onStateChange((state) => {
    if (!left) events.state(state);
  });
  for (const kind of KINDS)
    room.onMessage(kind, (body: never) => {
      if (!left) events.message({ kind, body });
    });
  room.onError(() => undefined); // What matters follows as a close.
  room.onLeave((code, reason) => {
    if (!left) events.gone(code, reason ?? "");
    left = true;
  });
  return {
    send: (kind, body) => room.send(kind, body),
    leave() {
      if (left) return;
      left = true;
      room.leave().catch(() => undefined); // Already closed: that was the aim.
    },
  };
}

/** I2: the SDK would put the access token into the socket's address, where proxies log it; the seat needs none. */
function withoutToken(url: URL): string {
  url.searchParams.delete("_authToken");
  return url.toString();
}

/** `origin` as in location.origin: rooms are reached where the page came from unless a seat says otherwise. */
export function createRooms(options: { origin: string }): Rooms {
  const client = async () => {
    const { Client } = await import("colyseus.js");
    return new Client(options.origin, { urlBuilder: withoutToken });
  };
  return {
    async spectate(seat, events) {
      const sdk = await client();
      return attach(await sdk.consumeSeatReservation<RoundStateLike>(seat), events);
    },
    async play(roomId, token, events) {
      const sdk = await client();
      sdk.auth.token = token;
      return attach(await sdk.joinById<RoundStateLike>(roomId), events);
    },
  };
}
