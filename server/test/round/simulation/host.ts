/**
 * A game process of the simulation: the real keeper, lease, journal, actor and life, and a room that does what room.ts
 * does with them, without sockets. Owns: that room. Does not own: rules, Redis, players.
 */
import { freeLease } from "../../../src/infra/leases.ts";
import type { Redis } from "../../../src/infra/redis.ts";
import { RoundActor } from "../../../src/round/actor.ts";
import { RoundDirectory } from "../../../src/round/directory.ts";
import { RoundFollower } from "../../../src/round/follower.ts";
import { appendJournal, type StoredEntry } from "../../../src/round/journal-store.ts";
import { RoundKeeper } from "../../../src/round/keeper.ts";
import { LeaseKeeper } from "../../../src/round/lease-keeper.ts";
import { RoundLife } from "../../../src/round/life.ts";
import { openRound } from "../../../src/round/open.ts";
import type { PaymentPort } from "../../../src/round/ports.ts";
import type { RoomOptions } from "../../../src/round/room-deps.ts";
import { appendSurely } from "../../../src/round/sure-append.ts";
import type { SimProcess } from "./network.ts";
import { silent } from "./quiet.ts";

export const ARENA = "main";
export const ROUND_SECONDS = 20;
const CARE_MS = 200;
/** How often a look takes a host for gone. */
const WRONGLY = 0.01;
const OPERATOR = "02".padEnd(66, "a");

const payment = {
  keys: () => ({
    operatorKey: OPERATOR,
    auditorKey: OPERATOR,
    receiptKey: "ab".repeat(32),
    auditorHeadKey: "cd".repeat(32),
  }),
  feeRate: async () => 100,
  claimCarry: async () => [],
  judgeDeposits: async () => [],
  enqueueSettlement: async () => undefined,
  settlementOf: async () => ({ state: "mined" as const, txids: [], payouts: [] }),
} as unknown as PaymentPort;

export interface Room {
  roomId: string;
  roundId: string;
  actor: RoundActor;
  isOver: boolean;
}

/** A bug of the process itself, to show that the simulation finds it. */
export type HostMutation = "early-ack" | "early-show";

/** How far a round's journal was when everybody was shown it. */
export interface Seen {
  roundId: string;
  seq: number;
  hash: string;
}

export interface HostOptions {
  clients: number;
  /** Things may still go wrong. */
  isTrouble(): boolean;
  mutation: HostMutation | undefined;
}

export class Host {
  readonly process: SimProcess;
  /** By roomId; those that are over stay listed, as their sockets' other ends know them. */
  readonly rooms = new Map<string, Room>();
  readonly keeper: RoundKeeper;
  readonly seen: Seen[] = [];
  private readonly redis: Redis;
  private readonly directory: RoundDirectory;
  private readonly follower: RoundFollower;
  private readonly mutation: HostMutation | undefined;

  constructor(process: SimProcess, redis: Redis, { clients, isTrouble, mutation }: HostOptions) {
    this.process = process;
    this.redis = redis;
    this.mutation = mutation;
    this.directory = new RoundDirectory(redis);
    this.follower = new RoundFollower(
      { arena: ARENA },
      { redis, directory: this.directory, logger: silent, after: (ms, work) => process.after(ms, work) },
    );
    this.keeper = new RoundKeeper(
      { arena: ARENA, roundSeconds: ROUND_SECONDS },
      {
        redis,
        directory: this.directory,
        logger: silent,
        now: () => process.now(),
        after: (ms, work) => process.after(ms, work),
        load: () => ({ clients, lagMs: 0 }),
        // Now and then a host is taken for gone: rightly or not, no record may be lost by that.
        frees: async (roundId) =>
          isTrouble() && process.world.random.chance(WRONGLY) && (await this.free(roundId)),
        createRoom: (options) => this.create(options),
      },
    );
  }

  start(): void {
    this.process.after(0, () => {
      this.keeper.start();
      this.follower.start();
    });
  }

  private async free(roundId: string): Promise<boolean> {
    const live = await this.directory.live(ARENA);
    if (live?.roundId !== roundId) return false;
    return await freeLease(this.redis, { name: `round:${roundId}`, token: live.token });
  }

  private async create({ roundId, arena, opensAt, lease }: RoomOptions): Promise<void> {
    const { process, redis, directory, follower } = this;
    const { world } = process;
    await directory.begin(arena, roundId);
    const opened = await openRound(
      { network: "devchain", arena, roundId, roundSeconds: ROUND_SECONDS, opensAt },
      lease,
      { redis, payment, follower, now: () => process.now() },
    );
    let isListed = false;
    let isLost = false;
    const end = (): void => {
      room.isOver = true;
      follower.leave(roundId);
      keeping.release().catch(() => undefined); // It runs out by itself.
    };
    const stop = (error: unknown): void => {
      world.note(`${process.name} gives up ${room.roomId}: ${String(error)}`);
      isLost = true;
      if (isListed) end();
    };
    const append = (items: readonly StoredEntry[]) => appendJournal(redis, lease, roundId, items);
    const actor = new RoundActor(opened.state, opened.refs, {
      append: async (items) => {
        const written = appendSurely(
          () => append(items),
          (ms, work) => process.after(ms, work),
        );
        if (this.mutation === "early-ack") written.catch(() => undefined);
        else await written;
      },
      verify: () => true,
      sign: () => "",
      now: () => process.now(),
      beforeBlind: () => undefined,
      onCommitted: () => undefined,
      onFailed: stop,
    });
    const room: Room = { roomId: `${process.name}/${lease.token}/${roundId}`, roundId, actor, isOver: false };
    this.rooms.set(room.roomId, room);
    const keeping = new LeaseKeeper(lease, { redis }, stop);
    const life = new RoundLife(actor, {
      payment,
      content: { modelsOf: async () => [], enqueueTransforms: async () => undefined } as never,
      analytics: { roundFinished: async () => undefined } as never,
      directory,
      logger: silent,
      onFinal: () => undefined,
      onSettled: () => undefined,
      onModel: () => undefined,
      onOver: end,
    });
    const show = (head: { seq: number; hash: string }): void => {
      this.seen.push({ roundId, seq: head.seq, hash: head.hash });
    };
    const look = (): void => {
      if (this.mutation === "early-show") show(opened.state.head);
      // Refused where the round is lost here: nobody is shown anything then.
      else actor.read(({ head }) => show(head)).catch(() => undefined);
    };
    const care = (): void => {
      if (room.isOver) return;
      const now = process.now();
      keeping
        .tick(now)
        .catch((error: unknown) => world.note(`${process.name} does not renew: ${String(error)}`));
      void life.tick(now);
      look();
      process.after(CARE_MS, care);
    };
    isListed = true;
    if (isLost) return end();
    world.note(`${process.name} hosts ${room.roomId}, ${opened.records} records`);
    if (process.now() < opened.state.open.closesAt)
      await directory.setLive(arena, { roundId, roomId: room.roomId }, lease);
    care();
  }
}
