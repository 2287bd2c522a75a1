/**
 * The live room of the arena's current round. Owns: finding the round, joining it as player or spectator, coming back
 * after a break or a takeover (R5), snapshots where there is no seat. Does not own: what arrives (game.ts), the SDK.
 */
import type { Snapshot } from "@meme-rounds/shared-schema/rest";
import type { RoundStateLike } from "../app/round-view.ts";
import type { Api } from "./api.ts";
import type { LiveRoom, RoomEvents, RoomMessage, Rooms } from "./rooms.ts";

export type Role = "spectator" | "player";
export type Connected = "live" | "polling" | "offline";

export interface ConnectionEvents {
  snapshot(snapshot: Snapshot): void;
  status(connected: Connected, role: Role): void;
  /** A room is there or, without one, gone. */
  room(room: LiveRoom | undefined, role: Role): void;
  state(state: RoundStateLike): void;
  message(message: RoomMessage): void;
}

export interface ConnectionDeps {
  api: Pick<Api, "current" | "seat">;
  rooms: Rooms;
  /** True when a player should be in the room rather than a spectator. */
  wantsToPlay: () => boolean;
  token: () => Promise<string | undefined>;
  /** The server's clock, ms. */
  serverNow: () => number;
  after: (ms: number, work: () => void) => () => void;
  /** 0 up to 1. */
  random: () => number;
  events: ConnectionEvents;
}

export interface RoundConnection {
  start(): void;
  /** Looks again at once: somebody signed in or out, the line is back. */
  refresh(): void;
  stop(): void;
}

/** While there is no room, ms. */
const POLL_MS = 2_000;
/** While there is one, the next round is looked for at the slot's end; this is for what nobody foresaw, ms. */
const IDLE_MS = 20_000;
const JOIN_MS = 8_000;
const FIRST_RETRY_MS = 250;
/** The relay is full (server/src/audience AUDIENCE_CLOSE). */
const RELAY_FULL = 4102;
const RELAY_FULL_MS = 10_000;

interface Joined {
  live: LiveRoom;
  roundId: string;
  roomId: string;
  role: Role;
}

export function createRoundConnection(deps: ConnectionDeps): RoundConnection {
  const { api, rooms, events } = deps;
  let joined: Joined | undefined;
  let generation = 0;
  let failures = 0;
  let stopped = true;
  let busy = false;
  let again = false;
  let cancelTimer = (): void => undefined;
  let notBefore = 0;

  const schedule = (ms: number): void => {
    cancelTimer();
    if (!stopped) cancelTimer = deps.after(ms, look);
  };

  const look = (): void => {
    cancelTimer();
    if (stopped) return;
    if (busy) {
      again = true;
      return;
    }
    busy = true;
    void round().finally(() => {
      busy = false;
      if (!again) return;
      again = false;
      look();
    });
  };

  const round = async (): Promise<void> => {
    const answer = await api.current();
    if (stopped) return;
    if (!answer.ok) {
      if (joined === undefined) events.status(answer.code === "OFFLINE" ? "offline" : "polling", roleNow());
      schedule(joined === undefined ? POLL_MS / 2 : POLL_MS);
      return;
    }
    const snapshot = answer.data;
    // A cached answer about the round before must not pull us back into it.
    if (joined === undefined || snapshot.roundId !== joined.roundId || joined.role === "spectator")
      events.snapshot(snapshot);
    if (isElsewhere(snapshot)) await join(snapshot);
    if (stopped) return;
    schedule(nextLook(snapshot));
  };

  const roleNow = (): Role => joined?.role ?? (deps.wantsToPlay() ? "player" : "spectator");

  const isElsewhere = (snapshot: Snapshot): boolean =>
    joined === undefined ||
    joined.roundId !== snapshot.roundId ||
    (joined.role === "player" && joined.roomId !== snapshot.roomId) ||
    (joined.role === "player") !== deps.wantsToPlay();

  const nextLook = (snapshot: Snapshot): number => {
    if (joined === undefined) {
      const retry = Math.min(POLL_MS, FIRST_RETRY_MS * 2 ** Math.min(failures, 5));
      return retry * (0.5 + deps.random());
    }
    const left = snapshot.closesAt - deps.serverNow();
    // Everybody's round ends at the same moment: they do not all ask in the same one.
    if (left > 0) return Math.min(IDLE_MS, left + 100 + deps.random() * 400);
    return 500 + deps.random() * 500;
  };

  const join = async (snapshot: Snapshot): Promise<void> => {
    if (deps.serverNow() < notBefore) {
      events.status("polling", "spectator");
      return;
    }
    const mine = ++generation;
    const token = deps.wantsToPlay() ? await deps.token() : undefined;
    try {
      const next = token === undefined ? await watch(snapshot, mine) : await play(snapshot, token, mine);
      if (stopped || mine !== generation) {
        next?.live.leave();
        return;
      }
      if (next === undefined) throw new Error("no seat");
      const before = joined;
      joined = next;
      failures = 0;
      before?.live.leave();
      events.room(next.live, next.role);
      events.status("live", next.role);
    } catch {
      // The round moved, the relay is full, the line broke: the next look starts from the current snapshot.
      failures++;
      if (joined === undefined) events.status("polling", token === undefined ? "spectator" : "player");
    }
  };

  const watch = async (snapshot: Snapshot, mine: number): Promise<Joined | undefined> => {
    const seat = await api.seat();
    if (!seat.ok) return undefined;
    const live = await inTime((handlers) => rooms.spectate(seat.data, handlers), mine);
    return { live, roundId: snapshot.roundId, roomId: snapshot.roomId, role: "spectator" };
  };

  const play = async (snapshot: Snapshot, token: string, mine: number): Promise<Joined> => {
    const live = await inTime((handlers) => rooms.play(snapshot.roomId, token, handlers), mine);
    return { live, roundId: snapshot.roundId, roomId: snapshot.roomId, role: "player" };
  };

  /** A join that never answers is given up, and left should it come about after all. */
  const inTime = (begin: (handlers: RoomEvents) => Promise<LiveRoom>, mine: number): Promise<LiveRoom> =>
    new Promise((resolve, reject) => {
      let late = false;
      const cancel = deps.after(JOIN_MS, () => {
        late = true;
        reject(new Error("the room did not answer"));
      });
      begin(handlersOf(mine)).then(
        (live) => {
          cancel();
          if (late) live.leave();
          else resolve(live);
        },
        (error: unknown) => {
          cancel();
          reject(error);
        },
      );
    });

  const handlersOf = (mine: number): RoomEvents => {
    const current = (): boolean => !stopped && mine === generation;
    return {
      state: (state) => {
        if (current()) events.state(state);
      },
      message: (message) => {
        if (current()) events.message(message);
      },
      gone: (code) => {
        if (!current()) return;
        joined = undefined;
        generation++;
        if (code === RELAY_FULL) notBefore = deps.serverNow() + RELAY_FULL_MS;
        events.room(undefined, roleNow());
        events.status("polling", roleNow());
        schedule(FIRST_RETRY_MS * deps.random() * 4);
      },
    };
  };

  return {
    start() {
      stopped = false;
      look();
    },
    refresh: look,
    stop() {
      stopped = true;
      generation++;
      cancelTimer();
      joined?.live.leave();
      joined = undefined;
    },
  };
}
