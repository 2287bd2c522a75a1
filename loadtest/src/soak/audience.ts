/**
 * Spectators who stay: each takes a seat in round after round. Owns: their seats. Counts who found none for long.
 */
import { setTimeout as delay } from "node:timers/promises";
import { spectate, type Watching } from "../smoke/outside.ts";

const AGAIN_MS = 500;
/** Longer without a seat is a failure: the next round opens on time, ms. */
const PATIENCE_MS = 15_000;
const AT_ONCE_MS = 20;

export class Audience {
  seated = 0;
  /** Seats taken, of all rounds. */
  seats = 0;
  updates = 0;
  /** Times somebody was without a seat for 15 s. */
  leftOut = 0;
  private readonly url: string;
  private readonly count: number;

  constructor(url: string, count: number) {
    this.url = url;
    this.count = count;
  }

  /** Until the signal fires. */
  async watch(signal: AbortSignal): Promise<void> {
    await Promise.all(
      Array.from({ length: this.count }, async (_, at) => {
        // One after the other: this is no storm.
        await delay(at * AT_ONCE_MS, undefined, { signal }).catch(() => undefined);
        await this.stay(signal);
      }),
    );
  }

  private async stay(signal: AbortSignal): Promise<void> {
    let since = performance.now();
    while (!signal.aborted) {
      try {
        const { room } = await spectate(this.url);
        this.seats++;
        this.seated++;
        await this.untilOver(room, signal);
        this.seated--;
        since = performance.now();
        await room.leave().catch(() => undefined);
      } catch {
        // Between two rounds there is no seat for a moment.
        if (performance.now() - since > PATIENCE_MS) {
          this.leftOut++;
          since = performance.now();
        }
      }
      await delay(AGAIN_MS, undefined, { signal }).catch(() => undefined);
    }
  }

  /** A round that is over stays on show for a while; whoever watches goes on to the next. */
  private async untilOver(room: Watching["room"], signal: AbortSignal): Promise<void> {
    await new Promise<void>((resolve) => {
      const onAbort = (): void => resolve();
      room.onLeave(() => resolve());
      room.onStateChange(({ phase }) => {
        this.updates++;
        if (phase === "closed" || phase === "voided") resolve();
      });
      if (signal.aborted) resolve();
      signal.addEventListener("abort", onAbort, { once: true });
      room.onLeave(() => signal.removeEventListener("abort", onAbort));
    });
  }
}
