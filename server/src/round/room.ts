/**
 * The Colyseus room of a round: a thin shell around the actor (R2, R4).
 * Owns: putting its parts together, joining and leaving, the public state's patches, the clock that ticks.
 * Does not own: rules, the journal, phases (life.ts), messages and answers (talk.ts) or what is public (projection.ts).
 */
import { setImmediate as turn } from "node:timers/promises";
import { SOCKET_CLOSE } from "@meme-rounds/shared-schema/close-codes";
import { CodedError } from "@meme-rounds/shared-schema/errors";
import { RoundView } from "@meme-rounds/shared-schema/sync-state";
import { type AuthContext, CloseCode, MatchmakeErrorCode, Room, ServerError } from "../infra/colyseus.ts";
import { letSeatsGo } from "../infra/let-seats-go.ts";
import { SOCKET_MESSAGES_PER_SECOND } from "../infra/limits.ts";
import { RoundActor } from "./actor.ts";
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
import { ANSWERED, type RoundClient, sendTo, Talk } from "./talk.ts";
import { createTap, type Tap } from "./tap.ts";
import { TickMeter } from "./tick-meter.ts";

/** How often leases, orders, the round's life and who is still signed in are looked after. */
const CARE_MS = 200;
/** Between a seat and its socket, s: thousands that arrive at once keep a process busy for as long. */
const SEAT_SECONDS = 15;
/** A client that lets this much pile up is closed rather than fed from memory. */
const MAX_BUFFERED_BYTES = 256 * 1024;

/** The room class with its services closed over: Colyseus constructs rooms itself. */
export function createRoundRoom(deps: RoundDeps) {
  const meter = new TickMeter();
  return class RoundRoom extends Room<{ state: RoundView; client: RoundClient }> {
    override autoDispose = false;
    /** Colyseus' own timer stays out of it: a patch leaves when there is one (pulse.ts). */
    override patchRate: number | null = null;
    override maxMessagesPerSecond = SOCKET_MESSAGES_PER_SECOND;
    override seatReservationTimeout = SEAT_SECONDS;
    override state = new RoundView();
    private tap: Tap | undefined;
    private patches: PatchSerializer<RoundView> | undefined;
    private actor: RoundActor | undefined;
    private talk: Talk | undefined;
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
      after: afterMs,
      send: () => this.broadcastPatch(),
      sockets: () => this.clients.length,
      tell: (kind, body) => this.talk?.tell(kind, body),
      tellEach: (kind, bodyOf) => this.talk?.tellEach(kind, bodyOf),
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
        onCommitted: (entries, state) => show.committed(entries, state),
        onFailed: (error) => this.stop(error),
      });
      this.actor = actor;
      this.orders = new OrderDesk(actor, { ...deps, onTakenDown: (memeId) => show.takenDown(memeId) });
      this.life = new RoundLife(actor, {
        ...deps,
        onFinal: (state) => show.final(state),
        onSettled: (settlement) => show.settled(settlement),
        onModel: (model) => show.model(model),
        onOver: () => void this.disconnect(CloseCode.CONSENTED),
      });
      const tap = createTap(
        { roundId, epoch: lease.token },
        {
          redis: deps.tapRedis,
          logger: deps.logger,
          now: deps.now,
          greeting: () => [
            ...show.lines.map((line) => ({ type: "chat", payload: line })),
            ...(this.farewell?.notice ? [{ type: "notice", payload: this.farewell.notice }] : []),
          ],
        },
      );
      this.tap = tap;
      this.patches?.beginEpoch(lease.token);
      const talk = new Talk({
        ...deps,
        actor,
        edge: new CommandEdge(actor, deps),
        tap,
        clients: () => this.clients,
        broadcast: (kind, body) => this.broadcast(kind as never, body as never),
      });
      this.talk = talk;
      this.lease = new LeaseKeeper(lease, deps, (error) => this.stop(error));
      this.farewell = new Farewell({
        actor,
        life: this.life,
        lease: this.lease,
        now: deps.now,
        tell: (notice) => talk.tell("notice", notice),
        still: () => {
          this.lost = true;
          show.end();
        },
        close: () => this.disconnect(SOCKET_CLOSE.handedOver),
      });
      for (const kind of ANSWERED)
        this.onMessage(kind, (client: RoundClient, raw: unknown) => talk.on(kind, client, raw));
      this.onMessage("watch", () => undefined);
      this.onMessage("*", (client: RoundClient) => talk.onUnknown(client));
      this.setTimestep(() => this.care(), CARE_MS);
      // Once more: until there was a timestep, Colyseus ticked its clock sixty times a second for want of it.
      this.patchRate = null;
      show.begin(actor, opened.state, opened.darkened);
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
        const { roundId, arena, closesAt } = this.actor.open;
        const { lease } = this.lease;
        if (deps.now() < closesAt)
          await deps.directory.setLive(arena, { roundId, roomId: this.roomId }, lease);
        this.care();
      }
    }

    override async onJoin(client: RoundClient): Promise<void> {
      const { talk } = this;
      if (!talk || !client.auth) throw new ServerError(MatchmakeErrorCode.AUTH_FAILED, "NOT_READY");
      // Whatever is said from here on is on its way to this client already.
      this.greeting.greet(client, this.show.lines);
      const notice = this.farewell?.notice;
      await talk.you(client);
      client.userData = { ready: true };
      if (notice) sendTo(client, "notice", notice);
    }

    override async onReconnect(client: RoundClient): Promise<void> {
      // Whatever ended while it was away was not heard of.
      if (client.auth) client.auth.expiresAt = 0;
      await this.talk?.youAgain(client);
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

    override disconnect(closeCode?: number): ReturnType<Room["disconnect"]> {
      letSeatsGo(this);
      return super.disconnect(closeCode);
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
