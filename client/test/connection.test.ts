/** Finding the round, joining it, coming back: against an API and rooms that are written out here. */
import assert from "node:assert/strict";
import { SOCKET_CLOSE } from "@meme-rounds/shared-schema/close-codes";
import type { Snapshot } from "@meme-rounds/shared-schema/rest";
import { failure } from "../src/app/model.ts";
import type { Answered } from "../src/net/http.ts";
import type { RoomEvents, Rooms } from "../src/net/rooms.ts";
import { createRoundConnection } from "../src/net/round-connection.ts";
import { createTestTime, settle, snapshotFor } from "./support.ts";

interface Opened {
  what: string;
  events: RoomEvents;
  left: boolean;
}

function stage() {
  const time = createTestTime(1_000_000);
  const log: string[] = [];
  const opened: Opened[] = [];
  const world = {
    current: { ok: true, data: snapshotFor("main-1000") } as Answered<Snapshot>,
    plays: false,
    token: "token" as string | undefined,
    refuses: false,
    refusesPlayers: false,
    /** Rooms that never answer who joins. */
    hanging: new Set<string>(),
  };
  const open = async (what: string, events: RoomEvents) => {
    if (world.refuses || (world.refusesPlayers && what.startsWith("play"))) throw new Error("refused");
    const one = { what, events, left: false };
    opened.push(one);
    const leave = (): void => {
      one.left = true;
    };
    return { send: () => undefined, leave };
  };
  const rooms: Rooms = {
    spectate: ({ roomId, publicAddress }, events) =>
      open(`watch ${roomId}${publicAddress === undefined ? "" : ` at ${publicAddress}`}`, events),
    play: (roomId, token, events) =>
      world.hanging.has(roomId)
        ? new Promise<never>(() => undefined)
        : open(`play ${roomId} ${token}`, events),
  };
  const roundId = (): string => (world.current.ok ? world.current.data.roundId : "");
  const connection = createRoundConnection({
    api: {
      current: async () => world.current,
      seat: async () => ({
        ok: true,
        data: { name: "round", roomId: roundId(), sessionId: "s", processId: "spectate" },
      }),
    },
    rooms,
    wantsToPlay: () => world.plays,
    token: async () => world.token,
    serverNow: time.now,
    after: time.after,
    random: () => 0.5,
    events: {
      signedOut: () => log.push("signed out"),
      snapshot: (next) => log.push(`snapshot ${next.roundId}`),
      status: (connected, role) => log.push(`${connected} ${role}`),
      room: (room, id, role) => log.push(`${room ? "room" : "no room"} ${id} ${role}`),
      state: () => undefined,
      message: (message, id) => log.push(`${message.kind} ${id}`),
    },
  });
  const start = async (): Promise<void> => {
    connection.start();
    await time.pass(0);
  };
  return { time, log, opened, world, connection, start };
}

describe("round connection", () => {
  it("watches the current round without an account", async () => {
    const { opened, log, start } = stage();
    await start();
    assert.deepEqual(
      opened.map(({ what }) => what),
      ["watch main-1000"],
    );
    assert.equal(log.at(-1), "live spectator");
  });

  it("chooses a relay that the snapshot names; asks for a seat once that fails", async () => {
    const { opened, world, start } = stage();
    if (world.current.ok) world.current.data.relays = ["a.example", "b.example"];
    await start();
    assert.deepEqual(
      opened.map(({ what }) => what),
      ["watch main-1000 at b.example"],
    );
    const late = stage();
    if (late.world.current.ok) late.world.current.data.relays = ["a.example", "b.example"];
    late.world.refuses = true;
    await late.start();
    late.world.refuses = false;
    await late.time.pass(5_000);
    assert.deepEqual(
      late.opened.map(({ what }) => what),
      ["watch main-1000"],
    );
  });

  it("takes a player's place when somebody signs in, and leaves the seat", async () => {
    const { opened, world, connection, start } = stage();
    await start();
    world.plays = true;
    connection.refresh();
    await settle();
    assert.deepEqual(
      opened.map(({ what, left }) => [what, left]),
      [
        ["watch main-1000", true],
        ["play room-main-1000 token", false],
      ],
    );
  });

  it("R3 is in the next round right after the slot's end, and only then leaves this one", async () => {
    const { opened, world, time, start } = stage();
    await start();
    const hear = async (ms: number): Promise<void> => {
      for (let at = 0; at < ms; at += 1_000) {
        await time.pass(1_000);
        opened.at(-1)?.events.state({} as never);
      }
    };
    await hear(599_000);
    assert.equal(opened.length, 1);
    world.current = { ok: true, data: snapshotFor("main-1600") };
    await time.pass(2_000);
    assert.deepEqual(
      opened.map(({ what, left }) => [what, left]),
      [
        ["watch main-1000", true],
        ["watch main-1600", false],
      ],
    );
  });

  it("R5 is back within seconds under the round's new room", async () => {
    const { opened, world, time, log, start } = stage();
    world.plays = true;
    await start();
    opened[0]?.events.gone(1006, "");
    assert.equal(log.at(-1), "polling player");
    world.refuses = true;
    await time.pass(3_000);
    world.refuses = false;
    world.current = { ok: true, data: snapshotFor("main-1000", { roomId: "moved" }) };
    await time.pass(2_000);
    assert.equal(opened.at(-1)?.what, "play moved token");
    assert.equal(log.at(-1), "live player");
  });

  it("R5 leaves a room that has fallen silent as soon as the round is hosted elsewhere", async () => {
    const { opened, world, time, start } = stage();
    world.plays = true;
    await start();
    await time.pass(2_000);
    world.current = { ok: true, data: snapshotFor("main-1000", { roomId: "moved" }) };
    await time.pass(1_400);
    assert.deepEqual(
      opened.map(({ what, left }) => [what, left]),
      [
        ["play room-main-1000 token", true],
        ["play moved token", false],
      ],
    );
  });

  it("R5 does not wait for the answer of a room that the round has left", async () => {
    const { opened, world, time, start } = stage();
    world.plays = true;
    world.hanging.add("room-main-1000");
    await start();
    await time.pass(1_000);
    assert.equal(opened.length, 0);
    world.current = { ok: true, data: snapshotFor("main-1000", { roomId: "moved" }) };
    await time.pass(1_100);
    assert.equal(opened.at(-1)?.what, "play moved token");
  });

  it("shows snapshots while the room refuses, offline while nothing answers", async () => {
    const { world, time, log, start } = stage();
    world.refuses = true;
    await start();
    assert.deepEqual(log, ["snapshot main-1000", "polling spectator"]);
    world.current = failure("OFFLINE", "");
    await time.pass(3_000);
    assert.equal(log.at(-1), "offline spectator");
  });

  it("a player without a token watches until there is one", async () => {
    const { world, time, opened, start } = stage();
    world.plays = true;
    world.token = undefined;
    await start();
    assert.deepEqual(
      opened.map(({ what }) => what),
      ["watch main-1000"],
    );
    world.token = "late";
    await time.pass(2_500);
    assert.equal(opened.at(-1)?.what, "play room-main-1000 late");
  });

  it("a player whom the room keeps refusing watches meanwhile", async () => {
    const { world, time, opened, log, start } = stage();
    world.plays = true;
    world.refusesPlayers = true;
    await start();
    await time.pass(5_000);
    assert.equal(opened.length, 0);
    await time.pass(10_000);
    assert.equal(opened[0]?.what, "watch main-1000");
    world.refusesPlayers = false;
    await time.pass(3_000);
    assert.equal(
      log.findLast((line) => !line.startsWith("snapshot")),
      "live player",
    );
  });

  it("a cached answer about the round before changes nothing", async () => {
    const { world, opened, connection, log, start } = stage();
    world.current = { ok: true, data: snapshotFor("main-1600") };
    await start();
    world.current = { ok: true, data: snapshotFor("main-1000") };
    connection.refresh();
    await settle();
    assert.equal(opened.length, 1);
    assert.equal(log.includes("snapshot main-1000"), false);
  });

  it("notices a line that has died silently", async () => {
    const { opened, time, start } = stage();
    await start();
    await time.pass(25_000);
    assert.equal(opened.length, 2);
    assert.equal(opened[0]?.left, true);
  });

  it("hears nothing of a room it has left", async () => {
    const { opened, world, connection, log, start } = stage();
    await start();
    world.plays = true;
    connection.refresh();
    await settle();
    const before = log.length;
    opened[0]?.events.gone(4100, "");
    opened[0]?.events.message({ kind: "notice", body: { kind: "drain", text: "", at: 0, until: 0 } });
    assert.equal(log.length, before);
  });

  it("I5: who was thrown out waits the minute it is refused for, then comes back", async () => {
    const { opened, time, start } = stage();
    await start();
    opened[0]?.events.gone(SOCKET_CLOSE.kicked, "RATE_LIMITED");
    await time.pass(59_000);
    assert.equal(opened.length, 1);
    await time.pass(15_000);
    assert.equal(opened.length, 2);
  });

  it("I2: a place that is lost because the session has ended is told of, whatever happens then", async () => {
    const { opened, log, start, time } = stage();
    await start();
    opened[0]?.events.gone(SOCKET_CLOSE.signedOut, "TOKEN_INVALID");
    assert.ok(log.includes("signed out"));
    await time.pass(5_000);
    assert.equal(opened.length, 2, "as a spectator where nobody is signed in");
  });
});
