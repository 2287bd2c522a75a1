/**
 * The live room of the arena's current round. Owns: finding the round, joining it as player or spectator, coming back
 * after a break or a takeover (R5), snapshots where there is no seat. Does not own: what arrives (game.ts), the SDK.
 */
import { SOCKET_CLOSE } from "@meme-rounds/shared-schema/close-codes";
import type { Snapshot } from "@meme-rounds/shared-schema/rest";
import type { RoundStateLike } from "../app/round-view.ts";
import type { Api, Seat } from "./api.ts";
import { joinInTime } from "./join-in-time.ts";
import type { LiveRoom, RoomEvents, RoomMessage, Rooms } from "./rooms.ts";

export type Role = "spectator" | "player";
export type Connected = "live" | "polling" | "offline";

export interface ConnectionEvents {
  snapshot(snapshot: Snapshot): void;
  status(connected: Connected, role: Role): void;
  /** A room is there or, without one, gone. */
  room(room: LiveRoom | undefined, roundId: string, role: Role): void;
  state(state: RoundStateLike, roundId: string): void;
  message(message: RoomMessage, roundId: string): void;
  /** The room says that the session it was joined with has ended. */
  signedOut(): void;
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
  /** The room did not let the player in, and says why: a code and its sentence. */
  refused?: (reason: string) => void;
  events: ConnectionEvents;
}

export interface RoundConnection {
  start(): void;
  /** Looks again at once: somebody signed in or out, the line is back. */
  refresh(): void;
  /** Joins anew, as whoever the player is now. */
  rejoin(): void;
  stop(): void;
}

/** While there is no room, ms. */
const POLL_MS = 2_000;
/** While there is one, the next round is looked for at the slot's end; this is for what nobody foresaw, ms. */
const IDLE_MS = 20_000;
/** The state moves every second: a room that says nothing for so long is a dead line, ms. */
const SILENCE_MS = 15_000;
/** A player's room that says nothing for so long may be hosted elsewhere by now: the directory is asked, ms. */
const QUIET_MS = 1_700;
const LISTEN_MS = 400;
/** An answer to that is not waited for longer: whoever was asked may be the one that stalls, ms. */
const QUICK_MS = 1_500;
const FIRST_RETRY_MS = 250;
/** A takeover may take 5 s (R5): for so many tries they come fast, and a player waits for the player's place. */
const PATIENCE = 20;
const FAST_MS = 400;
/** The relay is full (server/src/audience AUDIENCE_CLOSE). */
const RELAY_FULL = 4102;
const RELAY_FULL_MS = 10_000;
/** For so long the server refuses who was thrown out (I5): asking before would only make it longer, ms. */
const KICKED_MS = 60_000;

interface Joined {
  live: LiveRoom;
  roundId: string;
  roomId: string;
  opensAt: number;
  closesAt: number;
  role: Role;
  /** Tells its events from those of the rooms before and after it. */
  handle: object;
}

export function createRoundConnection(deps: ConnectionDeps): RoundConnection {
  const { api, rooms, events } = deps;
  let joined: Joined | undefined;
  let incoming: object | undefined;
  let failures = 0;
  let stopped = true;
  let busy = false;
  let again = false;
  let cancelTimer = (): void => undefined;
  let notBefore = 0;
  let isStale = false;
  let heardAt = 0;
  let cancelListening = (): void => undefined;

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

  /** R5: a stalled process closes no socket. Its silence is noticed before its successor has the round. */
  const listen = (): void => {
    cancelListening();
    if (stopped || joined?.role !== "player") return;
    cancelListening = deps.after(LISTEN_MS * (0.75 + deps.random() / 2), () => {
      if (deps.serverNow() - heardAt > QUIET_MS) look();
      listen();
    });
  };

  const roleNow = (): Role => joined?.role ?? (deps.wantsToPlay() ? "player" : "spectator");
  const hasWrongRole = (): boolean =>
    joined !== undefined && (joined.role === "player") !== deps.wantsToPlay();

  const round = async (): Promise<void> => {
    const isQuiet = joined?.role === "player" && deps.serverNow() - heardAt > QUIET_MS;
    const answer = await api.current(isQuiet ? QUICK_MS : undefined);
    if (stopped) return;
    if (!answer.ok) {
      if (joined === undefined) events.status(answer.code === "OFFLINE" ? "offline" : "polling", roleNow());
      // Whatever it was, it was everybody's in the same moment.
      schedule((joined === undefined ? POLL_MS / 2 : POLL_MS) * (0.5 + deps.random()));
      return;
    }
    const snapshot = answer.data;
    // An answer out of some cache must not pull anybody back into the round before.
    if (joined === undefined || snapshot.opensAt >= joined.opensAt) {
      events.snapshot(snapshot);
      if (isElsewhere(snapshot)) await join(snapshot);
      if (stopped) return;
    }
    schedule(nextLook());
  };

  const isElsewhere = (snapshot: Snapshot): boolean =>
    joined === undefined ||
    isStale ||
    deps.serverNow() - heardAt > SILENCE_MS ||
    joined.roundId !== snapshot.roundId ||
    (joined.role === "player" && joined.roomId !== snapshot.roomId) ||
    hasWrongRole();

  const nextLook = (): number => {
    if (joined === undefined) {
      const slowest = failures < PATIENCE ? FAST_MS : POLL_MS;
      const retry = Math.min(slowest, FIRST_RETRY_MS * 2 ** Math.min(failures, 5));
      return retry * (0.5 + deps.random());
    }
    if (hasWrongRole()) return POLL_MS;
    const left = joined.closesAt - deps.serverNow();
    // Everybody's round ends at the same moment: they do not all ask in the same one.
    if (left > 0) return Math.min(IDLE_MS, left + 100 + deps.random() * 400);
    return 500 + deps.random() * 500;
  };

  const join = async (snapshot: Snapshot): Promise<void> => {
    if (deps.serverNow() < notBefore) return events.status("polling", "spectator");
    const wanted = deps.wantsToPlay() ? await deps.token() : undefined;
    // A player whom the room keeps refusing at least sees the round.
    const token = joined === undefined && failures >= PATIENCE && failures % 2 === 0 ? undefined : wanted;
    if (token === undefined && !isStale && isWatching(snapshot)) return;
    try {
      const next = await (token === undefined ? watch(snapshot) : play(snapshot, token));
      if (stopped) return next.live.leave();
      const before = joined;
      joined = next;
      failures = 0;
      isStale = false;
      heardAt = deps.serverNow();
      events.room(next.live, next.roundId, next.role);
      events.status("live", next.role);
      before?.live.leave();
      listen();
    } catch (error) {
      // The round moved, the relay is full, the line broke: the next look starts from the current snapshot.
      failures++;
      if (token !== undefined && error instanceof Error) deps.refused?.(error.message);
      if (joined === undefined) events.status("polling", wanted === undefined ? "spectator" : "player");
    } finally {
      incoming = undefined;
    }
  };

  const isWatching = (snapshot: Snapshot): boolean =>
    joined?.role === "spectator" &&
    joined.roundId === snapshot.roundId &&
    deps.serverNow() - heardAt <= SILENCE_MS;

  const watch = async (snapshot: Snapshot): Promise<Joined> => {
    const seat = await seatIn(snapshot);
    return await enter(snapshot, "spectator", (handlers) => rooms.spectate(seat, handlers));
  };

  /** A relay's seat: chosen from those the snapshot names, asked for where it names none or the last one failed. */
  const seatIn = async ({ roundId, relays = [] }: Snapshot): Promise<Seat> => {
    const publicAddress = relays[Math.floor(deps.random() * relays.length)];
    if (publicAddress !== undefined && failures === 0)
      return {
        name: "round",
        roomId: roundId,
        // A relay knows nobody by it; it tells one's sockets apart in logs.
        sessionId: deps.random().toString(36).slice(2),
        processId: "spectate",
        publicAddress,
      };
    const seat = await api.seat();
    if (!seat.ok) throw new Error(seat.message);
    if (seat.data.roomId !== roundId) throw new Error("the seat is in another round");
    return seat.data;
  };

  const play = (snapshot: Snapshot, token: string): Promise<Joined> =>
    enter(snapshot, "player", (handlers) => rooms.play(snapshot.roomId, token, handlers));

  const enter = async (
    snapshot: Snapshot,
    role: Role,
    begin: (handlers: RoomEvents) => Promise<LiveRoom>,
  ): Promise<Joined> => {
    const { roundId, roomId, opensAt, closesAt } = snapshot;
    const handle = {};
    incoming = handle;
    const live = await joinInTime(() => begin(handlersOf(handle, roundId)), {
      after: deps.after,
      hasMoved: async () => {
        const answer = role === "player" ? await api.current() : undefined;
        return answer?.ok === true && answer.data.opensAt >= opensAt && answer.data.roomId !== roomId;
      },
    });
    return { live, roundId, roomId, opensAt, closesAt, role, handle };
  };

  const handlersOf = (handle: object, roundId: string): RoomEvents => {
    const isOurs = (): boolean => !stopped && (handle === incoming || handle === joined?.handle);
    return {
      state: (state) => {
        if (!isOurs()) return;
        events.state(state, roundId);
        heardAt = deps.serverNow();
      },
      message: (message) => {
        if (isOurs()) events.message(message, roundId);
      },
      gone: (code) => {
        if (code === RELAY_FULL) notBefore = deps.serverNow() + RELAY_FULL_MS;
        if (code === SOCKET_CLOSE.kicked) notBefore = deps.serverNow() + KICKED_MS;
        if (stopped || handle !== joined?.handle) return;
        if (code === SOCKET_CLOSE.signedOut) events.signedOut();
        joined = undefined;
        events.room(undefined, roundId, roleNow());
        events.status("polling", roleNow());
        // Handed over, the round is being taken over already.
        schedule(FIRST_RETRY_MS * deps.random() * (code === SOCKET_CLOSE.handedOver ? 1 : 4));
      },
    };
  };

  return {
    start() {
      stopped = false;
      look();
    },
    refresh: look,
    rejoin() {
      isStale = true;
      look();
    },
    stop() {
      stopped = true;
      cancelTimer();
      cancelListening();
      joined?.live.leave();
      joined = undefined;
    },
  };
}
