/**
 * What everybody sees of a live round, and when (R6): the synchronised view, its patches, the snapshot for those who
 * are not here. Owns: that view, the rhythm of its patches, what is held until the next one. The state gets into the
 * view only through the actor's `read`, so that nothing is shown that is not durable (R4).
 * Does not own: what is public (projection.ts), how it is encoded and sent (the room).
 */
import type { ServerMessages } from "@meme-rounds/shared-schema/messages";
import type { SignedHead } from "@meme-rounds/shared-schema/receipt";
import type { Entry } from "@meme-rounds/shared-schema/records";
import type { ChatLine, RoundState } from "@meme-rounds/shared-schema/round-state";
import type { RoundView } from "@meme-rounds/shared-schema/sync-state";
import type { Lease } from "../infra/leases.ts";
import type { Logger } from "../infra/logger.ts";
import type { RoundActor } from "./actor.ts";
import type { RoundDirectory } from "./directory.ts";
import type { AudiencePort, PaymentPort, SettlementView } from "./ports.ts";
import {
  type FinishedModel,
  isShown,
  project,
  projectHead,
  projectModel,
  projectOpening,
  projectOutcome,
  projectTakenDown,
  SHOWN_PAYOUTS,
  type Standings,
} from "./projection.ts";
import { Pulse } from "./pulse.ts";
import { snapshotOf } from "./snapshot.ts";
import type { TickMeter } from "./tick-meter.ts";

const SNAPSHOT_MS = 1_000;
/** Between two patches: at least while something changes, at most while nothing does, ms. */
const LEAST_MS = 100;
const IDLE_MS = 1_000;
/** So much longer is the least gap for each socket, ms: writing takes an eighth of a core at most. */
const GAP_PER_SOCKET_MS = 0.1;

export interface ShowDeps {
  directory: Pick<RoundDirectory, "setSnapshot">;
  payment: Pick<PaymentPort, "headOf" | "keys">;
  audience: Pick<AudiencePort, "spectators">;
  meter: TickMeter;
  logger: Logger;
  now(): number;
  /** ms of a clock that never goes back. */
  clock(): number;
  /** Calls once, `ms` from now; what it gives back calls it off. */
  after(ms: number, run: () => void): () => void;
  /** Encodes what has changed in the view and hands it to all sockets, now or in slices; `sent` is told at the end. */
  send(): void;
  /** How many there are. */
  sockets(): number;
  /** A message for everybody. */
  tell<K extends keyof ServerMessages>(kind: K, body: ServerMessages[K]): void;
  /** A message that says to each player something else; spectators have no play key (""). */
  tellEach<K extends keyof ServerMessages>(kind: K, bodyOf: (playKey: string) => ServerMessages[K]): void;
}

export class RoundShow {
  private readonly view: RoundView;
  private readonly deps: ShowDeps;
  private readonly pulse: Pulse;
  private actor: Pick<RoundActor, "open" | "read"> | undefined;
  private chat: readonly ChatLine[] = [];
  private standings: Standings | undefined;
  private head: SignedHead | undefined;
  private spectators = 0;
  private lastSnapshot = Number.NEGATIVE_INFINITY;
  private writing = false;
  /** A beat that waits for the append under way, and from when on it can be shown; ms of `clock`. */
  private late: { from: number } | undefined;
  private tick: { dueAt: number; beganAt: number; workMs?: number } = { dueAt: 0, beganAt: 0 };

  constructor(view: RoundView, deps: ShowDeps) {
    this.view = view;
    this.deps = deps;
    this.pulse = new Pulse(
      { leastMs: () => Math.max(LEAST_MS, deps.sockets() * GAP_PER_SOCKET_MS), idleMs: IDLE_MS },
      { clock: deps.clock, after: deps.after, beat: (dueAt) => this.beat(dueAt) },
    );
    deps.meter.begin();
  }

  /** The scoreboard goes dark: what the numbers are now is what they stay until the round has ended. */
  darken(standings: Standings): void {
    this.standings = standings;
  }

  /** From here on the view follows `actor`, whose state is `state`. `darkened`: it has gone dark before. */
  begin(actor: Pick<RoundActor, "open" | "read">, state: RoundState, darkened: Standings | undefined): void {
    this.actor = actor;
    this.standings = darkened;
    this.chat = [...state.chat];
    projectOpening(this.view, state);
    project(this.view, state, this.deps.now(), this.standings);
    projectOutcome(this.view, state);
    this.pulse.start();
  }

  end(): void {
    this.pulse.stop();
  }

  /** The last lines of chat that are durable, for those who come. */
  get lines(): readonly ChatLine[] {
    return this.chat;
  }

  /** These stand in the journal, whose state is `state` now: they are shown, and lines of chat passed on (R4, R10). */
  committed(entries: readonly Entry[], state: RoundState): void {
    if (this.late) this.late.from = this.deps.clock();
    const phase = state.phase.kind;
    if (entries.some(({ record }) => isShown(record.kind, phase))) this.pulse.changed();
    if (entries.some(({ record }) => record.kind === "chat")) this.chat = [...state.chat];
    for (const { record, private: text } of entries) {
      if (record.kind !== "chat") continue;
      const { playKey } = record.body;
      this.deps.tell("chat", { seq: record.seq, playKey, at: record.at, text: text?.text ?? "" });
    }
  }

  /** The journal has ended. */
  final(state: RoundState): void {
    projectOutcome(this.view, state);
    this.pulse.changed();
  }

  settled({ txids, payouts }: SettlementView): void {
    if (this.view.result) {
      this.view.result.txids.clear();
      this.view.result.txids.push(...txids);
    }
    if (this.view.phase === "settling") this.view.phase = "closed";
    this.pulse.changed();
    if (payouts.length <= SHOWN_PAYOUTS) {
      this.deps.tell("settled", { txids, payouts });
      return;
    }
    const own = Map.groupBy(payouts, ({ playKey }) => playKey);
    this.deps.tellEach("settled", (playKey) => ({ txids, payouts: own.get(playKey) ?? [] }));
  }

  model(model: FinishedModel): void {
    projectModel(this.view, model);
    this.pulse.changed();
    const { memeId, glb, poster, turntable } = model;
    this.deps.tell("model", { memeId, glb, poster, turntable });
  }

  takenDown(memeId: string): void {
    this.durably((state) => {
      projectTakenDown(this.view, state, memeId);
      this.pulse.changed();
    });
    this.deps.tell("notice", { kind: "takedown", text: "A meme was taken down.", at: this.deps.now() });
  }

  /** Once the state is the journal's, and never where that append is lost: the room is given up then. */
  private durably(look: (state: RoundState) => void): void {
    const { deps, view } = this;
    this.actor?.read(look).catch((err: unknown) => {
      this.late = undefined;
      deps.logger.warn({ err, roundId: view.roundId }, "a change of the round was not shown");
    });
  }

  /** One that falls into an append comes with its commit; under load appends follow each other without a gap. */
  private beat(dueAt: number): void {
    if (this.late) {
      // Redis is slow: what is shown stays as it was, and whoever listens hears that the room is there (R5).
      this.leave(dueAt);
      return;
    }
    const late = { from: dueAt };
    this.late = late;
    this.durably((state) => {
      this.late = undefined;
      this.deps.meter.waited(late.from - dueAt);
      this.leave(late.from, state);
    });
  }

  /** Projected, encoded and sent in one go: `serverTime` is when the patch left. Without a state only that is new. */
  private leave(dueAt: number, state?: RoundState): void {
    const { view, deps } = this;
    const beganAt = deps.clock();
    this.tick = { dueAt, beganAt };
    try {
      if (state === undefined) view.serverTime = deps.now();
      else project(view, state, deps.now(), this.standings);
      view.spectators = this.spectators;
      if (this.head !== undefined) projectHead(view, this.head);
      deps.send();
    } catch (err) {
      deps.logger.error({ err, roundId: view.roundId }, "a change of the round could not be shown");
    }
    this.tick.workMs = deps.clock() - beganAt;
  }

  /** The last socket has the patch; `stretchMs`: the longest time of writing without a pause. */
  sent(stretchMs: number): void {
    const { dueAt, beganAt, workMs } = this.tick;
    const now = this.deps.clock();
    this.deps.meter.took(dueAt, now, Math.max(stretchMs, workMs ?? now - beganAt));
  }

  /** Asks for what others know of the round, once a second, and writes the snapshot that joins begin with. */
  async publish(roomId: string, lease: Lease, now: number): Promise<void> {
    const { actor, view, deps } = this;
    if (!actor || this.writing || now - this.lastSnapshot < SNAPSHOT_MS) return;
    this.writing = true;
    this.lastSnapshot = now;
    try {
      // Shown with the next patch: what is written into the view between patches is encoded anew for each who joins.
      this.spectators = await deps.audience.spectators(view.roundId);
      this.head = await deps.payment.headOf(view.roundId);
      // The next round writes the arena's snapshot from its own opening on.
      if (now >= view.closesAt) return;
      const { auditorHeadKey } = deps.payment.keys();
      await deps.directory.setSnapshot(snapshotOf(view, actor, roomId, auditorHeadKey), lease);
    } catch (err) {
      deps.logger.warn({ err }, "the public snapshot was not written");
    } finally {
      this.writing = false;
    }
  }
}
