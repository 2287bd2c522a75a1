/**
 * From a round's mirror to its crowd: gathers what comes, and lets it go at the rate the relay can afford.
 * Owns: the batch that waits, its timer, which lines of chat are passed on, what joiners are sent meanwhile.
 * Does not own: order and gaps of the tap (mirror.ts), sockets (crowd.ts), the rates (pace.ts).
 */
import { TAP_KIND } from "../infra/tap-format.ts";
import { Batch } from "./batch.ts";
import type { Carried, Stand } from "./mirror.ts";
import { ChatSample, Pace } from "./pace.ts";

export interface FeedDeps {
  now: () => number;
  /** Calls after so many ms unless the function it returns was called before. */
  after(ms: number, run: () => void): () => void;
  /** The mirror's: everything that was given to `forward` and `resync` so far is in it. */
  stand(): Stand;
  /** ms between two flushes in the long run, as things are now. */
  everyMs(): number;
  /** ms between two flushes in any case; the last one took `tookMs` to be with everybody. */
  restMs(tookMs: number): number;
  spectators(): number;
  /** Who joins from now on is sent this. */
  show(stand: Stand): void;
  /** Calls `sent` when they are with everybody, at once or later. */
  send(frames: readonly Buffer[], sent: () => void): void;
  /** A line of chat was not passed on. */
  leftOut(): void;
}

export interface Feed {
  forward(bytes: Buffer, kind: Carried): void;
  resync(bytes: Buffer): void;
  /** Sends what waits. */
  flush(): void;
  /** Sends nothing any more. */
  stop(): void;
}

export function createFeed(deps: FeedDeps): Feed {
  const batch = new Batch();
  const pace = new Pace();
  const sample = new ChatSample();
  let cancel: (() => void) | undefined;
  let stopped = false;
  let isSending = false;
  let tookMs = 0;

  const flush = (): void => {
    cancel?.();
    cancel = undefined;
    if (batch.isEmpty || stopped) return;
    const stand = deps.stand();
    const beganAt = deps.now();
    pace.written(beganAt, deps.everyMs());
    // First: who joins while this is being written has it in its state, and is not among the receivers.
    isSending = true;
    deps.send(batch.take(stand), () => {
      isSending = false;
      tookMs = deps.now() - beganAt;
      if (!batch.isEmpty) soon();
    });
    deps.show(stand);
  };

  const soon = (): void => {
    // A machine that cannot keep up sends less often: what comes meanwhile becomes one batch, not a queue of them.
    if (cancel !== undefined || stopped || isSending) return;
    const ms = pace.wait(deps.now(), deps.everyMs(), deps.restMs(tookMs));
    if (ms === 0) flush();
    else cancel = deps.after(ms, flush);
  };

  return {
    forward(bytes, kind) {
      if (kind === TAP_KIND.patch) batch.patch(bytes);
      else if (kind === TAP_KIND.message || sample.take(deps.now(), deps.spectators())) batch.message(bytes);
      else deps.leftOut();
      if (!batch.isEmpty) soon();
    },
    resync(bytes) {
      batch.state(bytes);
      soon();
    },
    flush,
    stop() {
      stopped = true;
      cancel?.();
    },
  };
}
