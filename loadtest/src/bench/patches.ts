/**
 * A round's show without sockets beside a running actor, and when its patches leave. Owns: that rig and its figures.
 * Patches are projected and encoded as the room does it; nobody receives them.
 */
import type { RoundState } from "@meme-rounds/shared-schema/round-state";
import { RoundView } from "@meme-rounds/shared-schema/sync-state";
// Sets the encoder's buffer as the server has it.
import "../../../server/src/infra/colyseus.ts";
import { createLogger } from "../../../server/src/infra/logger.ts";
import type { RoundActor } from "../../../server/src/round/actor.ts";
import { afterMs } from "../../../server/src/round/pulse.ts";
import { TapSerializer } from "../../../server/src/round/serializer.ts";
import { RoundShow } from "../../../server/src/round/show.ts";
import { TickMeter } from "../../../server/src/round/tick-meter.ts";
import type { Figure } from "./measure.ts";

export class Patches {
  readonly show: RoundShow;
  private readonly left: number[] = [];

  constructor() {
    const view = new RoundView();
    const clock = () => performance.now();
    const tap = { patch: () => undefined, snapshot: () => undefined };
    const encoder = new TapSerializer<RoundView>({}, { tap, now: clock });
    encoder.reset(view);
    this.show = new RoundShow(view, {
      directory: {} as never,
      payment: {} as never,
      audience: {} as never,
      meter: new TickMeter(),
      logger: createLogger("bench", "error"),
      now: clock,
      clock,
      after: afterMs,
      send: () => {
        encoder.applyPatches([] as never, view);
        this.left.push(clock());
      },
      sockets: () => 0,
      tell: () => undefined,
      tellEach: () => undefined,
    });
  }

  begin(actor: RoundActor, state: RoundState): void {
    this.show.begin(actor, state, undefined);
  }

  /** How they left since the last time it was asked. */
  figures(what: string): Figure[] {
    const left = this.left.splice(0);
    const gaps = left.slice(1).map((at, n) => at - (left[n] ?? 0));
    const took = (left.at(-1) ?? 0) - (left[0] ?? 0);
    return [
      { name: `patches, ${what} (10 at most)`, value: (gaps.length * 1_000) / took, unit: "/s" },
      { name: `longest time between two of them, ${what}`, value: Math.max(...gaps), unit: "ms" },
    ];
  }
}
