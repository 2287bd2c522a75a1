/**
 * A stage for audience tests: a real Colyseus room with a tap, a real Redis, a relay on an HTTP server of its own,
 * and SDK clients. Owns: starting and stopping them. Does not own: any expectation.
 */
import { createServer, type Server as HttpServer } from "node:http";
import { matchMaker, type Client as PlayerClient, Room, Server } from "@colyseus/core";
import { type Schema, type SchemaType, StateView, schema, t } from "@colyseus/schema";
import { WebSocketTransport } from "@colyseus/ws-transport";
import { seatAnswer } from "@meme-rounds/shared-schema/rest";
import { RoundView } from "@meme-rounds/shared-schema/sync-state";
import { Client, type Room as SdkRoom } from "colyseus.js";
import express from "express";
import { Redis } from "ioredis";
import { type AudienceService, createAudienceService } from "../../src/audience/index.ts";
import type { RelayLimits } from "../../src/audience/relay.ts";
import { apiRouter } from "../../src/infra/http.ts";
import { createLogger } from "../../src/infra/logger.ts";
import { TapSerializer } from "../../src/round/serializer.ts";
import { createTap, type Tap } from "../../src/round/tap.ts";
import { freePort } from "../support/ports.ts";
import type { TestRedis } from "../support/redis.ts";

/** The round's real state, beside what it does not use: a view-only field, and an array of strings that shifts. */
export const StageState = schema(
  { round: t.ref(RoundView), feed: t.array("string"), padding: t.string(), secret: t.string().view() },
  "StageState",
);
export type StageState = SchemaType<typeof StageState>;

const logger = createLogger("audience-test", "silent");

/** A connection that can lose published messages, as a dropped subscriber does. */
export class LossyRedis extends Redis {
  drop: (channel: Buffer, message: Buffer) => boolean = () => false;

  override emit(event: string | symbol, ...args: unknown[]): boolean {
    const [channel, message] = args;
    if (event === "messageBuffer" && Buffer.isBuffer(channel) && Buffer.isBuffer(message))
      if (this.drop(channel, message)) return false;
    return super.emit(event, ...args);
  }
}

export interface StageRoom {
  roundId: string;
  state: StageState;
  tap: Tap;
  room: Room;
  /** Encodes and sends what changed; `ms` is how far the tap's clock moves. */
  patch(ms?: number): void;
}

export interface Stage {
  redis: Redis;
  audience: AudienceService;
  /** The relay's connections, in the order it made them. */
  connections: LossyRedis[];
  port: number;
  roomPort: number;
  openRound(roundId: string, epoch?: number): Promise<StageRoom>;
  spectate(arena?: string): Promise<SdkRoom<unknown, StageState>>;
  close(): Promise<void>;
}

function newState(roundId: string): StageState {
  const round = new RoundView();
  round.roundId = roundId;
  round.phase = "open";
  const state = new StageState();
  state.round = round;
  state.padding = "";
  state.secret = "the creator is alice";
  return state;
}

/** Starts everything; one stage per process at a time, for Colyseus's matchmaker is the process's. */
export async function setStage(
  testRedis: TestRedis,
  options: { limits?: Partial<RelayLimits>; publicAddress?: string; greeting?: () => string[] } = {},
): Promise<Stage> {
  const redis = new Redis(testRedis.url);
  const tapRedis = new Redis(testRedis.url);
  const connections: LossyRedis[] = [];
  const audience = createAudienceService(options, {
    redis: () => {
      const connection = new LossyRedis(testRedis.url, { maxRetriesPerRequest: null });
      connections.push(connection);
      return connection;
    },
    logger,
    now: Date.now,
  });

  let clock = 0;
  const opened = new Map<string, StageRoom>();
  class StageRoundRoom extends Room<{ state: StageState }> {
    override autoDispose = false;
    override patchRate = 3_600_000;
    #tap: Tap | undefined;
    #patches: TapSerializer | undefined;

    override setSerializer(serializer: Parameters<Room["setSerializer"]>[0]): void {
      if (serializer.id !== "schema" || this.#tap === undefined) super.setSerializer(serializer);
      else {
        this.#patches = new TapSerializer({}, { tap: this.#tap, now: () => clock });
        super.setSerializer(this.#patches);
      }
    }

    override onCreate(wanted: { roundId: string; epoch?: number }): void {
      const tap = createTap(wanted, {
        redis: tapRedis,
        logger,
        greeting: () => (options.greeting?.() ?? []).map((text) => ({ type: "chat", payload: { text } })),
      });
      this.#tap = tap;
      const state = newState(wanted.roundId);
      this.state = state;
      this.#patches?.beginEpoch(wanted.epoch ?? 0);
      const patch = (ms = 40): void => {
        clock += ms;
        this.broadcastPatch();
      };
      opened.set(wanted.roundId, { roundId: wanted.roundId, state, tap, room: this, patch });
    }

    override onJoin(client: PlayerClient, options?: { plain?: boolean }): void {
      if (options?.plain) return;
      client.view = new StateView();
      client.view.add(this.state as Schema);
    }
  }

  const roomPort = await freePort();
  const colyseus = new Server({
    transport: new WebSocketTransport({ pingInterval: 0 }),
    greet: false,
    gracefullyShutdown: false,
  });
  colyseus.define("round", StageRoundRoom);
  await colyseus.listen(roomPort, "127.0.0.1");

  const app = express();
  app.use(
    "/api",
    apiRouter(audience.routes, {
      authenticate: () => Promise.reject(new Error("nobody signs in here")),
      limiter: { take: () => Promise.resolve() },
      logger,
    }),
  );
  const http: HttpServer = createServer(app);
  http.on("upgrade", (req, socket, head) => {
    if (!audience.handleUpgrade(req, socket, head)) socket.destroy();
  });
  const port = await freePort();
  await new Promise<void>((resolve) => http.listen(port, "127.0.0.1", resolve));

  return {
    redis,
    audience,
    connections,
    port,
    roomPort,
    async openRound(roundId, epoch) {
      const { roomId } = await matchMaker.createRoom("round", { roundId, ...(epoch && { epoch }) });
      const stageRoom = opened.get(roundId);
      if (stageRoom === undefined) throw new Error("the room did not open");
      stageRoom.patch();
      await redis.set("mr:live:main", JSON.stringify({ roundId, roomId }));
      return stageRoom;
    },
    async spectate(arena = "main") {
      const client = new Client(`http://127.0.0.1:${port}`);
      const answer = await fetch(`http://127.0.0.1:${port}/api/audience/seat?arena=${arena}`);
      if (!answer.ok) throw new Error(await answer.text());
      const seat = seatAnswer.parse(await answer.json());
      return await client.consumeSeatReservation<StageState>(seat);
    },
    async close() {
      await audience.stop();
      await colyseus.gracefullyShutdown(false);
      http.closeAllConnections();
      await new Promise((resolve) => http.close(resolve));
      redis.disconnect();
      tapRedis.disconnect();
    },
  };
}
