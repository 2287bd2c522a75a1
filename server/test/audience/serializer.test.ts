/** What the serializer keeps: bytes a slow player has not read yet stay as they were, and slow players can be dropped. */
import assert from "node:assert/strict";
import { Protocol } from "@colyseus/core";
import { WebSocket } from "ws";
import { closeSlow } from "../../src/round/serializer.ts";
import { startRedis, type TestRedis } from "../support/redis.ts";
import { until } from "../support/wait.ts";
import { type Stage, type StageRoom, setStage } from "./stage.ts";

describe("round serializer", () => {
  let redis: TestRedis;
  let stage: Stage;
  before(async () => {
    redis = await startRedis();
    stage = await setStage(redis);
  });
  after(async () => {
    await stage.close();
    await redis.close();
  });

  /** A player's socket in the room itself, paused once it has its state; `patches` fills when it reads on. */
  const pausedPlayer = async (round: StageRoom) => {
    const base = `127.0.0.1:${stage.roomPort}`;
    const answer = await fetch(`http://${base}/matchmake/joinById/${round.room.roomId}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ plain: true }),
    });
    const seat = (await answer.json()) as { processId: string; roomId: string; sessionId: string };
    const socket = new WebSocket(`ws://${base}/${seat.processId}/${seat.roomId}?sessionId=${seat.sessionId}`);
    const patches: string[] = [];
    let ready = false;
    socket.on("message", (data: Buffer) => {
      if (data[0] === Protocol.JOIN_ROOM) socket.send(Buffer.from([Protocol.JOIN_ROOM]));
      else if (data[0] === Protocol.ROOM_STATE) ready = true;
      else patches.push(data.toString("latin1"));
    });
    await until(() => ready, { what: "the player's state" });
    socket.pause();
    return { socket, patches };
  };

  it("delivers every byte intact to a player who stopped reading for 4,000 patches", async () => {
    const round = await stage.openRound("main-1");
    const { socket, patches } = await pausedPlayer(round);
    const count = 4_000;
    for (let step = 0; step < count; step++) {
      const mark = `<${String(step).padStart(6, "0")}>`;
      round.state.padding = mark + String.fromCharCode(97 + (step % 26)).repeat(3_000) + mark;
      round.patch();
      if (step % 50 === 0) await stage.redis.ping();
    }
    const [client] = round.room.clients;
    assert.ok(client && "bufferedAmount" in client.ref && Number(client.ref.bufferedAmount) > 100_000);
    socket.resume();
    await until(() => patches.length === count, { what: "all patches", deadlineMs: 15_000 });
    const damaged = patches.filter((text, step) => {
      const mark = `<${String(step).padStart(6, "0")}>`;
      const body = String.fromCharCode(97 + (step % 26)).repeat(3_000);
      return !text.includes(mark + body + mark);
    });
    assert.equal(damaged.length, 0);
    socket.terminate();
  });

  it("closeSlow drops who has more unread than allowed, and nobody else", async () => {
    const round = await stage.openRound("main-2");
    const { socket } = await pausedPlayer(round);
    assert.equal(closeSlow(round.room.clients, 100_000), 0);
    await until(
      async () => {
        round.state.padding = String(Math.trunc(performance.now())).repeat(5_000);
        round.patch();
        await stage.redis.ping();
        return closeSlow(round.room.clients, 100_000) === 1;
      },
      { what: "the player to fall behind", everyMs: 1, deadlineMs: 15_000 },
    );
    socket.resume();
    await until(() => round.room.clients.length === 0, { what: "the player gone" });
  });
});
