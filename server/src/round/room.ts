/**
 * The Colyseus room of a round: a thin shell around the actor (R2, R4).
 * Owns: joining and leaving, messages in and answers out, the public state's patches, the clock that ticks.
 * Does not own: rules, the journal, phases (life.ts) or what is public (projection.ts).
 */
import { setImmediate as turn } from "node:timers/promises";
import { SOCKET_CLOSE } from "@meme-rounds/shared-schema/close-codes";
import { CodedError } from "@meme-rounds/shared-schema/errors";
import type { ClientMessageKind, ServerMessages } from "@meme-rounds/shared-schema/messages";
import { RoundView } from "@meme-rounds/shared-schema/sync-state";
import {
  type AuthContext,
  type Client,
  CloseCode,
  MatchmakeErrorCode,
  Room,
  ServerError,
} from "../infra/colyseus.ts";
import { SOCKET_MESSAGES_PER_SECOND } from "../infra/limits.ts";
import { inSlices } from "../infra/slices.ts";
import { type Answer, RoundActor } from "./actor.ts";
import { Attendance } from "./attendance.ts";
import { CommandEdge } from "./commands.ts";
import { admitToRoom, type Seated } from "./door.ts";
import { FanOut, PatchSerializer } from "./fan-out.ts";
import { Farewell } from "./farewell.ts";
import { Greeting } from "./greeting.ts";
import { appendJournal } from "./journal-store.ts";
import { LeaseKeeper } from "./lease-keeper.ts";
import { RoundLife } from "./life.ts";
import { openRound } from "./open.ts";
import { OrderDesk } from "./orders.ts";
import { standingsOf } from "./projection.ts";
import { afterMs } from "./pulse.ts";
import type { RoomOptions, RoundDeps } from "./room-deps.ts";
import { closeSlow } from "./serializer.ts";
import { RoundShow } from "./show.ts";
import { appendSurely } from "./sure-append.ts";
import { createTap, type Tap } from "./tap.ts";
import { TickMeter } from "./tick-meter.ts";

type RoundClient = Client<{ auth: Seated; userData: { ready: boolean; kicked?: true } }>;

/** How often leases, orders, the round's life and who is still signed in are looked after. */
const CARE_MS = 200;
/** A client that lets this much pile up is closed rather than fed from memory. */
const MAX_BUFFERED_BYTES = 256 * 1024;
/** Players that are told something of their own in one go: some 5 ms. */
const TOLD_AT_ONCE = 250;
const ANSWERED = ["deposit", "enter", "boost", "chat", "report"] as const satisfies ClientMessageKind[];

/** The room class with its services closed over: Colyseus constructs rooms itself. */
export function createRoundRoom(deps: RoundDeps) {
  const meter = new TickMeter();
  return class RoundRoom extends Room<{ state: RoundView; client: RoundClient }> {
    override autoDispose = false;
    /** Colyseus' own timer stays out of it: a patch leaves when there is one (pulse.ts). */
    override patchRate: number | null = null;
    override maxMessagesPerSecond = SOCKET_MESSAGES_PER_SECOND;
    override seatReservationTimeout = 5;
    override state = new RoundView();
    private tap: Tap | undefined;
    private patches: PatchSerializer<RoundView> | undefined;
    private actor: RoundActor | undefined;
    private edge: CommandEdge | undefined;
    private life: RoundLife | undefined;
    private orders: OrderDesk | undefined;
    private farewell: Farewell | undefined;
    private lease: LeaseKeeper | undefined;
    private isListed = false;
    private lost = false;
    private readonly attendance = new Attendance(deps);
    private readonly greeting = new Greeting();
    private readonly fanOut = new FanOut({
      clock: deps.clock,
      soon: setImmediate,
      done: (stretchMs) => this.show.sent(stretchMs),
    });
    private readonly show = new RoundShow(this.state, {
      ...deps,
      meter,
      send: () => this.broadcastPatch(),
      sockets: () => this.clients.length,
      tell: (kind, body) => this.tell(kind, body),
      tellEach: (kind, bodyOf) => this.tellEach(kind, bodyOf),
    });

    static override async onAuth(
      token: string | undefined,
      _options: unknown,
      context: AuthContext,
    ): Promise<Seated> {
      return await admitToRoom(deps, token, context.ip);
    }

    override setSerializer(_serializer: unknown): void {
      const tap = {
        patch: (bytes: Uint8Array) => {
          this.tap?.patch(bytes);
          this.fanOut.send(this.clients, bytes);
        },
        snapshot: (full: Uint8Array, handshake: Uint8Array) => this.tap?.snapshot(full, handshake),
      };
      this.patches = new PatchSerializer<RoundView>({}, { tap, now: deps.now });
      super.setSerializer(this.patches);
    }

    override async onCreate(options: RoomOptions): Promise<void> {
      const { roundId, arena, lease } = options;
      this.state.roundId = roundId;
      await deps.directory.begin(arena, roundId);
      const { show } = this;
      const opened = await openRound(
        { network: deps.network, arena, roundId, roundSeconds: deps.roundSeconds, opensAt: options.opensAt },
        lease,
        deps,
      );
      const actor = new RoundActor(opened.state, opened.refs, {
        append: (items) => appendSurely(() => appendJournal(deps.redis, lease, roundId, items), afterMs),
        verify: deps.verify,
        // The round's own key, also when the process' keystore has a newer one by now (M7).
        sign: (bytes) => deps.payment.signReceipt(bytes, opened.state.open.receiptKey),
        now: deps.now,
        pause: turn,
        beforeBlind: (state) => show.darken(standingsOf(state)),
        onCommitted: (entries) => show.committed(entries),
        onFailed: (error) => this.stop(error),
      });
      this.actor = actor;
      this.edge = new CommandEdge(actor, deps);
      this.orders = new OrderDesk(actor, { ...deps, onTakenDown: (memeId) => show.takenDown(memeId) });
      this.life = new RoundLife(actor, {
        ...deps,
        onFinal: (state) => show.final(state),
        onSettled: (settlement) => show.settled(settlement),
        onModel: (model) => show.model(model),
        onOver: () => void this.disconnect(CloseCode.CONSENTED),
      });
      this.tap = createTap(
        { roundId, epoch: lease.token },
        {
          redis: deps.tapRedis,
          logger: deps.logger,
          now: deps.now,
          greeting: () => [
            ...actor.state.chat.map((line) => ({ type: "chat", payload: line })),
            ...(this.farewell?.notice ? [{ type: "notice", payload: this.farewell.notice }] : []),
          ],
        },
      );
      this.patches?.beginEpoch(lease.token);
      this.lease = new LeaseKeeper(lease, deps, (error) => this.stop(error));
      this.farewell = new Farewell({
        actor,
        life: this.life,
        lease: this.lease,
        now: deps.now,
        tell: (notice) => this.tell("notice", notice),
        still: () => {
          this.lost = true;
          show.end();
        },
        close: () => this.disconnect(SOCKET_CLOSE.handedOver),
      });
      for (const kind of ANSWERED)
        this.onMessage(kind, (client: RoundClient, raw: unknown) => this.on(kind, client, raw));
      this.onMessage("watch", () => undefined);
      this.onMessage("*", (client: RoundClient) =>
        this.answer(client, actor.rejected("", "MESSAGE_UNKNOWN")),
      );
      this.setTimestep(() => this.care(), CARE_MS);
      // Once more: until there was a timestep, Colyseus ticked its clock sixty times a second for want of it.
      this.patchRate = null;
      show.begin(opened.state, opened.darkened);
      deps.logger.info(
        { roundId, roomId: this.roomId, replayed: opened.records, known: opened.known },
        "round is hosted here",
      );
    }

    /** Called once the room can be joined: nobody is sent here earlier. One that was lost meanwhile ends at once. */
    async announce(): Promise<void> {
      if (!this.lease || !this.actor || !this.farewell) throw new CodedError("NOT_READY");
      this.isListed = true;
      deps.hosted.add(this.farewell);
      if (this.lost) this.giveUp();
      else {
        const { roundId, arena, closesAt } = this.actor.state.open;
        const { lease } = this.lease;
        if (deps.now() < closesAt)
          await deps.directory.setLive(arena, { roundId, roomId: this.roomId }, lease);
        this.care();
      }
    }

    override onJoin(client: RoundClient): void {
      if (!this.edge || !this.actor || !client.auth)
        throw new ServerError(MatchmakeErrorCode.AUTH_FAILED, "NOT_READY");
      client.userData = { ready: true };
      this.sendTo(client, "you", { ...this.edge.you(client.auth), server: deps.version });
      if (this.farewell?.notice) this.sendTo(client, "notice", this.farewell.notice);
      this.greeting.greet(client, this.actor.state.chat);
    }

    override onReconnect(client: RoundClient): void {
      // Whatever ended while it was away was not heard of.
      if (client.auth) client.auth.expiresAt = 0;
      if (this.edge && client.auth)
        this.sendTo(client, "you", { ...this.edge.you(client.auth), server: deps.version });
    }

    override async onDrop(client: RoundClient, code: number): Promise<void> {
      if (code === CloseCode.SERVER_SHUTDOWN || code === CloseCode.CONSENTED) return;
      if (code === SOCKET_CLOSE.kicked || code === SOCKET_CLOSE.signedOut) return;
      if (code === SOCKET_CLOSE.handedOver) return;
      await this.allowReconnection(client, 20).catch(() => undefined);
    }

    override onUncaughtException(error: Error, method: string): void {
      deps.logger.error({ err: error, method, roundId: this.state.roundId }, "the room failed");
    }

    override async onDispose(): Promise<void> {
      if (this.farewell) deps.hosted.delete(this.farewell);
      this.show.end();
      deps.follower.leave(this.state.roundId);
      // Handed over or lost, it is not over: its spectators wait for the next process on the sockets they have.
      const goesOn = this.lost || this.farewell?.isGoing;
      if (!goesOn || this.life?.isFinished) await this.tap?.close();
      await this.lease?.release();
    }

    /** Ends the round with full returns (E10); called through the matchmaker by whichever process an operator asked. */
    async cancelRound(by: string, reason: string): Promise<void> {
      if (this.life === undefined) throw new CodedError("NOT_READY");
      await this.life.cancel(by, reason);
    }

    private async on(kind: (typeof ANSWERED)[number], client: RoundClient, raw: unknown): Promise<void> {
      const { edge, actor } = this;
      if (client.userData?.kicked) return;
      if (!edge || !actor || !client.auth || !client.userData?.ready) {
        if (actor) this.answer(client, actor.rejected("", "NOT_READY"));
        return;
      }
      let kicked = false;
      const answer = await edge.handle(kind, raw, client.auth, {
        later: (later) => this.answer(client, later),
        kick: () => {
          kicked = true;
        },
      });
      this.answer(client, answer);
      if (kicked) this.kick(client);
    }

    /** I5: what is still on the way from this socket is not read any more. */
    private kick(client: RoundClient): void {
      client.userData = { ready: false, kicked: true };
      client.leave(SOCKET_CLOSE.kicked, "RATE_LIMITED");
    }

    private answer(client: RoundClient, answer: Answer): void {
      const { ok, ...body } = answer;
      if (ok) {
        this.sendTo(client, "accepted", body as ServerMessages["accepted"]);
        return;
      }
      this.sendTo(client, "rejected", body as ServerMessages["rejected"]);
      if (this.edge && client.auth)
        this.sendTo(client, "you", { ...this.edge.you(client.auth), server: deps.version });
    }

    private sendTo<K extends keyof ServerMessages>(
      client: RoundClient,
      kind: K,
      body: ServerMessages[K],
    ): void {
      client.send(kind as never, body as never);
    }

    private tell<K extends keyof ServerMessages>(kind: K, body: ServerMessages[K]): void {
      this.broadcast(kind as never, body as never);
      this.tap?.message(kind, body);
    }

    private tellEach<K extends keyof ServerMessages>(
      kind: K,
      bodyOf: (playKey: string) => ServerMessages[K],
    ): void {
      this.tap?.message(kind, bodyOf(""));
      inSlices([...this.clients], TOLD_AT_ONCE, (client) =>
        this.sendTo(client, kind, bodyOf(client.auth?.playKey ?? "")),
      ).catch((err: unknown) => deps.logger.error({ err, kind }, "not everybody was told"));
    }

    /** Whatever has to be looked after now and then. None of it waits for another: one may hang on a slow network. */
    private care(): void {
      if (!this.isListed || this.lost) return;
      const now = deps.now();
      const { roundId } = this.state;
      const parts = {
        lease: this.lease?.tick(now),
        orders: this.orders?.tick(now),
        life: this.life?.tick(now),
        attendance: this.dismiss(now),
        show: this.lease && this.show.publish(this.roomId, this.lease.lease, now),
      };
      closeSlow(this.clients, MAX_BUFFERED_BYTES);
      for (const [part, done] of Object.entries(parts))
        done?.catch((err: unknown) => deps.logger.error({ err, roundId, part }, "care of the round failed"));
    }

    /** I2: who is not signed in any more loses its place. */
    private async dismiss(now: number): Promise<void> {
      for (const client of await this.attendance.ended(this.clients, now))
        client.leave(SOCKET_CLOSE.signedOut, "TOKEN_INVALID");
    }

    /** The lease or the journal is lost: what this process has in memory is worth nothing any more (R1). */
    private stop(error: unknown): void {
      if (this.farewell?.isGoing) return;
      deps.logger.error({ err: error, roundId: this.state.roundId }, "the round is given up here");
      this.lost = true;
      // A room that is still being made cannot end yet.
      if (this.isListed) this.giveUp();
    }

    private giveUp(): void {
      void this.disconnect(CloseCode.MAY_TRY_RECONNECT);
    }
  };
}
